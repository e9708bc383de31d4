/**
 * `monitor info gdt` and `monitor info idt`: the processor's descriptor tables, decoded (SDM vol. 3, 3.4.5, 3.5 and 7.11).
 * `monitor info ivt` is real mode's table of handlers (21.1.4).
 */
import type { SystemRegisters } from '../../x86/cpu-state.js';
import { parseSegmentDescriptor } from '../../x86/descriptors.js';
import { exceptionVector } from '../../x86/exceptions.js';
import { parseGate } from '../../x86/interrupt-target.js';
import type { CpuView } from '../cpu-view.js';
import { hex, viewOf, type MonitorCommand, type Write } from './command.js';
import { biosInterruptName } from './bios-interrupts.js';
import { segmentType } from './info-registers.js';

/** Lines of one table: a table that a guest filled with noise does not flood the socket. */
const MOST_LINES = 512;
const NO_TABLE_LIMIT = 0xffff;
const VECTORS = 256;
const SHARED_BY = 32;

/** What holds selectors, in protected and long mode or in every mode: paragraphs in real and in virtual-8086 mode are none. */
const SELECTING = ['cs', 'ss', 'ds', 'es', 'fs', 'gs'] as const;
const ALWAYS_SELECTING = ['ldt', 'tr'] as const;

/** One line of a table, and what it says without its index; lines that say the same are joined. */
interface TableLine {
  readonly index: number;
  readonly text: string;
}

const infoGdt: MonitorCommand = {
  name: 'info gdt',
  parameters: '[cpu]',
  help: 'Show the global descriptor table, and which segment registers hold each selector.',
  run(context, words, write) {
    const { view } = viewOf(context, words[0]);
    const sregs = view.vcpu.readSregs();
    const { base, limit } = sregs.gdt;
    if (isResetTable(sregs.gdt)) return write('No GDT has been loaded: GDTR is as at reset.\n');
    const bytes = view.memory.read(base, limit + 1);
    write(`GDT at 0x${hex(base, 8)}, limit 0x${hex(limit, 4)}\n`);
    const lines: TableLine[] = [];
    for (let offset = 0; offset + 8 <= bytes.length;) {
      const size = isSystemDescriptor(bytes, offset) && view.mode.isLong ? 16 : 8;
      const descriptor = bytes.subarray(offset, offset + size);
      if (descriptor.some((byte) => byte !== 0)) lines.push({ index: offset, text: descriptorText(offset, descriptor, sregs, view) });
      offset += size;
    }
    writeLines(lines, (index) => `0x${hex(index, 4)}`, write);
    if (lines.length === 0) write('All its entries are null.\n');
    if (bytes.length <= limit) write(`From 0x${hex(base + BigInt(bytes.length), 8)} on it cannot be read.\n`);
  },
};

/** GDTR and IDTR as RESET leaves them (SDM vol. 3, table 10-1); real-mode code seldom touches IDTR. */
function isResetTable({ base, limit }: { base: bigint; limit: number }): boolean {
  return base === 0n && (limit === NO_TABLE_LIMIT || limit === 0);
}

function isSystemDescriptor(bytes: Uint8Array, offset: number): boolean {
  const access = bytes[offset + 5];
  return (access & 0x10) === 0 && (access & 0xf) !== 0;
}

function descriptorText(selector: number, bytes: Uint8Array, sregs: SystemRegisters, view: CpuView): string {
  const gate = isSystemDescriptor(bytes, 0) ? parseGate(bytes, view.mode.isLong) : undefined;
  if (gate !== undefined) return `${`${gate.kind} gate ${gate.bits}`.padEnd(12)} to ${hex(gate.selector, 4)}:${hex(gate.offset, 8)} DPL=${gate.dpl}`;
  const segment = parseSegmentDescriptor(selector, bytes);
  const holders = [...(view.mode.usesParagraphs ? [] : SELECTING), ...ALWAYS_SELECTING]
    .filter((name) => (sregs[name].selector & 0xfffc) === selector && selector !== 0 && sregs[name].unusable === 0)
    .map((name) => (name === 'ldt' ? 'ldtr' : name));
  const kind = segmentType(segment, view.mode.isLong);
  return `${kind.padEnd(12)} base 0x${hex(segment.base, 8)} limit 0x${hex(segment.limit, 8)} DPL=${segment.dpl}`
    + `${segment.present === 0 ? ' not present' : ''}${holders.length === 0 ? '' : ` <- ${holders.join(' ')}`}`;
}

