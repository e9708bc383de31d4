/** Rows about firmware: from the start of the process to a boot sector, and what that reads by INT 13h. */
import { writeFileSync } from 'node:fs';
import { hex, type RspClient } from './rsp-client.js';
import { RunningServer, type ServerCommand } from './servers.js';

const BOOT_SECTOR = 0x7c00;
const PACKET = 0x7c40;
const DONE = 0x7c1a;
const SECTOR = 512;
const SECTORS_A_READ = 64, READS = 32;
const MEGABYTE = 1e6;

/** Reads sectors 0 to 63 to 1000:0000 again and again; DONE is behind it, and where it goes when a read fails is not. */
const CODE = [
  0x31, 0xc0, 0x8e, 0xd8, 0x8e, 0xc0, 0xbd, READS & 0xff, READS >> 8, // xor ax, ax; mov ds, ax; mov es, ax; mov bp, READS
  0xb4, 0x42, 0xb2, 0x80, 0xbe, PACKET & 0xff, PACKET >> 8, 0xcd, 0x13, // mov ah, 42h; mov dl, 80h; mov si, PACKET; int 13h
  0x72, 0x06, 0x4d, 0x75, 0xf2, // jc +6; dec bp; jnz to mov ah
  0x90, 0x90, 0x90, // nop; nop; nop
  0xeb, 0xfe, // DONE: jmp $
  0xf4, 0xeb, 0xfd, // hlt; jmp to it
];

/** A disk of 64 KiB whose boot sector is this guest. */
export function writeDisk(path: string): void {
  const image = new Uint8Array(SECTORS_A_READ * 2 * SECTOR);
  image.set(CODE);
  image.set([16, 0, SECTORS_A_READ, 0, 0, 0, 0, 0x10], PACKET - BOOT_SECTOR);
  image.set([0x55, 0xaa], SECTOR - 2);
  writeFileSync(path, image);
}

async function runTo(client: RspClient, address: number): Promise<void> {
  await client.expectOk(`Z1,${hex(address)},1`);
  const reply = await client.ask('vCont;c');
  if (!/^[TS]05/.test(reply)) throw new Error(`expected a stop at ${hex(address)} and got '${reply}'`);
  await client.expectOk(`z1,${hex(address)},1`);
}

/** Starts a server, runs its guest to the boot sector and ends it; `work` may go on from there. */
async function atBootSector<T>(command: ServerCommand, startsThere: boolean, work: (client: RspClient, milliseconds: number) => Promise<T>): Promise<T> {
  const begin = performance.now();
  const { server } = await RunningServer.start(command);
  try {
    return await server.withClient(async (client) => {
      if (!startsThere) await runTo(client, BOOT_SECTOR);
      return work(client, performance.now() - begin);
    });
  } finally {
    await server.stop();
  }
}

/** Milliseconds from the start of the process to 0000:7c00. `startsThere`: without firmware before it. */
export function bootMilliseconds(command: ServerCommand, startsThere: boolean): Promise<number> {
  return atBootSector(command, startsThere, (_client, milliseconds) => Promise.resolve(milliseconds));
}

/** What the boot sector reads by INT 13h, AH=42h, in MB/s. */
export function diskMegabytes(command: ServerCommand): Promise<number> {
  return atBootSector(command, false, async (client) => {
    const begin = performance.now();
    await runTo(client, DONE);
    return (SECTORS_A_READ * READS * SECTOR) / MEGABYTE / ((performance.now() - begin) / 1000);
  });
}
