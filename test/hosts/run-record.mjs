// The record of a run of the quick selection that docs/hosts.md keeps (that of everything: full-record.mjs).

const END = '<!-- end of the record -->';

const BEGIN = '<!-- made by: npm run test:hosts -- --record -->';

/**
 * @param {object[]} hosts of a Report
 * @param {{ commit: string, date: string }} run `commit`: what was tested; `date`: its day
 * @returns {string} Markdown, between the markers
 */
export function recordOf(hosts, { commit, date }) {
  const rows = hosts.map(({ name, title, passed, failed, skipped }) => `| ${name} | ${title} | ${passed} | ${failed} | ${skipped} |`);
  const notes = hosts.flatMap(({ name, reasons, restarts }) => [
    ...[...reasons].map((reason) => `- ${name} skipped: ${reason}`), ...(restarts > 0 ? [`- ${name} was lost and started once more`] : []),
  ]);
  return [
    BEGIN, `The quick selection, in one run at ${commit}, ${date}:`, '',
    '| host |  | passed | failed | skipped |', '| --- | --- | ---: | ---: | ---: |', ...rows, ...(notes.length > 0 ? ['', ...notes] : []), END,
  ].join('\n');
}

/**
 * A document with a record in the place of the one that it has.
 * @throws {Error} where it has none
 */
export function withRecord(document, record) {
  const begin = document.indexOf(BEGIN);
  const end = document.indexOf(END, begin);
  if (begin < 0 || end < 0) throw new Error(`The document has no record that begins with ${BEGIN}.`);
  return document.slice(0, begin) + record + document.slice(end + END.length);
}
