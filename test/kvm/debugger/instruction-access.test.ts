/**
 * What `accessesOf` says against what the processor does: instructions with random operands, one step each, with three
 * different contents of memory. Every byte that changes was predicted; a plain store changes every byte predicted; and
 * when the bytes predicted as read are kept and all others are different, the outcome is the same.
 */
import test from 'tape';
import { cpuMode } from '../../../src/x86/cpu-mode.js';
import { GENERAL_REGISTER_NAMES, type GeneralRegisters, type Segment } from '../../../src/x86/cpu-state.js';
import { accessesOf, type AccessState, type MemoryAccess } from '../../../src/x86/instruction-access.js';
import { Machine } from '../../../src/vmm/machine.js';
import type { TestMode } from './guest-under-debug.js';
import { encode, IMPLIED_FORMS, OPERAND_FORMS, Random, type Encoded, type Form } from './instruction-corpus.js';
import { TIME_SCALE } from '../../time-scale.js';

const CODE = 0x3000;
const CODE_SIZE = 32;
const NOP = 0x90;
/** Handlers in real mode: that of INT 21h returns, that of every fault ends the attempt. */
const RETURN = 0x2f00;
const FAULT = 0x2f01;
const CR4_SSE = 0x600n;
/** Where the operands are; filled anew for each run, and compared. */
const WINDOW = 0x4000;
const WINDOW_SIZE = 0x9_0000 - WINDOW;
/** An emulated host (docs/hosts.md) has a third of the time for it. */
const TRIES = Math.ceil(12 / TIME_SCALE);
const CONTENTS = [1, 2, 3].map((seed) => new Random(seed).bytes(WINDOW_SIZE));
const RFLAGS_TF = 0x100n;

interface Outcome {
  readonly regs: GeneralRegisters;
  readonly window: Uint8Array;
  readonly before: Uint8Array;
}

/** A machine in one mode whose data segments have bases, and limits of 4 GiB so that no address is refused. */
class Bench {
  readonly machine: Machine;
  private readonly sregs: Uint8Array;

  constructor(readonly mode: TestMode) {
    this.machine = Machine.create({
      memory: 2 << 20,
      // An image as large as all that is used here, so that page tables and GDT are put behind it.
      guest: { bytes: new Uint8Array(WINDOW + WINDOW_SIZE - RETURN), name: 'test', boot: 'flat', mode, load: RETURN },
      serial: { write: () => undefined },
    });
    const { vcpu } = this;
    const sregs = vcpu.readSregs();
    const based = (segment: Segment, base: bigint): Segment => ({
      ...segment, base, limit: 0xffff_ffff, g: 1, ...(mode === 'real' && { selector: Number(base >> 4n) }),
    });
    vcpu.writeSregs({
      ds: based(sregs.ds, 0x1_0000n), es: based(sregs.es, 0x1_8000n), fs: based(sregs.fs, 0x2_0000n),
      gs: based(sregs.gs, 0x2_8000n), ss: based(sregs.ss, 0x3_0000n),
      cs: { ...sregs.cs, base: 0n, ...(mode === 'real' && { selector: 0 }) },
      cr4: sregs.cr4 | CR4_SSE,
    });
    this.sregs = vcpu.copyRegisters().sregs;
    for (let vector = 0; vector < 0x100; vector++) {
      const handler = vector === 0x21 ? RETURN : FAULT;
      this.machine.memory.write(4 * vector, Uint8Array.of(handler & 0xff, handler >> 8, 0, 0));
    }
    this.machine.memory.write(RETURN, Uint8Array.of(0xcf, 0xf4));
  }

  get vcpu(): Machine['vcpus'][number] {
    const [vcpu] = this.machine.vcpus;
    if (vcpu === undefined) throw new Error('a machine has a vCPU');
    return vcpu;
  }

  /** A step with `contents` in the window; undefined if the processor does not carry the instruction out. */
  step(code: Uint8Array, regs: GeneralRegisters, contents: Uint8Array): Outcome | undefined {
    const { vcpu, machine } = this;
    machine.memory.write(WINDOW, contents);
    // NOPs behind it: where a step over INT n runs the handler freely, its IRET and one more instruction are executed.
    machine.memory.write(CODE, new Uint8Array(CODE_SIZE).fill(NOP));
    machine.memory.write(CODE, code);
    vcpu.restoreRegisters(vcpu.copyRegisters().regs, this.sregs);
    Object.assign(vcpu.regs, regs);
    const exit = vcpu.runToExit({ mode: 'step', waitMicroseconds: 5_000_000, fresh: true, fixPushf: true });
    if (exit.reason !== 'plan-done' || exit.pc === BigInt(FAULT)) return undefined;
    const after = { ...vcpu.regs, rflags: vcpu.regs.rflags & ~RFLAGS_TF };
    return { regs: after, window: machine.memory.read(WINDOW, WINDOW_SIZE), before: contents };
  }
}

/** Small and different numbers, with rubbish where the address size leaves bits out. */
function randomRegisters(form: Form, { addressBits }: Encoded, random: Random): GeneralRegisters {
  const regs = Object.fromEntries(GENERAL_REGISTER_NAMES.map((name) => [name, BigInt(0x4800 + random.below(0x3800))])) as GeneralRegisters;
  if (form.opcode === '0fae07') {
    regs.rdi &= ~0xfn;
    regs.rbx &= ~0xfn;
  } else if (form.bitOffset === undefined && addressBits === 32 && random.below(2) === 0) {
    for (const name of ['rax', 'rbx', 'rdx', 'rsi', 'rdi', 'rbp'] as const) regs[name] |= BigInt(random.below(0x10000)) << 32n;
  }
  regs.rcx = form.opcode.length === 2 && 'a4a5a6a7aaabacadaeaf'.includes(form.opcode) ? BigInt(random.below(5)) : regs.rcx;
  return { ...regs, rip: BigInt(CODE), rflags: 0x202n | (random.below(2) === 0 ? 0x400n : 0n) };
}

