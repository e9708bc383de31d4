/**
 * `monitor info pagetable`: what the page tables map and to where, or the walk of one linear address, entry by entry
 * (SDM vol. 3, chapter 5).
 */
import { CR0_PG } from '../../x86/cpu-mode.js';
import { presentPages, type PageMapping } from '../../x86/page-map.js';
import { describePageFault, pagingFormat, translate } from '../../x86/page-walk.js';
import { hex, parseNumber, viewOf, type MonitorCommand, type MonitorContext, type Write } from './command.js';
import type { CpuView } from '../cpu-view.js';

const MOST_RANGES = 512;
const ENTRY_FLAGS: readonly (readonly [number, string])[] = [
  [0, 'P'], [1, 'W'], [2, 'U'], [3, 'PWT'], [4, 'PCD'], [5, 'A'], [6, 'D'], [7, 'PS'], [8, 'G'], [63, 'XD'],
];
/** Bit 7 of a PTE is not PS but PAT (SDM vol. 3, table 5-20). */
const PTE_FLAGS = ENTRY_FLAGS.map(([bit, name]) => [bit, name === 'PS' ? 'PAT' : name] as const);

export const infoPageTableCommand: MonitorCommand = {
  name: 'info pagetable',
  parameters: '[ADDRESS [cpu]]',
  help: 'Show where the page tables lead: every mapped range, or each entry on the way of one linear address. ADDRESS may be "all".',
  run(context, words, write) {
    const address = words[0] === undefined || words[0] === 'all' ? undefined : parseNumber(words[0], 'The address');
    const { view } = viewOf(context, words[1]);
    const sregs = view.vcpu.readSregs();
    if ((sregs.cr0 & CR0_PG) === 0n) {
      const what = address === undefined ? 'linear addresses are physical ones' : `linear 0x${address.toString(16)} is physical 0x${BigInt.asUintN(32, address).toString(16)}`;
      return write(`Paging is off (${view.mode.name}): ${what}.\n`);
    }
    const { kind, root } = pagingFormat(sregs);
    write(`${kind} paging, root table at physical 0x${root.toString(16)}\n`);
    if (address === undefined) writeRanges(context, view, write);
    else writeWalk(context, view, address, write);
  },
};

function writeWalk({ machine }: MonitorContext, view: CpuView, address: bigint, write: Write): void {
  const format = pagingFormat(view.vcpu.readSregs());
  let depth = 0;
  const result = translate(format, address, machine.memory, (gpa) => {
    const { entryName } = format.levels[depth++];
    const bytes = machine.memory.read(gpa, format.entryBytes);
    const value = bytes.length < format.entryBytes ? undefined : bytes.reduceRight((sum, byte) => (sum << 8n) | BigInt(byte), 0n);
    const flags = value === undefined ? 'cannot be read'
      : `0x${hex(value, 2 * format.entryBytes)}  ${(entryName === 'PTE' ? PTE_FLAGS : ENTRY_FLAGS).filter(([bit]) => ((value >> BigInt(bit)) & 1n) === 1n).map(([, name]) => name).join(' ')}`;
    write(`${entryName.padEnd(5)} at 0x${hex(gpa, 8)}: ${flags}`.trimEnd() + '\n');
  });
  if (!result.mapped) return write(`${describePageFault(result)}.\n`);
  write(`linear 0x${address.toString(16)} is physical 0x${result.gpa.toString(16)}: ${pageSizeText(result.pageSize)} page, ${rights(result)}\n`);
}

/** Neighbours in linear and in physical memory with the same rights and page size are one line. */
function writeRanges({ machine }: MonitorContext, view: CpuView, write: Write): void {
  const budget = { entries: 1 << 21 };
  let range: { first: PageMapping; end: bigint } | undefined;
  let shown = 0;
  const flush = (): void => {
    if (range === undefined) return;
    const { first, end } = range;
    write(`${hex(first.linear, 16)}-${hex(BigInt.asUintN(64, end - 1n), 16)} -> ${hex(first.gpa, 12)}  ${pageSizeText(first.size).padEnd(5)} ${rights(first)}\n`);
    shown++;
  };
  for (const page of presentPages(view.vcpu.readSregs(), machine.memory, budget)) {
    if (range !== undefined && isNext(range, page)) {
      range.end += BigInt(page.size);
      continue;
    }
    flush();
    range = { first: page, end: page.linear + BigInt(page.size) };
    if (shown === MOST_RANGES) return write(`(the first ${MOST_RANGES} ranges)\n`);
  }
  flush();
  if (shown === 0) write('Nothing is mapped.\n');
  else if (budget.entries <= 0) write('(cut short: the page tables map more than this)\n');
}

function isNext({ first, end }: { first: PageMapping; end: bigint }, page: PageMapping): boolean {
  return page.linear === end && BigInt(page.gpa - first.gpa) === end - first.linear && page.size === first.size
    && page.writable === first.writable && page.user === first.user && page.executable === first.executable;
}

function pageSizeText(size: number): string {
  return size >= 1 << 30 ? `${size / (1 << 30)} GiB` : size >= 1 << 20 ? `${size / (1 << 20)} MiB` : `${size / 1024} KiB`;
}

function rights({ user, writable, executable }: { user: boolean; writable: boolean; executable: boolean }): string {
  return `${user ? 'u' : '-'}r${writable ? 'w' : '-'}${executable ? 'x' : '-'}`;
}
