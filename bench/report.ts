/** What comes out: medians, spreads, ratios and verdicts, as a table for people and as data for machines. */
import type { Bound, Contender, Row } from './rows.js';

export interface Summary {
  readonly median: number;
  readonly min: number;
  readonly max: number;
}

export interface RowResult {
  readonly name: string;
  readonly title: string;
  readonly unit: string;
  readonly samples: Partial<Record<Contender, readonly number[]>>;
  readonly summaries: Partial<Record<Contender, Summary>>;
  /** Ratio of medians, or our median where the bound is a value; absent when a side is missing. */
  readonly measured?: number;
  readonly bound: string;
  /** Absent when there was nothing to judge. */
  readonly met?: boolean;
  /** Why a contender has no samples. */
  readonly failures: Partial<Record<Contender, string>>;
}

/** Median, smallest and largest of at least one sample. */
export function summarize(samples: readonly number[]): Summary {
  const sorted = [...samples].sort((a, b) => a - b);
  const at = (index: number): number => sorted[index] ?? NaN;
  const middle = sorted.length >> 1;
  const median = sorted.length % 2 === 1 ? at(middle) : (at(middle - 1) + at(middle)) / 2;
  return { median, min: at(0), max: at(sorted.length - 1) };
}

/** Judges one row's samples by its bound; `earlier` are the rows before it. */
export function judge(row: Row, samples: RowResult['samples'], failures: RowResult['failures'], earlier: readonly RowResult[]): RowResult {
  const summaries: Partial<Record<Contender, Summary>> = {};
  for (const contender of row.contenders) {
    const values = samples[contender];
    if (values !== undefined && values.length > 0) summaries[contender] = summarize(values);
  }
  const measured = measure(row.bound, summaries, earlier);
  return {
    name: row.name, title: row.title, unit: row.unit, samples, summaries, failures,
    bound: boundText(row.bound),
    ...(measured === undefined ? {} : { measured, met: isMet(row.bound, measured) }),
  };
}

function measure(bound: Bound, summaries: RowResult['summaries'], earlier: readonly RowResult[]): number | undefined {
  const ours = summaries.ours?.median;
  if (bound.kind === 'value') return ours;
  const other = bound.kind === 'row' ? earlier.find(({ name }) => name === bound.against)?.summaries.ours?.median : summaries[bound.against]?.median;
  return ours === undefined || other === undefined ? undefined : ours / other;
}

function isMet(bound: Bound, measured: number): boolean {
  if (bound.kind !== 'ratio') return measured <= bound.atMost;
  return measured >= (bound.atLeast ?? -Infinity) && measured <= (bound.atMost ?? Infinity);
}

function boundText(bound: Bound): string {
  if (bound.kind === 'value') return `ours <= ${bound.atMost}`;
  if (bound.kind === 'row') return `ours <= ${bound.atMost} x ${bound.against}`;
  const quotient = `ours/${bound.against}`;
  return bound.atLeast !== undefined ? `${quotient} >= ${bound.atLeast}` : `${quotient} <= ${bound.atMost}`;
}

/** Three significant digits, or whole numbers with a thousands separator. */
export function formatNumber(value: number): string {
  if (Math.abs(value) >= 100) return Math.round(value).toLocaleString('en-US');
  return Number(value.toPrecision(3)).toString();
}

/** A Markdown table: medians with min–max beside them, the ratio, the bound, and whether it is met. */
export function formatTable(results: readonly RowResult[]): string {
  const cell = (result: RowResult, contender: Contender): string => {
    const summary = result.summaries[contender];
    if (summary === undefined) return result.failures[contender] === undefined ? '–' : 'failed';
    return `${formatNumber(summary.median)} (${formatNumber(summary.min)}–${formatNumber(summary.max)})`;
  };
  const lines = [['', 'unit', 'ours', 'QEMU', 'bare KVM_RUN', 'measured', 'wanted', '']];
  for (const result of results) {
    lines.push([
      result.title, result.unit, cell(result, 'ours'), cell(result, 'qemu'), cell(result, 'floor'),
      result.measured === undefined ? '–' : formatNumber(result.measured),
      result.bound,
      result.met === undefined ? '' : result.met ? 'met' : 'MISSED',
    ]);
  }
  const widths = (lines[0] ?? []).map((_, column) => Math.max(...lines.map((line) => (line[column] ?? '').length)));
  const draw = (line: readonly string[]): string => `| ${line.map((text, column) => text.padEnd(widths[column] ?? 0)).join(' | ')} |`;
  const [head = [], ...body] = lines;
  return [draw(head), `|${widths.map((width) => '-'.repeat(width + 2)).join('|')}|`, ...body.map(draw)].join('\n');
}
