/**
 * `monitor info exits`: how often the guest left to the host and why, as plain counts, then how often of late, what
 * serving took, and where. A time is from the moment the exit came to JavaScript until the guest was entered again; of
 * an exit that stopped the guest, until the stop was reported (not until gdb went on). Steps that the binding carries
 * out in a row come as one exit.
 */
import type { ExitCounters } from '../../vmm/exit-counters.js';
import { hex, type MonitorCommand } from './command.js';

/** Ports and pages that are shown. */
const SHOWN_PLACES = 8;

export const infoExitsCommand: MonitorCommand = {
  name: 'info exits',
  help: 'Exits from the guest by reason: count, rate since the last look, time to serve them, the ports and pages that took longest.',
  run({ machine }, _words, write) {
    const { unknownPorts, unknownMmio } = machine.counters;
    const { reasons } = machine.exitCounters;
    if (reasons.length === 0) write('No exits yet.\n');
    for (const { reason, count } of reasons) write(`${reason.padEnd(16)} ${count}\n`);
    for (const [port, count] of unknownPorts) write(`port 0x${hex(port, 4)}: no device, ${count} accesses\n`);
    for (const [page, count] of unknownMmio) write(`page 0x${hex(page, 8)}: no memory and no device, ${count} accesses\n`);
    write(reasonTable(machine.exitCounters));
    write(placeTable(machine.exitCounters));
  },
};

/** A row per reason; empty when there were no exits. */
function reasonTable(counters: ExitCounters, now = performance.now()): string {
  const { seconds, counts } = counters.look(now);
  const rows = counters.reasons.map(({ reason, served }) => [
    reason,
    String(counts.get(reason)),
    seconds > 0 ? ((counts.get(reason) ?? 0) / seconds).toFixed(1) : '-',
    ...(served.count === 0 ? ['-', '-', '-'] : [served.mean.toFixed(1), served.percentile(0.99).toFixed(1), served.longest.toFixed(1)]),
  ]);
  if (rows.length === 0) return '';
  return `\nSince the last look, ${seconds.toFixed(1)} s ago, and what serving took in all:\n` +
    table([['reason', 'new', 'per second', 'mean us', 'p99 us', 'max us'], ...rows]);
}

/** A row per port and page, those that took the most time in all first; empty when there were none. */
function placeTable(counters: ExitCounters): string {
  const { places } = counters;
  if (places.length === 0) return '';
  const rows = places.slice(0, SHOWN_PLACES).map(({ kind, address, count, totalMicroseconds }) => [
    `${kind} 0x${hex(address, kind === 'port' ? 4 : 8)}`,
    String(count),
    (totalMicroseconds / count).toFixed(1),
    (totalMicroseconds / 1000).toFixed(3),
  ]);
  const title = places.length > SHOWN_PLACES ? `The slowest ${SHOWN_PLACES} of ${places.length} ports and pages` : 'The slowest ports and pages';
  return `\n${title}:\n${table([['where', 'exits', 'mean us', 'total ms'], ...rows])}`;
}

/** Columns as wide as their widest cell; the first to the left, numbers to the right. */
function table(rows: readonly (readonly string[])[]): string {
  const widths = rows[0].map((_, column) => Math.max(...rows.map((row) => row[column].length)));
  const line = (row: readonly string[]): string =>
    row.map((cell, column) => (column === 0 ? cell.padEnd(Math.max(widths[0], 16)) : cell.padStart(widths[column]))).join('  ');
  return `${rows.map(line).join('\n')}\n`;
}
