// The tables of docs/hosts.md, made of what `kvm-gdbserver doctor` prints on each host.

export const BEGIN = '<!-- made by: npm run test:hosts -- --doctor --table -->';
export const END = '<!-- end of what is made -->';
/** doctor's parts (src/cli/doctor-command.ts): a line that ends in a colon, then rows up to an empty line. */
const FACTS = 'This host';
const PROBE = 'What this host\'s KVM does for a debugger';
const PLANNED = 'What is therefore used';
/** Of the host's facts, those that are the same wherever this host is made. */
const KEPT_FACTS = ['KVM modules', 'kernel', 'processor'];

/** The lines of a part. */
function rowsOf(text, title) {
  const lines = text.split('\n');
  const begin = lines.indexOf(`${title}:`);
  if (begin < 0) throw new Error(`doctor's text has no part "${title}":\n${text}`);
  const length = lines.slice(begin + 1).indexOf('');
  return lines.slice(begin + 1, length < 0 ? undefined : begin + 1 + length);
}

/** A line as [label, rest]; the label stands in the first `width` columns. */
const labelled = (line, width) => [line.slice(0, width).trim(), line.slice(width).trim()];

/** A row of the probe's table: one word where every mode's is the same, else each with its mode. */
function probeRow(line, modes) {
  const [label, rest] = labelled(line, 28);
  const cells = rest.split(/ {2,}/);
  if (cells.length !== modes.length) return [label, rest];
  return [label, new Set(cells).size === 1 ? cells[0] : cells.map((cell, i) => `${modes[i]}: ${cell}`).join(', ')];
}

/**
 * One host's column.
 * @param {string} text what doctor printed
 * @returns {{ name: string, facts: Map<string, string>, capabilities: Map<string, string> }} `name`: software, VMX or SVM;
 *   `capabilities`: what the probe found and what is therefore used
 */
export function columnOf(text) {
  const facts = new Map(rowsOf(text, FACTS).map((line) => labelled(line, 18)));
  const [header, ...probe] = rowsOf(text, PROBE);
  const modes = header.trim().split(/ +/);
  const capabilities = new Map([
    ...probe.map((line) => probeRow(line, modes)), ...rowsOf(text, PLANNED).map((line) => labelled(line, 28)),
  ]);
  const [name] = (facts.get('virtualization') ?? '').split(/[: ]/);
  // The last digits of a kernel's version come and go with updates.
  facts.set('kernel', /^\d+\.\d+/.exec(facts.get('kernel') ?? '')?.[0] ?? 'unknown');
  return { name, facts: new Map(KEPT_FACTS.map((label) => [label, facts.get(label) ?? ''])), capabilities };
}

/** @param {string[]} texts what doctor printed on each host @returns {string} Markdown, between the markers */
export function tables(texts) {
  const columns = texts.map(columnOf);
  const table = (part) => {
    const labels = [...new Set(columns.flatMap((column) => [...column[part].keys()]))];
    const rows = labels.map((label) => [label, ...columns.map((column) => column[part].get(label) ?? '')]);
    return [['', ...columns.map(({ name }) => name)], columns.concat('').map(() => '---'), ...rows].map((cells) => `| ${cells.join(' | ')} |`);
  };
  return [BEGIN, ...table('facts'), '', ...table('capabilities'), END].join('\n');
}

/**
 * What a document's tables say of a host.
 * @returns {Map<string, string>} label → cell, of facts and capabilities; empty where there is no such column
 */
export function columnInDocument(document, name) {
  const made = document.slice(document.indexOf(BEGIN), document.indexOf(END));
  const found = new Map();
  let column = -1;
  for (const line of made.split('\n').filter((text) => text.startsWith('| '))) {
    const cells = line.slice(2, -2).split(' | ').map((cell) => cell.trim());
    if (cells[0] === '') column = cells.indexOf(name);
    else if (column > 0 && cells[0] !== '---') found.set(cells[0], cells[column]);
  }
  return found;
}
