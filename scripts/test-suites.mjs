// What `npm test` runs: the suites, their files, and how one file runs.
import { existsSync, readdirSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join, relative } from 'node:path';
import { capture } from './run-quietly.mjs';
import { summarizeTap } from './tap-summary.mjs';

/**
 * `needsKvm`: its tests may skip themselves only where there is no /dev/kvm.
 * `parallel`: files at a time; a suite that measures time or drives a terminal runs one by one.
 */
export const suites = {
  unit: { folder: 'test/unit', timeoutSeconds: 120, parallel: availableParallelism(), needsKvm: false },
  kvm: { folder: 'test/kvm', timeoutSeconds: 240, parallel: 1, needsKvm: true },
  gdb: { folder: 'test/gdb', timeoutSeconds: 300, parallel: 1, needsKvm: true },
  native: { folder: 'test/native', timeoutSeconds: 600, parallel: 1, needsKvm: true },
};

/** Test files of a suite as paths from the root, sorted. Sources are listed, so that a deleted test is not run from `dist`. */
export function filesOf(root, suite) {
  const folder = join(root, suite.folder);
  if (!existsSync(folder)) return [];
  const wanted = suite === suites.native ? /(^|\/)run[^/]*\.sh$/ : /\.test\.ts$/;
  return readdirSync(folder, { recursive: true })
    .filter((name) => wanted.test(name))
    .map((name) => join(suite.folder, name))
    .sort();
}

/**
 * Runs one file in a process of its own.
 * @returns {Promise<{ file: string, passed: number, failed: number, skipped: number, problem?: string, seconds: number,
 *   stdout: string, stderr: string }>}
 */
export async function runFile(root, suite, file) {
  const isScript = file.endsWith('.sh');
  const args = isScript ? [join(root, file)] : ['--enable-source-maps', join(root, 'dist', file.replace(/\.ts$/, '.js'))];
  const result = await capture(isScript ? 'bash' : process.execPath, args, { cwd: root, timeoutSeconds: suite.timeoutSeconds });
  let counts = summarizeTap(result.stdout, result.status);
  // A script that does not speak TAP is one test: its exit status.
  if (isScript && !/^(not )?ok\b/m.test(result.stdout)) {
    counts = result.status === 0
      ? { passed: 1, failed: 0, skipped: 0 }
      : { passed: 0, failed: 1, skipped: 0, problem: `the exit status is ${result.status}` };
  }
  if (result.timedOut) {
    counts = { ...counts, failed: Math.max(1, counts.failed), problem: `not done after ${suite.timeoutSeconds} seconds` };
  }
  if (suite.needsKvm && counts.skipped > 0 && existsSync('/dev/kvm')) {
    const problem = `${counts.skipped} skipped although this machine has /dev/kvm`;
    counts = { passed: counts.passed, failed: counts.failed + counts.skipped, skipped: 0, problem: counts.problem ?? problem };
  }
  return { file: relative('.', file), ...counts, seconds: result.seconds, stdout: result.stdout, stderr: result.stderr };
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
