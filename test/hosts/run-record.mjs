// The record of a run that docs/hosts.md keeps: one of the quick selection, one of everything.

const END = '<!-- end of the record -->';

/** The line that begins a record. */
export const beginOf = (all) => `<!-- made by: npm run test:hosts --${all ? ' --all' : ''} --record -->`;

/**
 * @param {object[]} hosts of a Report
 * @param {{ all: boolean, commit: string, date: string }} run `commit`: what was tested; `date`: its day
 * @returns {string} Markdown, between the markers
 */
export function recordOf(hosts, { all, commit, date }) {
  const rows = hosts.map(({ name, title, passed, failed, skipped }) => `| ${name} | ${title} | ${passed} | ${failed} | ${skipped} |`);
  const notes = hosts.flatMap(({ name, reasons, restarts }) => [
    ...[...reasons].map((reason) => `- ${name} skipped: ${reason}`), ...(restarts > 0 ? [`- ${name} was lost and started once more`] : []),
  ]);
  return [
    beginOf(all), `${all ? 'Everything' : 'The quick selection'}, in one run at ${commit}, ${date}:`, '',
    '| host |  | passed | failed | skipped |', '| --- | --- | ---: | ---: | ---: |', ...rows, ...(notes.length > 0 ? ['', ...notes] : []), END,
  ].join('\n');
}

/**
 * A document with a record in the place of the one that it has.
 * @throws {Error} where it has none of this selection
 */
export function withRecord(document, record, all) {
  const begin = document.indexOf(beginOf(all));
  const end = document.indexOf(END, begin);
  if (begin < 0 || end < 0) throw new Error(`The document has no record that begins with ${beginOf(all)}.`);
  return document.slice(0, begin) + record + document.slice(end + END.length);
}
