// Runs inside a host: the test files that /job.json names, one after another; the name `doctor` stands for that command.
// Each line of its output is one JSON value: { module } first, then for each file
// { file, passed, failed, skipped, problem?, seconds, details, reasons }.
import { existsSync, readFileSync } from 'node:fs';
import { root } from '../../scripts/root.mjs';
import { capture, tail } from '../../scripts/run-quietly.mjs';
import { failuresOf } from '../../scripts/tap-summary.mjs';
import { runFile, suites } from '../../scripts/test-suites.mjs';

const say = (value) => process.stdout.write(`${JSON.stringify(value)}\n`);

/** Why tests were skipped, as their SKIP lines say, each reason once. */
function reasonsOf(output) {
  return [...new Set([...output.matchAll(/^.*# SKIP\b *(.*)$/gim)].map((match) => match[1]).filter((reason) => reason !== ''))];
}

async function runDoctor() {
  const { status, seconds, stdout, stderr } = await capture(process.execPath, ['dist/src/cli/main.js', 'doctor'], { cwd: root, timeoutSeconds: 120 });
  return { file: 'doctor', passed: status === 0 ? 1 : 0, failed: status === 0 ? 0 : 1, skipped: 0, seconds, details: stdout + stderr, reasons: [] };
}

async function runTests(file, timeScale) {
  // An emulator is slow. And what a host cannot show may be skipped here, in words; npm test allows that nowhere.
  const suite = { ...suites.kvm, timeoutSeconds: suites.gdb.timeoutSeconds * timeScale, needsKvm: false };
  const { stdout, stderr, ...counts } = await runFile(root, suite, file);
  const details = counts.failed === 0 ? '' : tail(`${failuresOf(stdout) || stdout}\n${tail(stderr, 20)}`, 60);
  return { ...counts, details, reasons: reasonsOf(stdout) };
}

const job = JSON.parse(readFileSync('/job.json', 'utf8'));
process.env.HOST_SESSIONS = JSON.stringify(job.sessions);
say({ module: existsSync(`/sys/module/${job.module}`) && existsSync('/dev/kvm') ? job.module : null });
for (const file of job.files) say(await (file === 'doctor' ? runDoctor() : runTests(file, job.timeScale)));