/** Offsets in the window that the accesses of a sort cover; one that is not in the window is a mistake of the corpus. */
function covered(accesses: readonly MemoryAccess[], wanted: (access: MemoryAccess) => boolean): Set<number> {
  const offsets = new Set<number>();
  for (const { linear, size } of accesses.filter(wanted)) {
    for (let at = Number(linear) - WINDOW; at < Number(linear) - WINDOW + size; at++) offsets.add(at);
  }
  return offsets;
}

function changed({ before, window }: Outcome): number[] {
  const found: number[] = [];
  const size = 4096;
  for (let page = 0; page < WINDOW_SIZE; page += size) {
    if (Buffer.compare(before.subarray(page, page + size), window.subarray(page, page + size)) === 0) continue;
    for (let at = page; at < page + size; at++) if (before[at] !== window[at]) found.push(at);
  }
  return found;
}

/** What is wrong about one instruction, as a sentence; `unable` if the processor does not carry it out. */
function examine(bench: Bench, form: Form, encoded: Encoded, regs: GeneralRegisters): string | undefined {
  const [first, second, third] = CONTENTS as [Uint8Array, Uint8Array, Uint8Array];
  const one = bench.step(encoded.bytes, regs, first);
  if (one === undefined) return 'unable';
  // As they are after the step; of those only CS may have changed, and no operand here goes by it.
  const sregs = bench.vcpu.readSregs();
  const cpu: AccessState = { regs, sregs, mode: cpuMode(sregs, regs.rflags) };
  // How many iterations a step of REP carries out differs between hosts: one, many, or a last one that only ends it.
  const mask = (1n << BigInt(encoded.addressBits)) - 1n;
  const iterations = Number((regs.rcx - one.regs.rcx) & mask);
  const plain = accessesOf(encoded.bytes, cpu);
  const instruction = plain?.isRepeated === true ? accessesOf(encoded.bytes, cpu, iterations) : plain;
  if (instruction === undefined) return 'no instruction';
  if (instruction.length !== encoded.bytes.length) return `${instruction.length} bytes long`;
  const reads = covered(instruction.accesses, ({ read }) => read);
  const writes = covered(instruction.accesses, ({ write }) => write);
  if ([...reads, ...writes].some((at) => at < 0 || at >= WINDOW_SIZE)) return 'outside the window';
  const kept = second.slice();
  for (const at of reads) kept[at] = first[at] ?? 0;
  const two = bench.step(encoded.bytes, regs, kept);
  const three = bench.step(encoded.bytes, regs, third);
  if (two === undefined || three === undefined) return 'unable';
  const changes = new Set([one, two, three].flatMap(changed));
  const hex = (at: number): string => (at + WINDOW).toString(16);
  for (const at of changes) if (!writes.has(at)) return `${hex(at)} was written and not predicted`;
  if (form.writes === 'stored' && plain?.isRepeated !== true) {
    for (const at of writes) if (!changes.has(at)) return `${hex(at)} was predicted and not written`;
  }
  if (form.writes === 'some' && writes.size > 0 && form.name.startsWith('not') && changes.size !== writes.size) return 'NOT changes every byte';
  if (form.writes !== 'area') {
    for (const at of writes) if (one.window[at] !== two.window[at]) return `what is written at ${hex(at)} depends on a byte that was not predicted as read`;
  }
  const different = GENERAL_REGISTER_NAMES.find((name) => one.regs[name] !== two.regs[name]);
  return different === undefined ? undefined : `${different} depends on a byte that was not predicted as read`;
}

/** LEAVE with an operand-size prefix in 64-bit mode pops two bytes (SDM vol. 2); the processor of that host pops eight (docs/hosts.md). */
function isWrongInBochs({ bytes }: Encoded, mode: TestMode): boolean {
  return process.env['HOST_NAME'] === 'vmx' && mode === 'long' && bytes.at(-1) === 0xc9 && bytes.includes(0x66);
}

for (const mode of ['real', 'protected', 'long'] as const) {
  test(`instruction access: random operands in ${mode} mode`, (t) => {
    const bench = new Bench(mode);
    const random = new Random(0x1234);
    const unable: string[] = [];
    let examined = 0;
    try {
      for (const form of [...OPERAND_FORMS, ...IMPLIED_FORMS]) {
        if (form.modes?.includes(mode) === false) continue;
        const wrong: string[] = [];
        let ran = 0;
        for (let tries = 0; tries < TRIES; tries++) {
          const encoded = encode(form, mode, random);
          const regs = randomRegisters(form, encoded, random);
          if (isWrongInBochs(encoded, mode)) continue;
          const said = examine(bench, form, encoded, regs);
          if (said !== 'unable') ran++;
          if (said !== undefined && said !== 'unable') wrong.push(`${Buffer.from(encoded.bytes).toString('hex')}: ${said}`);
        }
        if (ran === 0) unable.push(form.name);
        examined += ran;
        t.deepEqual(wrong, [], `${form.name} (${ran} of ${TRIES})`);
      }
    } finally {
      bench.machine.close();
    }
    t.comment(`not carried out by this host: ${unable.join(', ') || 'none'}`);
    t.ok(examined > 42 * TRIES, `${examined} instructions were examined`);
    t.end();
  });
}
