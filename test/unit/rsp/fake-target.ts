/**
 * A `DebugTarget` without a machine: one kind of memory, two vCPUs, and a processor of four instructions, so that
 * resumes, breakpoints, interrupts and exits can be played to a session and to a real gdb.
 *
 * 0x90 nop; 0xeb 0xfe spins until interrupted; 0xf4 ends the guest with status rax; 0x0f 0x0b faults.
 */
import { TargetError } from '../../../src/target.js';
import type {
  BreakpointKind,
  BreakpointRequest,
  DebugTarget,
  Disposable,
  LinearRegion,
  RegisterInfo,
  ResumeAction,
  StopEvent,
  StopReason,
  TargetDescription,
  ThreadId,
  ThreadInfo,
} from '../../../src/target.js';

const GENERAL = [
  'rax', 'rbx', 'rcx', 'rdx', 'rsi', 'rdi', 'rbp', 'rsp',
  'r8', 'r9', 'r10', 'r11', 'r12', 'r13', 'r14', 'r15', 'rip',
];
const SMALL = ['eflags', 'cs', 'ss', 'ds', 'es', 'fs', 'gs'];
const FPU = ['fctrl', 'fstat', 'ftag', 'fiseg', 'fioff', 'foseg', 'fooff', 'fop'];

export const RAX = 0;
export const RSP = 7;
export const RIP = 16;

function describe(): TargetDescription {
  const registers: RegisterInfo[] = [];
  let offset = 0;
  let xml = '';
  const add = (name: string, size: number, type: string): void => {
    xml += `<reg name="${name}" bitsize="${size * 8}" type="${type}" regnum="${registers.length}"/>\n`;
    registers.push({ name, regnum: registers.length, offset, size });
    offset += size;
  };
  for (const name of GENERAL) add(name, 8, 'int64');
  for (const name of SMALL) add(name, 4, 'int32');
  for (let i = 0; i < 8; i++) add(`st${i}`, 10, 'i387_ext');
  for (const name of FPU) add(name, 4, 'int');
  return {
    xml:
      '<?xml version="1.0"?>\n<!DOCTYPE target SYSTEM "gdb-target.dtd">\n<target version="1.0">\n' +
      '<architecture>i386:x86-64</architecture>\n<osabi>none</osabi>\n' +
      `<feature name="org.gnu.gdb.i386.core">\n${xml}</feature>\n</target>\n`,
    registers,
    size: offset,
    expedited: [RIP, RSP],
    pc: RIP,
  };
}

/** Bytes of memory, at address 0. */
export const MEMORY_SIZE = 0x20000;
export const ENTRY = 0x7c00n;

export interface FakeOptions {
  /** A stop is reported from `resume` itself, as a step of the real target is, or on a later turn. */
  readonly stops?: 'at-once' | 'later';
  readonly kinds?: readonly BreakpointKind[];
  readonly without?: readonly ('breakpoints' | 'monitor' | 'stepOptions' | 'physicalMemory' | 'memoryRegion' | 'executable')[];
  readonly withReverse?: boolean;
  /** Takes conditions and commands on breakpoints; it carries out none, and refuses the expression `ff`. */
  readonly withAgentExpressions?: boolean;
  readonly memorySize?: number;
}

export class FakeTarget implements DebugTarget {
  readonly description = describe();
  /** What was asked of the target, in order. */
  readonly calls: string[] = [];
  readonly memory: Uint8Array;
  readonly planted = new Map<string, BreakpointRequest>();
  running = false;
  lastStop: StopEvent = { thread: 1, reason: { kind: 'step' } };
  monitor?: DebugTarget['monitor'];
  breakpoints?: DebugTarget['breakpoints'];
  stepOptions?: DebugTarget['stepOptions'];
  physicalMemory?: DebugTarget['physicalMemory'];
  memoryRegion?: DebugTarget['memoryRegion'];
  reverse?: DebugTarget['reverse'];
  executable?: string;
  private readonly registers: readonly Uint8Array[];
  private readonly stopListeners = new Set<(stop: StopEvent) => void>();
  private readonly consoleListeners = new Set<(text: string) => void>();
  private runningThread: ThreadId = 1;
  private interrupted = false;

