// Runs test files one after another on the host that this is, be it this machine (scripts/test-hosts.mjs) or an emulated
// one (in-host.mjs). The name `doctor` in place of a file stands for that command.
import { join } from 'node:path';
import { root } from '../../scripts/root.mjs';
import { capture, tail } from '../../scripts/run-quietly.mjs';
import { failuresOf } from '../../scripts/tap-summary.mjs';
import { runFile, suites } from '../../scripts/test-suites.mjs';

const DOCTOR_SECONDS = 120;
/** The bundle, which the runner's set-up has made. */
const SERVER = 'bin/kvm-gdbserver.cjs';

/** Why tests were skipped, each reason once: what a SKIP line says behind that word, else before it (tape's two ways). */
export function reasonsOf(output) {
  const reasons = [...output.matchAll(/^(?:ok \d+ )?(.*?) *# SKIP\b *(.*)$/gim)].map(([, before, behind]) => behind || before);
  return [...new Set(reasons.filter((reason) => reason !== ''))];
}

async function runDoctor() {
  const { status, seconds, stdout, stderr } = await capture(process.execPath, [join(root, SERVER), 'doctor'],
    { cwd: root, timeoutSeconds: DOCTOR_SECONDS });
  const [passed, failed] = status === 0 ? [1, 0] : [0, 1];
  return { file: 'doctor', passed, failed, skipped: 0, seconds, details: stdout + stderr, reasons: [] };
}

/** `file`: a path, perhaps with a # and the name of the one session of sessions.test.ts that is to be run. */
async function runTests(file, { timeScale, maySkip, sessions }) {
  const [path, session] = file.split('#');
  process.env.HOST_SESSIONS = JSON.stringify({ ...sessions, ...(session !== undefined && { run: [session] }) });
  const suite = { ...suites.gdb, timeoutSeconds: suites.gdb.timeoutSeconds * timeScale, needsKvm: !maySkip };
  const { stdout, stderr, ...counts } = await runFile(root, suite, path);
  const details = counts.failed === 0 ? '' : tail(`${failuresOf(stdout) || stdout}\n${tail(stderr, 20)}`, 60);
  return { ...counts, file, details, reasons: reasonsOf(stdout) };
}

/**
 * @param {{ name: string, files: string[], sessions: object, timeScale: number, maySkip: boolean, kernel?: string, programs?: string }} job `name` of the host;
 *   `sessions`: for sessions.test.ts, but for the names; `timeScale`: limits are this many times as long; `maySkip`: a test may say that this
 *   host cannot show something; `kernel`: a bzImage for linux-kernel.test.ts; `programs`: a folder of makePrograms for test/hosts/programs
 * @param {(result: { file: string, passed: number, failed: number, skipped: number, problem?: string, seconds: number,
 *   details: string, reasons: string[] }) => void} report called after each file
 */
export async function runJob(job, report) {
  // For the tests: test/hosts/*.test.ts, test/time-scale.ts, test/server-command.ts.
  process.env.HOST_NAME = job.name;
  process.env.HOST_TIME_SCALE = String(job.timeScale);
  process.env.SERVER_UNDER_TEST = join(root, SERVER);
  if (job.kernel !== undefined) process.env.HOST_KERNEL = job.kernel;
  if (job.programs !== undefined) process.env.HOST_PROGRAMS = job.programs;
  for (const file of job.files) report(await (file === 'doctor' ? runDoctor() : runTests(file, job)));
}
