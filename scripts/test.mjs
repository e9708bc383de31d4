// npm test: sets up what is missing (which compiles, and so checks types), then lint, unit, real KVM, real gdb, editors'
// debug adapters, native sanitizers.
// npm test -- unit kvm       only these suites; lint counts as one
// npm test -- --grep page    only files whose path contains the text
// As many files at a time as there are processors, each named when it has ended.
// The last line is the sum over all suites: N passed, N failed, N skipped.
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { bootstrap } from './bootstrap.mjs';
import { root } from './root.mjs';
import { addEditorPackages } from './system-packages.mjs';
import { StepError, capture, describe, dieOf, tail } from './run-quietly.mjs';
import { failuresOf } from './tap-summary.mjs';
import { JOBS_AT_ONCE, buildForTests, filesOf, forEachAtOnce, longestFirst, runFile, suites } from './test-suites.mjs';

const checks = {
  lint: ['eslint/bin/eslint.js', '.'],
};

const totals = { passed: 0, failed: 0, skipped: 0 };
/** What failed, by file or check, in the words that tell why. */
const failures = new Map();

function readArguments() {
  const known = [...Object.keys(checks), ...Object.keys(suites)];
  try {
    const { values, positionals } = parseArgs({ allowPositionals: true, options: { grep: { type: 'string' } } });
    const unknown = positionals.filter((name) => !known.includes(name));
    if (unknown.length > 0) throw new Error(`There is no suite ${unknown.join(', ')}.`);
    // A search for files leaves out what is not a file, unless asked for.
    const wanted = positionals.length > 0 ? positionals : values.grep === undefined ? known : Object.keys(suites);
    return { wanted, grep: values.grep ?? '' };
  } catch (error) {
    console.error(`${error.message} Use: npm test -- [${known.join('|')}]... [--grep TEXT]`);
    process.exit(2);
  }
}

function line(name, text, seconds) {
  console.log(`${name.padEnd(52)} ${text.padEnd(24)} ${seconds.toFixed(1).padStart(6)} s`);
}

async function runCheck(name) {
  const [script, ...args] = checks[name];
  const result = await capture(process.execPath, [join(root, 'node_modules', script), ...args], { cwd: root });
  line(name, result.status === 0 ? 'ok' : 'FAILED', result.seconds);
  if (result.status === 0) return;
  totals.failed++;
  fail(name, tail(result.stdout + result.stderr, 120));
}

/** Told at once, and again at the end: of a long output often only the end is kept. */
function fail(name, text) {
  console.log(text);
  failures.set(name, text);
}

function reportFile(result) {
  totals.passed += result.passed;
  totals.failed += result.failed;
  totals.skipped += result.skipped;
  const parts = [`${result.passed} passed`];
  if (result.failed > 0) parts.push(`${result.failed} FAILED`);
  if (result.skipped > 0) parts.push(`${result.skipped} skipped`);
  line(result.file, parts.join(', '), result.seconds);
  if (result.failed === 0) return;
  fail(result.file, [
    result.problem === undefined ? '' : `  ${result.problem}`,
    tail(failuresOf(result.stdout) || result.stdout, 120), tail(result.stderr, 60),
  ].filter((text) => text !== '').join('\n'));
}

async function main() {
  const { wanted, grep } = readArguments();
  try {
    await bootstrap();
    await buildForTests(root);
    // For test/server-command.ts: the bundle is up to date now.
    process.env.SERVER_UNDER_TEST = join(root, 'bin/kvm-gdbserver.cjs');
    if (wanted.includes('ide')) await addEditorPackages((text) => console.error(`setup: ${text}`));
  } catch (error) {
    console.log(describe(error));
    totals.failed++;
    return summarize();
  }
  const checked = Object.keys(checks).filter((name) => wanted.includes(name)).map((name) => ({ name, run: () => runCheck(name) }));
  const files = Object.entries(suites).filter(([name]) => wanted.includes(name)).flatMap(([, suite]) => filesOf(root, suite)
    .filter((file) => file.includes(grep))
    .map((file) => ({ name: file, run: async () => reportFile(await runFile(root, suite, file)) })));
  if (grep !== '' && files.length === 0) throw new StepError(`No test file's path contains "${grep}".`);
  await forEachAtOnce(longestFirst([...checked, ...files]), JOBS_AT_ONCE, (job) => job.run());
  summarize();
}

function summarize() {
  for (const [name, text] of failures) console.log(`failed: ${name}\n${tail(text, 40)}`);
  console.log(`${totals.passed} passed, ${totals.failed} failed, ${totals.skipped} skipped`);
  process.exitCode = totals.failed === 0 ? 0 : 1;
}

main().catch(dieOf);