  constructor(private readonly options: FakeOptions = {}) {
    this.memory = new Uint8Array(options.memorySize ?? MEMORY_SIZE);
    this.registers = [1, 2].map(() => new Uint8Array(this.description.size));
    const without = new Set(options.without ?? []);
    if (!without.has('breakpoints')) this.breakpoints = this.makeBreakpoints();
    if (!without.has('monitor')) this.monitor = { execute: (command, write) => this.runMonitor(command, write) };
    if (!without.has('stepOptions')) this.stepOptions = { noIrq: true, noTimer: true };
    if (!without.has('physicalMemory')) this.physicalMemory = { enabled: false };
    if (!without.has('memoryRegion')) this.memoryRegion = (_thread, address) => this.regionAt(address);
    if (options.withReverse) {
      this.reverse = { reverse: (thread, kind) => this.play([{ kind, thread }], `reverse ${kind}`) };
    }
    this.setPc(1, ENTRY);
    this.setPc(2, ENTRY);
  }

  threads(): readonly ThreadInfo[] {
    return [
      { id: 1, name: 'cpu0', state: this.running ? 'running' : 'halted' },
      { id: 2, name: 'cpu1', state: 'waiting for SIPI' },
    ];
  }

  pc(thread: ThreadId): bigint {
    return this.view(thread).getBigUint64(this.description.registers[RIP].offset, true);
  }

  setPc(thread: ThreadId, pc: bigint): void {
    this.view(thread).setBigUint64(this.description.registers[RIP].offset, pc, true);
  }

  readRegisters(thread: ThreadId): Uint8Array {
    this.checkStanding();
    return this.block(thread);
  }

  writeRegisters(thread: ThreadId, bytes: Uint8Array): void {
    this.block(thread).set(bytes);
  }

  readRegister(thread: ThreadId, regnum: number): Uint8Array {
    const { offset, size } = this.description.registers[regnum];
    return this.block(thread).subarray(offset, offset + size);
  }

  writeRegister(thread: ThreadId, regnum: number, bytes: Uint8Array): void {
    const { name, offset } = this.description.registers[regnum];
    if (name === 'cs' && bytes[0] === 0xff) throw new TargetError('cs cannot be 0xff: #GP (the selector is null).');
    this.block(thread).set(bytes, offset);
  }

  readMemory(_thread: ThreadId, address: bigint, length: number): Uint8Array {
    this.checkStanding();
    if (address >= BigInt(this.memory.length)) return new Uint8Array(0);
    return this.memory.subarray(Number(address), Number(address) + length);
  }

  writeMemory(_thread: ThreadId, address: bigint, bytes: Uint8Array): void {
    if (address + BigInt(bytes.length) > BigInt(this.memory.length)) throw new TargetError('No memory there.', 14);
    this.memory.set(bytes, Number(address));
  }

  /** What there is of memory can be executed and not written; nothing is above it. */
  private regionAt(address: bigint): LinearRegion {
    const end = BigInt(this.memory.length);
    if (address >= end) return { start: end, size: (1n << 64n) - end, name: '' };
    return { start: 0n, size: end, access: { writable: false, executable: true }, name: 'ROM' };
  }

  resume(actions: readonly ResumeAction[]): void {
    this.play(actions, `resume ${actions.map(({ kind, thread }) => `${kind}:${thread}`).join(' ')}`);
  }

  interrupt(): void {
    this.calls.push('interrupt');
    if (!this.running || this.interrupted) return;
    this.interrupted = true;
    setImmediate(() => this.stop({ thread: this.runningThread, reason: { kind: 'interrupt' } }));
  }

  onStop(listener: (stop: StopEvent) => void): Disposable {
    this.stopListeners.add(listener);
    return { dispose: () => this.stopListeners.delete(listener) };
  }

  onConsole(listener: (text: string) => void): Disposable {
    this.consoleListeners.add(listener);
    return { dispose: () => this.consoleListeners.delete(listener) };
  }

