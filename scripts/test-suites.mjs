// What `npm test` runs: the suites, their files, and how one file runs.
import { chmodSync, existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { capture, runQuietly } from './run-quietly.mjs';
import { summarizeTap } from './tap-summary.mjs';

/**
 * `needsKvm`: its tests may skip themselves only where there is no /dev/kvm.
 * That of the editors skips what needs a debugger that is not installed; without /dev/kvm it fails.
 * `timeoutSeconds`: many times what the longest file takes, so that only a hang comes so far.
 */
export const suites = {
  unit: { folder: 'test/unit', timeoutSeconds: 300, needsKvm: false },
  kvm: { folder: 'test/kvm', timeoutSeconds: 600, needsKvm: true },
  gdb: { folder: 'test/gdb', timeoutSeconds: 600, needsKvm: true },
  ide: { folder: 'test/ide', timeoutSeconds: 300, needsKvm: false },
  package: { folder: 'test/package', timeoutSeconds: 600, needsKvm: true },
  native: { folder: 'test/native', timeoutSeconds: 600, needsKvm: true },
};

/** Files at a time. More than a few guests with several processors each would keep one another from their time limits. */
export const JOBS_AT_ONCE = Math.min(availableParallelism(), 4);

/** What takes longest is begun first, so that no processor is idle at the end; only speed depends on this list being right. */
export const LONGEST = [
  'lint', 'test/gdb/examples.test.ts', 'test/native/Makefile', 'test/package/install.test.ts', 'test/gdb/programs/grub-cdrom.test.ts',
  'test/ide/bad-input.test.ts', 'test/kvm/native/fault-injection.test.ts', 'test/ide/cdt-sessions.test.ts', 'test/kvm/machine/drives.test.ts',
  'test/gdb/programs/grub-disk.test.ts', 'test/gdb/connect.test.ts', 'test/kvm/machine/machine.test.ts', 'test/ide/gdb-dap.test.ts',
  'test/kvm/debugger/watchpoints-smp.test.ts', 'test/kvm/debugger/snapshots.test.ts', 'test/gdb/kvm-commands.test.ts', 'test/gdb/firmware.test.ts',
];

/** The jobs (`name`: a file or a check) in the order in which they are begun. */
export function longestFirst(jobs) {
  const rank = ({ name }) => (LONGEST.includes(name) ? LONGEST.indexOf(name) : LONGEST.length);
  return jobs.toSorted((one, other) => rank(one) - rank(other));
}

/** Test files of a suite as paths from the root, sorted. Sources are listed, so that a deleted test is not run from `dist`. */
export function filesOf(root, suite) {
  const folder = join(root, suite.folder);
  if (!existsSync(folder)) return [];
  const wanted = suite === suites.native ? /(^|\/)Makefile$/ : /\.test\.ts$/;
  return readdirSync(folder, { recursive: true })
    .filter((name) => wanted.test(name))
    .map((name) => join(suite.folder, name))
    .sort();
}

/**
 * Builds what several files use, before two of them that run side by side build it at once.
 * @throws {StepError}
 */
export async function buildForTests(root) {
  await runQuietly('What lets KVM calls fail could not be built.', 'make', ['-s', '-C', join(root, 'test/native'), 'faults', 'refusals']);
  await runQuietly('The guests of the gdb tests could not be built.', 'make', ['-s', '-C', join(root, 'test/gdb/guests')]);
}

/** For the temporary folders of all files; it goes when this program ends, however it ends. */
let folderOfRun;

/** A new folder that every user may read, as /tmp is: some tests start programs as others. */
function temporaryFolder() {
  if (folderOfRun === undefined) {
    folderOfRun = mkdtempSync(join(tmpdir(), 'kvm-gdbserver-run-'));
    chmodSync(folderOfRun, 0o755);
    process.once('exit', () => rmSync(folderOfRun, { recursive: true, force: true }));
  }
  const folder = mkdtempSync(join(folderOfRun, 'file-'));
  chmodSync(folder, 0o755);
  return folder;
}

/**
 * Runs one file in a process of its own: a compiled test, or a Makefile whose default goal is one test. It has a temporary folder of
 * its own and must leave nothing there.
 * @returns {Promise<{ file: string, passed: number, failed: number, skipped: number, problem?: string, seconds: number,
 *   stdout: string, stderr: string }>}
 */
export async function runFile(root, suite, file) {
  const isMake = file.endsWith('Makefile');
  if (isMake && !existsSync('/dev/kvm')) {
    return { file, passed: 0, failed: 0, skipped: 1, seconds: 0, stdout: '', stderr: '' };
  }
  const [command, ...args] = isMake
    ? ['make', '-s', '-C', join(root, dirname(file))]
    : [process.execPath, '--enable-source-maps', join(root, 'dist', file.replace(/\.ts$/, '.js'))];
  const folder = temporaryFolder();
  const env = { ...process.env, TMPDIR: folder };
  const result = await capture(command, args, { cwd: root, timeoutSeconds: suite.timeoutSeconds, env });
  const left = readdirSync(folder);
  rmSync(folder, { recursive: true, force: true });
  let counts = isMake ? summarizeMake(result.status) : summarizeTap(result.stdout, result.status);
  if (result.timedOut) {
    counts = { ...counts, failed: Math.max(1, counts.failed), problem: `not done after ${suite.timeoutSeconds} seconds` };
  }
  if (left.length > 0 && counts.failed === 0) counts = { ...counts, failed: 1, problem: `it leaves ${left.join(', ')} in its temporary folder` };
  if (suite.needsKvm && counts.skipped > 0 && existsSync('/dev/kvm')) {
    const problem = `${counts.skipped} skipped although this machine has /dev/kvm`;
    counts = { passed: counts.passed, failed: counts.failed + counts.skipped, skipped: 0, problem: counts.problem ?? problem };
  }
  return { file, ...counts, seconds: result.seconds, stdout: result.stdout, stderr: result.stderr };
}

function summarizeMake(status) {
  return status === 0
    ? { passed: 1, failed: 0, skipped: 0 }
    : { passed: 0, failed: 1, skipped: 0, problem: `make ended with status ${status}` };
}

/** Calls `work` for each item, for at most `limit` of them at a time. */
export async function forEachAtOnce(items, limit, work) {
  const waiting = [...items];
  const worker = async () => {
    for (let item = waiting.shift(); item !== undefined; item = waiting.shift()) await work(item);
  };
  await Promise.all(Array.from({ length: limit }, worker));
}
