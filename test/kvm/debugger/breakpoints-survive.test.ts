/**
 * Breakpoints that were set before their code is there: loaders that copy or decode it to its place, resets, and guests
 * that write their own code or look at it.
 */
import test from 'tape';
import { executionMechanisms } from './forced.js';
import { GuestUnderDebug } from './guest-under-debug.js';
import { HLT, NOP, REGISTER, branch, le, load } from './machine-code.js';
import { TIME_SCALE } from '../../time-scale.js';

/** Where the loaders put the program, in a page of its own. */
const PLACE = 0x9000;
const COUNT = 16;
/** How many breakpoints: of debug registers there are four. A slow host tries fewer. */
const COUNTS = TIME_SCALE > 1 ? [4, 6] : [1, 4, 6, 12];
/** The program: inc dx, one byte each, then a reset by the keyboard controller or HLT. */
const INC_DX = 0x42;
const RESET = [0xb0, 0xfe, 0xe6, 0x64];

type Loader = 'rep movsb' | 'a byte loop' | 'a decoder' | 'a runs decoder';

/** Real mode, at 7c00: brings `program` to PLACE and jumps there. */
function loader(how: Loader, program: readonly number[]): number[] {
  const encoded = how === 'a decoder' ? program.map((byte) => byte ^ 0xa5) : how === 'a runs decoder' ? runs(program) : [...program];
  const body: Record<Loader, number[]> = {
    'rep movsb': [0xf3, 0xa4],
    'a byte loop': [0xac, 0xaa, 0xe2, 0xfc], // lodsb; stosb; loop
    'a decoder': [0xac, 0x34, 0xa5, 0xaa, 0xe2, 0xfa], // lodsb; xor al, a5; stosb; loop
    // 1: lodsw; push cx; mov cl, ah; xor ch, ch; rep stosb; pop cx; loop 1b: pairs of a byte and its count
    'a runs decoder': [0xad, 0x51, 0x88, 0xe1, 0x30, 0xed, 0xf3, 0xaa, 0x59, 0xe2, 0xf5],
  };
  const count = how === 'a runs decoder' ? encoded.length / 2 : encoded.length;
  const tail = [0xea, ...le(PLACE, 2), 0, 0];
  const head = 1 + 3 * load('real', 0, 0).length;
  const source = 0x7c00 + head + body[how].length + tail.length;
  return [
    0xfc, ...load('real', REGISTER.si, source), ...load('real', REGISTER.di, PLACE), ...load('real', REGISTER.cx, count),
    ...body[how], ...tail, ...encoded,
  ];
}

function runs(bytes: readonly number[]): number[] {
  const pairs: [number, number][] = [];
  for (const byte of bytes) {
    const last = pairs.at(-1);
    if (last !== undefined && last[0] === byte) last[1]++;
    else pairs.push([byte, 1]);
  }
  return pairs.flat();
}

/** Runs until all `offsets` from PLACE were hit in order; the first that is not, undefined if none. */
async function hitsInOrder(guest: GuestUnderDebug, offsets: readonly number[]): Promise<string | undefined> {
  for (const offset of offsets) {
    const stop = await guest.continue();
    const where = Number(guest.pc) - PLACE;
    if (stop.reason.kind !== 'breakpoint' || where !== offset) return `${stop.reason.kind} at ${where} instead of ${offset}: ${stop.text ?? ''}`;
    if (Number(guest.read('rdx') & 0xffffn) !== offset) return `${guest.read('rdx')} of ${offset} instructions ran before ${offset}`;
    // As gdb: off it without it.
    const request = { kind: 'software' as const, address: BigInt(PLACE + offset), length: 1 };
    guest.target.breakpoints.remove(request);
    await guest.step();
    guest.target.breakpoints.insert(request);
  }
  return undefined;
}