const infoIdt: MonitorCommand = {
  name: 'info idt',
  parameters: '[cpu]',
  help: 'Show the interrupt descriptor table: each gate and where it leads.',
  run(context, words, write) {
    const { view } = viewOf(context, words[0]);
    const { mode } = view;
    if (mode.name.startsWith('real')) return write(`The processor is in ${mode.name}, where interrupts go through the interrupt vector table (ivt).\n`);
    const { base, limit } = view.vcpu.readSregs().idt;
    const size = mode.isLong ? 16 : 8;
    const bytes = view.memory.read(base, Math.min(limit + 1, VECTORS * size));
    write(`IDT at 0x${hex(base, 8)}, limit 0x${hex(limit, 4)}\n`);
    const lines: TableLine[] = [];
    for (let vector = 0; (vector + 1) * size <= bytes.length; vector++) {
      const gate = parseGate(bytes.subarray(vector * size, (vector + 1) * size), mode.isLong);
      if (gate === undefined || !gate.present || gate.kind === 'call') continue;
      const name = exceptionVector(vector)?.mnemonic ?? '';
      const stack = gate.ist === 0 ? '' : ` IST=${gate.ist}`;
      lines.push({ index: vector, text: `${name.padEnd(8)} ${`${gate.kind}${gate.bits}`.padEnd(11)} DPL=${gate.dpl}${stack} ${hex(gate.selector, 4)}:${hex(gate.offset, mode.isLong ? 16 : 8)}` });
    }
    writeLines(lines, (vector) => `0x${hex(vector, 2)}`, write);
    if (lines.length === 0) write('No gate in it is present.\n');
  },
};

const infoIvt: MonitorCommand = {
  name: 'info ivt',
  parameters: '[cpu]',
  help: 'Show the interrupt vector table of real mode: where each interrupt leads.',
  run(context, words, write) {
    const { view } = viewOf(context, words[0]);
    const inUse = view.mode.name.startsWith('real');
    const { base, limit } = inUse ? view.vcpu.readSregs().idt : { base: 0n, limit: 4 * VECTORS - 1 };
    // Outside real mode the table still lies where the next real-mode code will look for it.
    const bytes = context.machine.memory.read(base, Math.min(limit + 1, 4 * VECTORS));
    write(`IVT at 0x${hex(base, 8)}${inUse ? '' : ` (not in use: the processor is in ${view.mode.name})`}\n`);
    const handlers = Array.from({ length: Math.floor(bytes.length / 4) }, (_, vector) => {
      const [ip, cs] = [bytes[4 * vector] | (bytes[4 * vector + 1] << 8), bytes[4 * vector + 2] | (bytes[4 * vector + 3] << 8)];
      return ip === 0 && cs === 0 ? undefined : `${hex(cs, 4)}:${hex(ip, 4)} linear 0x${hex(cs * 16 + ip, 5)}`;
    });
    const lines: TableLine[] = [];
    handlers.forEach((handler, vector) => {
      // What so many vectors share serves none of them: without their names they become few lines.
      if (handler !== undefined) lines.push({ index: vector, text: isShared(handlers, handler) ? handler : `${handler}  ${biosInterruptName(vector)}`.trimEnd() });
    });
    writeLines(lines, (vector) => `0x${hex(vector, 2)}`, write);
    if (lines.length === 0) write('It is empty: no BIOS has filled it.\n');
  },
};

function isShared(handlers: readonly (string | undefined)[], handler: string): boolean {
  return handlers.filter((other) => other === handler).length >= SHARED_BY;
}

/** Lines in the order of their index; neighbours with the same text become one line with a range. */
function writeLines(lines: readonly TableLine[], indexText: (index: number) => string, write: Write): void {
  const step = (at: number): number => lines[at].index - lines[at - 1].index;
  let shown = 0;
  for (let first = 0; first < lines.length && shown < MOST_LINES; shown++) {
    let last = first;
    while (last + 1 < lines.length && lines[last + 1].text === lines[first].text && (last === first || step(last + 1) === step(last))) last++;
    const range = last === first ? indexText(lines[first].index) : `${indexText(lines[first].index)}-${indexText(lines[last].index)}`;
    write(`${range}  ${lines[first].text}\n`);
    first = last + 1;
  }
  if (shown === MOST_LINES) write(`(the first ${MOST_LINES} lines)\n`);
}

export const descriptorTableCommands: readonly MonitorCommand[] = [infoGdt, infoIdt, infoIvt];
