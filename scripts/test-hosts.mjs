// npm run test:hosts: the real-KVM and real-gdb suites on this machine's KVM and inside small Linux hosts with kvm_intel and
// kvm_amd (docs/hosts.md).
// npm run test:hosts -- vmx        only this host (local, vmx, svm)
// npm run test:hosts -- --all      every file and every example's session instead of the quick selection
// npm run test:hosts -- --only breakpoints    only files whose path contains the text; more than once: any of them
// npm run test:hosts -- --doctor   only what doctor prints there; --doctor --table: the tables of docs/hosts.md
// npm run test:hosts -- --record   the run's table goes into docs/hosts.md; with --all and --only, that of everything
// npm run test:hosts -- --seconds N    what is not reached in the emulated hosts by then is skipped
// The last line is the sum: N passed, N failed, N skipped. Hosts that cannot be had are skipped, and it says why.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { homedir, tmpdir } from 'node:os';
import { join } from 'node:path';
import { everyFile, readArguments } from '../test/hosts/arguments.mjs';
import { tables } from '../test/hosts/doctor-table.mjs';
import { recorded, withTable } from '../test/hosts/full-record.mjs';
import { Report } from '../test/hosts/report.mjs';
import { hostNames, LOCAL, runHosts } from '../test/hosts/run-hosts.mjs';
import { recordOf, withRecord } from '../test/hosts/run-record.mjs';
import { bootstrap } from './bootstrap.mjs';
import { root } from './root.mjs';
import { capture, describe } from './run-quietly.mjs';

function argumentsOrEnd() {
  try {
    return readArguments(process.argv.slice(2), hostNames);
  } catch (error) {
    console.error(error.message);
    process.exit(2);
  }
}

/** A Report that keeps what doctor says for the tables, in the hosts' order. */
class TableReport extends Report {
  texts = new Map();

  file(host, result) {
    if (result.passed > 0) this.texts.set(host.name, result.details);
    super.file(host, { ...result, details: result.passed > 0 ? '' : result.details });
  }
}

/** What is tested, as git names it: asked before the tests run. What earlier runs have recorded changes nothing. */
async function commitHere() {
  const { status, stdout } = await capture('git', ['rev-parse', '--short', 'HEAD'], { cwd: root });
  if (status !== 0) return 'no commit';
  const changed = await capture('git', ['status', '--porcelain', '--', '.', ':!docs/hosts.md', ':!test/hosts/runs.json'], { cwd: root });
  return `${stdout.trim()}${changed.stdout === '' ? '' : '-dirty'}`;
}

/** The quick selection is recorded as a whole. */
function recordQuick(hosts, commit) {
  const path = join(root, 'docs/hosts.md');
  const made = recordOf(hosts, { commit: `commit ${commit}`, date: new Date().toISOString().slice(0, 10) });
  writeFileSync(path, withRecord(readFileSync(path, 'utf8'), made));
}

/** Everything takes hours: it is recorded file by file, so that a run that is interrupted has not been for nothing. */
function recordFiles(hosts, commit) {
  const path = join(root, 'docs/hosts.md');
  const filesOf = (name) => everyFile(root, name !== LOCAL);
  const runs = join(root, 'test/hosts/runs.json');
  const made = recorded(JSON.parse(readFileSync(runs, 'utf8')), hosts, filesOf, commit);
  writeFileSync(runs, `${JSON.stringify(made, null, 1)}\n`);
  writeFileSync(path, withTable(readFileSync(path, 'utf8'), made, hostNames, filesOf));
}

async function main() {
  const options = argumentsOrEnd();
  const places = {
    cache: join(process.env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'kvm-gdbserver-hosts'),
    work: mkdtempSync(join(tmpdir(), 'kvm-gdbserver-hosts-')),
  };
  const commit = await commitHere();
  const isQuick = !options.all && options.only === undefined;
  const kept = options.record && !isQuick ? () => recordFiles(report.hosts, commit) : undefined;
  const report = options.table ? new TableReport((line) => console.error(line)) : new Report((line) => console.log(line), kept);
  process.on('exit', () => rmSync(places.work, { recursive: true, force: true }));
  try {
    await bootstrap();
    await runHosts(options, places, report);
  } catch (error) {
    // A fault of this machine's set-up or of the runner: it counts, so that it cannot pass for a run without tests.
    const host = report.hosts.at(-1) ?? report.begin('set-up', 'of this machine');
    report.lost(host, describe(error), []);
  }
  if (options.table && report.texts.size > 0) console.log(tables(hostNames.flatMap((name) => report.texts.get(name) ?? [])));
  if (options.record && isQuick) recordQuick(report.hosts, commit);
  report.end();
  process.exitCode = report.status;
}

await main();
