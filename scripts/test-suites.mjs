// What `npm test` runs: the suites, their files, and how one file runs.
import { existsSync, readdirSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { dirname, join } from 'node:path';
import { capture } from './run-quietly.mjs';
import { summarizeTap } from './tap-summary.mjs';

/**
 * `needsKvm`: its tests may skip themselves only where there is no /dev/kvm.
 * That of the editors skips what needs a debugger that is not installed; without /dev/kvm it fails.
 * `parallel`: files at a time; a suite that measures time or drives a terminal runs one by one.
 */
export const suites = {
  unit: { folder: 'test/unit', timeoutSeconds: 120, parallel: availableParallelism(), needsKvm: false },
  kvm: { folder: 'test/kvm', timeoutSeconds: 240, parallel: 1, needsKvm: true },
  gdb: { folder: 'test/gdb', timeoutSeconds: 300, parallel: 1, needsKvm: true },
  ide: { folder: 'test/ide', timeoutSeconds: 120, parallel: 2, needsKvm: false },
  package: { folder: 'test/package', timeoutSeconds: 300, parallel: 1, needsKvm: true },
  native: { folder: 'test/native', timeoutSeconds: 600, parallel: 1, needsKvm: true },
};

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
 * Runs one file in a process of its own: a compiled test, or a Makefile whose default goal is one test.
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
  const result = await capture(command, args, { cwd: root, timeoutSeconds: suite.timeoutSeconds });
  let counts = isMake ? summarizeMake(result.status) : summarizeTap(result.stdout, result.status);
  if (result.timedOut) {
    counts = { ...counts, failed: Math.max(1, counts.failed), problem: `not done after ${suite.timeoutSeconds} seconds` };
  }
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

/** Calls `work` for each item, at most `limit` at a time; `report` gets the results in the items' order. */
export async function forEachInOrder(items, limit, work, report) {
  const started = [];
  const running = new Set();
  let reported = Promise.resolve();
  for (const item of items) {
    while (running.size >= limit) await Promise.race(running);
    const result = work(item).finally(() => running.delete(result));
    running.add(result);
    started.push(result);
    reported = reported.then(async () => report(await result));
  }
  await reported;
}
