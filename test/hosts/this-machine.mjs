// This machine as a host: its own /dev/kvm, whatever stands behind it.
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { root } from '../../scripts/root.mjs';
import { capture } from '../../scripts/run-quietly.mjs';
import { Unavailable } from './debian-packages.mjs';
import { runJob } from './run-job.mjs';

/** The module that stands behind /dev/kvm, as far as /sys/module tells: kvm_intel, kvm_amd, or another beside kvm. */
function kvmModule() {
  const modules = existsSync('/sys/module') ? readdirSync('/sys/module').filter((name) => name.startsWith('kvm_')) : [];
  return modules.length > 0 ? modules.join(' ') : 'KVM';
}

/** The host's title. */
export function describeThisMachine() {
  return `${kvmModule()} of this machine`;
}

/**
 * Runs a job here.
 * @param {object} job as runJob takes it, without what this machine fixes
 * @throws {Unavailable} with doctor's words where /dev/kvm cannot be used
 */
export async function runOnThisMachine(job, report) {
  const { status, stdout, stderr } = await capture(process.execPath, [join(root, 'dist/src/cli/main.js'), 'doctor', '--json'], { cwd: root, timeoutSeconds: 60 });
  if (status !== 0) throw new Unavailable(explanationIn(stdout) ?? `doctor ended with status ${status}: ${stderr.trim()}`);
  await runJob({ ...job, timeScale: 1, maySkip: false }, report);
}

function explanationIn(json) {
  try {
    return JSON.parse(json).explanation;
  } catch {
    return undefined;
  }
}
