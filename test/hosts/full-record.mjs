// The record of everything (--all, --only): what each test file came to on each host and at which commit, kept in runs.json, and
// its sums by folder, in docs/hosts.md. Everything takes hours on an emulated host, so that it may be run in parts.
import { dirname } from 'node:path';

const BEGIN = '<!-- made by: npm run test:hosts -- --all --record -->';
const END = '<!-- end of the record -->';

/**
 * The record with what a run came to; files that are gone are left out.
 * @param {Record<string, Record<string, object>>} record by host and file, as in runs.json
 * @param {object[]} hosts of a Report
 * @param {(name: string) => string[]} filesOf all test files for a host
 * @param {string} commit what was tested
 */
export function recorded(record, hosts, filesOf, commit) {
  const names = new Set([...Object.keys(record), ...hosts.map(({ name }) => name)]);
  return Object.fromEntries([...names].sort().map((name) => {
    const results = hosts.find((host) => host.name === name)?.results ?? new Map();
    const files = filesOf(name).flatMap((file) => {
      const result = results.get(file);
      if (result === undefined) return record[name]?.[file] === undefined ? [] : [[file, record[name][file]]];
      const { passed, failed, skipped, reasons } = result;
      return [[file, { commit, passed, failed, skipped, reasons }]];
    });
    return [name, Object.fromEntries(files.sort(([a], [b]) => (a < b ? -1 : 1)))];
  }));
}

/** The row that a file is summed up in: its folder, or all the sessions. */
const rowOf = (file) => (file.includes('#') ? file.split('#')[0] : dirname(file));

/** What one folder's files came to on one host. */
function cellOf(files, results) {
  const run = files.flatMap((file) => results[file] ?? []);
  if (run.length === 0) return files.length === 0 ? '' : 'not run yet';
  const sum = (key) => run.reduce((total, result) => total + result[key], 0);
  const parts = [`${sum('passed')} passed`];
  if (sum('failed') > 0) parts.push(`${sum('failed')} FAILED`);
  if (sum('skipped') > 0) parts.push(`${sum('skipped')} skipped`);
  if (run.length < files.length) parts.push(`${files.length - run.length} of ${files.length} files not run yet`);
  return `${parts.join(', ')} (${[...new Set(run.map(({ commit }) => commit))].join(', ')})`;
}

/**
 * The record as Markdown, between its markers.
 * @param {Record<string, Record<string, object>>} record
 * @param {string[]} names of all hosts, in the columns' order
 * @param {(name: string) => string[]} filesOf as for `recorded`
 */
function tableOf(record, names, filesOf) {
  const folders = [...new Set(names.flatMap(filesOf).map(rowOf))];
  const row = (folder) => names.map((name) => cellOf(filesOf(name).filter((file) => rowOf(file) === folder), record[name] ?? {}));
  const reasons = names.flatMap((name) => Object.values(record[name] ?? {}).flatMap((result) => result.reasons.map((reason) => `- ${name} skipped: ${reason}`)));
  return [
    BEGIN, 'Everything, at the commits in parentheses:', '',
    `| folder | ${names.join(' | ')} |`, `| --- |${' --- |'.repeat(names.length)}`,
    ...folders.map((folder) => `| ${folder} | ${row(folder).join(' | ')} |`),
    ...(reasons.length > 0 ? ['', ...new Set(reasons)] : []), '',
  ].join('\n');
}

/**
 * A document with a record in the place of the one that it has.
 * @throws {Error} where it has none
 */
export function withTable(document, record, names, filesOf) {
  const begin = document.indexOf(BEGIN);
  const end = document.indexOf(END, begin);
  if (begin < 0 || end < 0) throw new Error(`The document has no record that begins with ${BEGIN}.`);
  return document.slice(0, begin) + tableOf(record, names, filesOf) + document.slice(end);
}
