/**
 * `monitor info registers` in the text form of QEMU's monitor, which pagewalk, v2p, qreg, idtinfo and pwndbg parse:
 * 64-bit names in 64-bit code, 32-bit ones elsewhere.
 */
import type { GeneralRegisterName, Segment, SegmentName } from '../../x86/cpu-state.js';
import type { CpuMode } from '../../x86/cpu-mode.js';
import type { CpuView } from '../cpu-view.js';
import { hex, viewOf, type MonitorCommand } from './command.js';

const FLAG_LETTERS: readonly (readonly [number, string])[] = [[10, 'D'], [11, 'O'], [7, 'S'], [6, 'Z'], [4, 'A'], [2, 'P'], [0, 'C']];
const SYSTEM_TYPES_32 = [
  'Reserved', 'TSS16-avl', 'LDT', 'TSS16-busy', 'CallGate16', 'TaskGate', 'IntGate16', 'TrapGate16',
  'Reserved', 'TSS32-avl', 'Reserved', 'TSS32-busy', 'CallGate32', 'Reserved', 'IntGate32', 'TrapGate32',
];
const SYSTEM_TYPES_64 = [
  '<hiword>', 'Reserved', 'LDT', 'Reserved', 'Reserved', 'Reserved', 'Reserved', 'Reserved',
  'Reserved', 'TSS64-avl', 'Reserved', 'TSS64-busy', 'CallGate64', 'Reserved', 'IntGate64', 'TrapGate64',
];

export const infoRegistersCommand: MonitorCommand = {
  name: 'info registers',
  parameters: '[-a | cpu]',
  help: "Show a CPU's registers in QEMU's text form (-a: of all CPUs).",
  run(context, words, write) {
    if (words[0] === '-a') {
      for (const [index, view] of context.views.entries()) write(registersText(view, index, context.isHalted(index)));
      return;
    }
    const { view, index } = viewOf(context, words[0]);
    write(registersText(view, index, context.isHalted(index)));
  },
};

/** All registers of one vCPU. */
function registersText(view: CpuView, index: number, halted: boolean): string {
  const { regs } = view.vcpu;
  const sregs = view.vcpu.readSregs();
  const long = view.mode.name === 'long64';
  const width = long ? 16 : 8;
  const general = (names: readonly GeneralRegisterName[]): string =>
    names.map((name) => `${registerName(name, long)}=${hex(BigInt.asUintN(width * 4, regs[name]), width)}`).join(' ');
  const lines = [`\nCPU#${index}`, general(['rax', 'rbx', 'rcx', 'rdx']), general(['rsi', 'rdi', 'rbp', 'rsp'])];
  if (long) lines.push(general(['r8', 'r9', 'r10', 'r11']), general(['r12', 'r13', 'r14', 'r15']));
  const flags = FLAG_LETTERS.map(([bit, letter]) => (((regs.rflags >> BigInt(bit)) & 1n) === 1n ? letter : '-')).join('');
  lines.push(
    `${long ? 'RIP' : 'EIP'}=${hex(BigInt.asUintN(width * 4, regs.rip), width)} ${long ? 'RFL' : 'EFL'}=${hex(regs.rflags & 0xffff_ffffn, 8)} ` +
      `[${flags}] CPL=${view.cpl} II=0 A20=1 SMM=0 HLT=${halted ? 1 : 0}`,
  );
  for (const name of ['es', 'cs', 'ss', 'ds', 'fs', 'gs', 'ldt', 'tr'] as const) lines.push(segmentLine(name, sregs[name], long, view.mode));
  const table = (name: string, { base, limit }: { base: bigint; limit: number }): string => `${name}=     ${hex(base, width)} ${hex(limit, 8)}`;
  lines.push(table('GDT', sregs.gdt), table('IDT', sregs.idt));
  lines.push(`CR0=${hex(sregs.cr0, 8)} CR2=${hex(sregs.cr2, width)} CR3=${hex(sregs.cr3, width)} CR4=${hex(sregs.cr4, 8)}`);
  const { db, dr6, dr7 } = view.vcpu.debugRegisters;
  lines.push(db.map((value, n) => `DR${n}=${hex(value, 16)}`).join(' ') + ' ', `DR6=${hex(dr6, 16)} DR7=${hex(dr7, 16)}`);
  lines.push(`EFER=${hex(sregs.efer, 16)}`);
  return `${lines.join('\n')}\n`;
}

function registerName(name: string, long: boolean): string {
  const upper = name.toUpperCase();
  if (!long) return upper.replace(/^R/, 'E');
  return upper.length === 2 ? `${upper} ` : upper;
}

/** `CS =0008 00000000 ffffffff 00cf9a00 DPL=0 CS32 [-R-]`; without the end in real mode, which knows no types. */
function segmentLine(name: SegmentName, segment: Segment, long: boolean, mode: CpuMode): string {
  const flags = segmentFlags(segment);
  const start = `${name.toUpperCase().padEnd(3)}=${hex(segment.selector, 4)} ${hex(segment.base, long ? 16 : 8)} ${hex(segment.limit, 8)} ${hex(flags, 8)}`;
  if (mode.name.startsWith('real') || segment.unusable !== 0 || segment.present === 0) return start;
  return `${start} DPL=${segment.dpl} ${segmentType(segment, mode.isLong)}`;
}

/** The second dword of a descriptor without base and limit (SDM vol. 3, figure 3-8). */
function segmentFlags({ type, s, dpl, present, avl, l, db, g, unusable }: Segment): number {
  if (unusable !== 0) return 0;
  return (type << 8) | (s << 12) | (dpl << 13) | (present << 15) | (avl << 20) | (l << 21) | (db << 22) | (g << 23);
}

/** `CS32 [-RA]`, `DS   [-WA]`, `TSS32-busy`: what the type field says (SDM vol. 3, 3.4.5.1 and table 3-2). */
export function segmentType({ type, s, db, l }: Pick<Segment, 'type' | 's' | 'db' | 'l'>, isLong: boolean): string {
  if (s === 0) return (isLong ? SYSTEM_TYPES_64 : SYSTEM_TYPES_32)[type & 15];
  if ((type & 8) !== 0) {
    const kind = l !== 0 ? 'CS64' : db !== 0 ? 'CS32' : 'CS16';
    return `${kind} [${type & 4 ? 'C' : '-'}${type & 2 ? 'R' : '-'}${type & 1 ? 'A' : '-'}]`;
  }
  return `${db !== 0 || isLong ? 'DS  ' : 'DS16'} [${type & 4 ? 'E' : '-'}${type & 2 ? 'W' : '-'}${type & 1 ? 'A' : '-'}]`;
}
