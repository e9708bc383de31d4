/**
 * The guest that every contender runs: one boot sector at 0000:7c00 in real mode, with three loops.
 *
 * The main loop runs for ever and counts in AX, so that a row can prove afterwards that every step it paid for was
 * made. The countdown loop runs CX times and leaves its range, which ends a range step. The third reads the keyboard
 * controller's status (port 64h), which changes nothing, and counts in ECX.
 */
import { writeFileSync } from 'node:fs';
import type { RspClient } from './rsp-client.js';
import { hex, littleEndianHex } from './rsp-client.js';

/** Linear address of the boot sector and of the main loop. */
export const LOOP_START = 0x7c00;
/** Addresses of the main loop's instructions, in order. */
export const LOOP_ADDRESSES: readonly number[] = [0x7c00, 0x7c01, 0x7c03, 0x7c07];
/** Countdown loop, two instructions: `start <= pc < end`. */
export const COUNTDOWN = { start: 0x7c20, end: 0x7c23 } as const;
/** Reads a port once a round. */
export const PORT_LOOP_START = 0x7c30;

const MAIN_LOOP = [
  0x40, //                   inc ax
  0x01, 0xc3, //             add bx, ax
  0x89, 0x1e, 0x00, 0x06, // mov [0x600], bx
  0xeb, 0xf7, //             jmp LOOP_START
];
const COUNTDOWN_LOOP = [
  0x49, //                   dec cx
  0x75, 0xfd, //             jnz COUNTDOWN.start
  0xeb, 0xfe, //             jmp $
];
const PORT_LOOP = [
  0xe4, 0x64, //             in al, 64h
  0x66, 0x41, //             inc ecx
  0xeb, 0xfa, //             jmp PORT_LOOP_START
];
const SECTOR_SIZE = 512;

/** The boot sector: 512 bytes with the 55 AA signature. */
export function bootSector(): Uint8Array {
  const sector = new Uint8Array(SECTOR_SIZE);
  sector.set(MAIN_LOOP, 0);
  sector.set(COUNTDOWN_LOOP, COUNTDOWN.start - LOOP_START);
  sector.set(PORT_LOOP, PORT_LOOP_START - LOOP_START);
  sector.set([0x55, 0xaa], SECTOR_SIZE - 2);
  return sector;
}

/** Writes the boot sector to `path`. */
export function writeGuestImage(path: string): void {
  writeFileSync(path, bootSector());
}

/** Register numbers and `g` offsets of gdb's amd64 order (org.gnu.gdb.i386.core): the first 24 are the same everywhere. */
const REGNUM = { rax: 0, rcx: 2, rip: 16, cs: 18 } as const;
const G_HEX_OFFSET = { rax: 0, rcx: 2 * 16, rip: 16 * 16 } as const;

/**
 * Puts a halted guest of either server into the same state, whatever it has run before: code in place, CS base 0,
 * pc at `pc`, AX 0 and CX `count`. A server that starts at the reset vector needs no BIOS for this.
 */
export async function placeGuest(client: RspClient, pc: number, count = 0): Promise<void> {
  await client.expectOk(`M${hex(LOOP_START)},${hex(SECTOR_SIZE)}:${Buffer.from(bootSector()).toString('hex')}`);
  await startAt(client, pc);
  await client.expectOk(`P${hex(REGNUM.rax)}=${littleEndianHex(0, 8)}`);
  await client.expectOk(`P${hex(REGNUM.rcx)}=${littleEndianHex(count, 8)}`);
}

/** In real mode, CS base 0. */
export async function startAt(client: RspClient, pc: number): Promise<void> {
  await client.expectOk(`P${hex(REGNUM.cs)}=${littleEndianHex(0, 4)}`);
  await client.expectOk(`P${hex(REGNUM.rip)}=${littleEndianHex(pc, 8)}`);
}

/** The pc's first two bytes as the hex of a `g` reply, for a comparison without a parse. */
export function hasProgramCounter(g: Buffer, expected: Buffer): boolean {
  return g.compare(expected, 0, 4, G_HEX_OFFSET.rip, G_HEX_OFFSET.rip + 4) === 0;
}

/** What `hasProgramCounter` compares with. */
export function programCounterBytes(address: number): Buffer {
  return Buffer.from(littleEndianHex(address, 2), 'latin1');
}

/** Throws unless the main loop, started at its head, has run exactly `steps` instructions. */
export async function expectLoopSteps(client: RspClient, steps: number): Promise<void> {
  const length = LOOP_ADDRESSES.length;
  await expectState(client, LOOP_ADDRESSES[steps % length] ?? 0, Math.ceil(steps / length), `${steps} steps`);
}

/** Throws unless pc and AX are as given (AX modulo 2^16); `after` says what should have led there. */
export async function expectState(client: RspClient, pc: number, ax: number, after: string): Promise<void> {
  const g = client.expandRunLengths(await client.request(client.frame('g')));
  const seenPc = littleEndian(g, G_HEX_OFFSET.rip);
  const seenAx = littleEndian(g, G_HEX_OFFSET.rax) & 0xffff;
  if (seenPc === pc && seenAx === (ax & 0xffff)) return;
  throw new Error(
    `after ${after} the guest should be at 0x${hex(pc)} with AX ${ax & 0xffff}, ` +
      `but it is at 0x${hex(seenPc)} with AX ${seenAx}: the server did not do what was timed`,
  );
}

/** The low 32 bits of a register. */
export async function readRegister32(client: RspClient, name: keyof typeof G_HEX_OFFSET): Promise<number> {
  return littleEndian(client.expandRunLengths(await client.request(client.frame('g'))), G_HEX_OFFSET[name]);
}

export async function setRegister(client: RspClient, name: keyof typeof REGNUM, value: number): Promise<void> {
  await client.expectOk(`P${hex(REGNUM[name])}=${littleEndianHex(value, 8)}`);
}

/** The low 32 bits of the register at `offset` of a `g` reply. */
function littleEndian(g: Buffer, offset: number): number {
  return Buffer.from(g.toString('latin1', offset, offset + 8), 'hex').readUInt32LE(0);
}