for (const [how, only] of executionMechanisms()) {
  test(`breakpoints set before the loader runs, ${how}: hit, and again after a reset by the guest and by the client`, async (t) => {
    for (const loading of ['rep movsb', 'a byte loop', 'a decoder', 'a runs decoder'] as const) {
      for (const count of COUNTS) {
        // Every other instruction, so that no step lands on the next breakpoint.
        const offsets = Array.from({ length: count }, (_, i) => 1 + 2 * i);
        const length = Math.max(COUNT, 2 * count + 2);
        const program = [...new Array<number>(length).fill(INC_DX), ...RESET, HLT];
        const guest = new GuestUnderDebug('real', loader(loading, program), undefined, only);
        for (const offset of offsets) guest.target.breakpoints.insert({ kind: 'software', address: BigInt(PLACE + offset), length: 1 });
        const name = `${loading}, ${count}`;
        t.equal(await hitsInOrder(guest, offsets), undefined, name);
        t.deepEqual(guest.bytes(PLACE, program.length), program, `${name}: the program is whole`);
        t.equal(await hitsInOrder(guest, offsets), undefined, `${name}: again after the guest's reset`);
        guest.target.reset();
        t.equal(await hitsInOrder(guest, offsets.slice(0, 2)), undefined, `${name}: again after monitor reset`);
        guest.close();
      }
    }
  });

  test(`a guest that writes its own code, ${how}: under a breakpoint, beside it and into its operand`, async (t) => {
    const offsetOf = { target: 0x40, beside: 0x41 };
    const stores = (values: readonly [number, number][]): number[] => values.flatMap(([offset, value]) => [0xc6, 0x06, ...le(0x7c00 + offset, 2), value]);
    // At the target there is "mov bl, 1; nop" first, which becomes "mov cl, 2; inc dx": opcode, operand, what follows.
    const rewrite = stores([[offsetOf.target, 0xb1], [offsetOf.beside, 2], [0x42, INC_DX]]);
    const start = [...rewrite, ...branch('real', [0xe9], rewrite.length, offsetOf.target)];
    const code = [...start, ...new Array<number>(offsetOf.target - start.length).fill(NOP), 0xb3, 1, NOP, NOP, HLT];
    for (const extra of [[], [0x43], [0x42, 0x43], [0x00, 0x42, 0x43, 0x10, 0x20, 0x30]]) {
      const guest = new GuestUnderDebug('real', code, undefined, only);
      // Away from the code: a stack's page is not write-protected, so that patches in it can be written over.
      guest.write('rsp', 0x7000n);
      guest.break(offsetOf.target);
      // More breakpoints, so that the one that is written over is not always in a debug register.
      for (const offset of extra.filter((each) => each > 0x41)) guest.break(offset);
      const name = `with ${extra.length} more`;
      const stop = await guest.continue();
      t.equal(stop.reason.kind, 'breakpoint', `${name}: ${stop.text ?? ''}`);
      t.equal(guest.offset, offsetOf.target, `${name}: at the new instruction`);
      t.deepEqual(guest.bytes(0x7c40, 4), [0xb1, 2, INC_DX, NOP], `${name}: the guest's own writes are there`);
      guest.unbreak(offsetOf.target);
      await guest.step();
      t.equal(guest.offset, 0x42, `${name}: one instruction`);
      t.equal(guest.read('rcx') & 0xffn, 2n, `${name}: the new instruction with its new operand`);
      t.equal(guest.read('rbx') & 0xffn, 0n, `${name}: not the old one`);
      await guest.step();
      t.equal(guest.read('rdx') & 0xffffn, 1n, `${name}: what was written under the second breakpoint`);
      guest.close();
    }
  });

  test(`a guest that rewrites the instruction of a loop, ${how}: every pass stops and runs the byte of its own`, async (t) => {
    // 0: inc byte [target+1]; target: mov al, 0; add dx, ax (16 bits); jmp 0
    const target = 4;
    const code = [0xfe, 0x06, ...le(0x7c00 + target + 1, 2), 0xb0, 0, 0x01, 0xc2, 0xeb, 0xf6];
    const guest = new GuestUnderDebug('real', code, undefined, only);
    guest.write('rax', 0n);
    for (const offset of [target, 6]) guest.break(offset);
    let sum = 0;
    for (let pass = 1; pass <= 20; pass++) {
      for (const offset of [target, 6]) {
        const stop = await guest.continue();
        if (stop.reason.kind !== 'breakpoint' || guest.offset !== offset) t.fail(`pass ${pass}: ${stop.reason.kind} at ${guest.offset} instead of ${offset}`);
        guest.unbreak(offset);
        if (offset === 6) {
          sum += pass;
          await guest.step();
        } else {
          // Over the first by a step that lands on the second: it is reported there.
          await guest.step();
          guest.unbreak(6);
          await guest.step();
          guest.break(6);
          sum += pass;
          guest.break(offset);
          break;
        }
        guest.break(offset);
      }
      if (Number(guest.read('rdx')) !== sum) t.fail(`pass ${pass}: sum ${guest.read('rdx')} instead of ${sum}`);
    }
    t.deepEqual(guest.bytes(0x7c00, code.length), code.map((byte, i) => (i === target + 1 ? 20 : byte)), 'code as the guest wrote it');
    guest.close();
  });
}

test('a guest that reads its own code sees no breakpoint of the first four', async (t) => {
  // 0: mov si, 7c00; mov cx, length; xor bx, bx; 1: lodsb; add bl, al; loop 1b; nop; hlt
  const length = 0x20;
  const code = [0xfc, 0xbe, 0, 0x7c, 0xb9, length, 0, 0x31, 0xdb, 0xac, 0x00, 0xc3, 0xe2, 0xfb, NOP, HLT, ...new Array<number>(length - 16).fill(NOP)];
  const sum = code.reduce((total, byte) => (total + byte) & 0xff, 0);
  for (const [how, only] of executionMechanisms()) {
    const seesPatches = only?.includes('patch') === true;
    const guest = new GuestUnderDebug('real', code, undefined, only);
    guest.break(14);
    for (const offset of [16, 18, 20]) guest.break(offset);
    t.equal((await guest.continue()).reason.kind, 'breakpoint', how);
    if (seesPatches) t.notEqual(Number(guest.read('rbx') & 0xffn), sum, `${how}: a patch is seen, as decision 0011 says`);
    else t.equal(Number(guest.read('rbx') & 0xffn), sum, how);
    t.deepEqual(guest.bytes(0x7c00, length), code, `${how}: at the stop nothing is left`);
    guest.close();
  }
});