  say(text: string): void {
    for (const listener of [...this.consoleListeners]) listener(text);
  }

  reset(): void {
    this.calls.push('reset');
    this.setPc(1, ENTRY);
    this.lastStop = { thread: 1, reason: { kind: 'step' } };
  }

  kill(): void {
    this.calls.push('kill');
    this.stop({ thread: 1, reason: { kind: 'killed' } }, true);
  }

  /** Ends a resume with `stop`; without one under way nothing happens, unless `always`. */
  stop(stop: StopEvent, always = false): void {
    if (!this.running && !always) return;
    this.running = this.interrupted = false;
    this.lastStop = stop;
    for (const listener of [...this.stopListeners]) listener(stop);
  }

  get listenerCount(): number {
    return this.stopListeners.size + this.consoleListeners.size;
  }

  private block(thread: ThreadId): Uint8Array {
    return this.registers[thread - 1];
  }

  private view(thread: ThreadId): DataView {
    const block = this.block(thread);
    return new DataView(block.buffer, block.byteOffset, block.length);
  }

  private checkStanding(): void {
    if (this.running) throw new TargetError('The guest is running.', 16);
  }

  private makeBreakpoints(): NonNullable<DebugTarget['breakpoints']> {
    const kinds = new Set(this.options.kinds ?? (['software', 'hardware'] as const));
    return {
      kinds,
      ...(this.options.withAgentExpressions && { agentExpressions: true as const }),
      insert: (request) => {
        if (request.address === 0xbadn) throw new TargetError('No mechanism can stop at 0xbad.');
        if (request.conditions?.some(([first]) => first === 0xff)) throw new TargetError('The agent expression is not valid.');
        this.planted.set(`${request.kind} ${request.address}`, request);
      },
      remove: (request) => void this.planted.delete(`${request.kind} ${request.address}`),
      clear: () => {
        this.calls.push('clear');
        this.planted.clear();
      },
    };
  }

  private runMonitor(command: string, write: (text: string) => void): void {
    this.calls.push(`monitor ${command}`);
    if (command === 'gone') throw new TargetError('The machine is gone.');
    if (command === 'quit') this.kill();
    else if (command === 'two') ['one ', 'two\n'].forEach(write);
    else write(`unknown command: ${command}\n`);
  }

  private play(actions: readonly ResumeAction[], call: string): void {
    this.checkStanding();
    this.calls.push(call);
    const mover = actions[0];
    this.running = true;
    this.runningThread = mover.thread;
    const reason = this.carryOut(mover);
    if (reason === undefined) return;
    const stop: StopEvent = {
      thread: mover.thread,
      reason,
      ...(reason.kind === 'fault' ? { text: 'Invalid opcode: the guest cannot go on.' } : {}),
    };
    if (this.options.stops === 'at-once') this.stop(stop);
    else setImmediate(() => this.stop(stop));
  }

  /** Undefined: the guest spins. */
  private carryOut(action: ResumeAction): StopReason | undefined {
    for (let count = 0; count < 0x1000; count++) {
      const pc = this.pc(action.thread);
      if (count > 0) {
        const hit = [...this.planted.values()].find((request) => request.address === pc);
        if (hit !== undefined && (hit.kind === 'software' || hit.kind === 'hardware')) {
          return { kind: 'breakpoint', breakpoint: hit.kind, address: pc };
        }
        if (action.kind === 'step') return { kind: 'step' };
        if (action.kind === 'range-step' && (pc < action.start || pc >= action.end)) return { kind: 'step' };
      }
      const opcode = this.memory[Number(pc)];
      if (opcode === 0xf4) return { kind: 'exited', status: Number(this.readRegister(1, RAX)[0]) };
      if (opcode === 0x0f) return { kind: 'fault', signal: 'SIGILL' };
      if (opcode === 0xeb) {
        if (action.kind === 'step') return { kind: 'step' };
        return undefined;
      }
      this.setPc(action.thread, pc + 1n);
    }
    return { kind: 'step' };
  }
}
