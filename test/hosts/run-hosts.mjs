// Runs one selection of tests on each host and reports: this machine first and alone, for its tests measure time; then the
// emulated ones, as many at a time as there are processors, for each keeps one busy.
import { mkdirSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { root } from '../../scripts/root.mjs';
import { StepError, runQuietly } from '../../scripts/run-quietly.mjs';
import { LINUX, selection } from './arguments.mjs';
import { boot } from './boot.mjs';
import { Unavailable, unpacked } from './debian-packages.mjs';
import { GUEST_KERNEL, makeDisk } from './disk.mjs';
import { hosts } from './hosts.mjs';
import { kernelIn } from './initramfs.mjs';
import { packageSets } from './package-sets.mjs';
import { describeThisMachine, runOnThisMachine } from './this-machine.mjs';

/** This machine's name among the hosts. */
export const LOCAL = 'local';
export const hostNames = [LOCAL, ...Object.keys(hosts)];
/** Limits for an emulated host's whole boot, in seconds. */
const QUICK_SECONDS = 720;
const ALL_SECONDS = 5400;

function jobFor(name, options) {
  const { files, sessions } = selection(root, options, name !== LOCAL);
  if (files.length === 0) throw new StepError(`No test file's path contains ${options.only}.`);
  const leftOut = hosts[name]?.filesLeftOut ?? {};
  return { name, files: files.filter((file) => !(file in leftOut)), leftOut: files.filter((file) => file in leftOut), sessions: { run: sessions, leftOut: hosts[name]?.sessionsLeftOut ?? {} } };
}

/** Calls `work`; a host that cannot be had is reported as such. Returns what `work` returns, or undefined. */
async function unlessUnavailable(report, host, work) {
  const begin = performance.now();
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof Unavailable)) throw error;
    report.unavailable(host, error.message);
    return undefined;
  } finally {
    host.seconds += (performance.now() - begin) / 1000;
  }
}

/** Gets the packages of one host, and the disk that all share; one after another, for they share the cache as well. */
async function prepare(host, places) {
  const tools = await unpacked(places.cache, 'tools', packageSets.tools);
  for (const name of ['kernel', host.packages]) await unpacked(places.cache, name, packageSets[name]);
  if (places.disk !== undefined) return;
  // Their own tests build them where they can; a host has no compiler.
  await runQuietly('The library that lets KVM calls fail could not be built.', 'make', ['-s', '-C', join(root, 'test/native'), 'faults']);
  await runQuietly('The guests of the gdb tests could not be built.', 'make', ['-s', '-C', join(root, 'test/gdb/guests')]);
  places.disk = await makeDisk(places.work, join(tools, 'bin/busybox'), await guestKernel(places));
}

/** Debian's kernel: the hosts run it, and tests boot it as a guest. */
async function guestKernel(places) {
  return kernelIn(await unpacked(places.cache, 'kernel', packageSets.kernel)).image;
}

/** This machine's job. Where the guest kernel cannot be had, only its test is left out. */
async function runLocal(options, places, report, counted) {
  const job = jobFor(LOCAL, options);
  if (job.files.includes(LINUX)) {
    try {
      job.kernel = await guestKernel(places);
    } catch (error) {
      if (!(error instanceof Unavailable)) throw error;
      job.files = job.files.filter((file) => file !== LINUX);
      report.file(counted, { file: LINUX, passed: 0, failed: 0, skipped: 1, seconds: 0, details: '', reasons: [error.message] });
    }
  }
  await runOnThisMachine(job, (result) => report.file(counted, result));
}

async function runEmulated(name, options, places, report, counted) {
  const { leftOut, ...job } = jobFor(name, options);
  for (const file of leftOut) {
    const reason = `${file}: ${hosts[name].filesLeftOut[file]}`;
    report.file(counted, { file, passed: 0, failed: 0, skipped: 1, seconds: 0, details: '', reasons: [reason] });
  }
  if (job.files.length === 0) return;
  const waiting = new Set(job.files);
  const isQuick = !options.all && options.only === undefined;
  const trouble = await boot(hosts[name], {
    cache: places.cache, disk: places.disk, work: join(places.work, name), job: { ...job, kernel: GUEST_KERNEL }, seconds: isQuick ? QUICK_SECONDS : ALL_SECONDS,
  }, (result) => {
    waiting.delete(result.file);
    report.file(counted, result);
  });
  if (trouble !== undefined) report.lost(counted, trouble, [...waiting]);
}

/**
 * @param {object} options of readArguments
 * @param {{ cache: string, work: string }} places folders: kept between runs, and for this run alone
 * @param {import('./report.mjs').Report} report
 */
export async function runHosts(options, places, report) {
  mkdirSync(places.cache, { recursive: true });
  if (options.names.includes(LOCAL)) {
    const counted = report.begin(LOCAL, describeThisMachine());
    await unlessUnavailable(report, counted, () => runLocal(options, places, report, counted));
  }
  const ready = [];
  for (const name of options.names.filter((other) => other !== LOCAL)) {
    const counted = report.begin(name, hosts[name].title);
    const isReady = await unlessUnavailable(report, counted, async () => {
      await prepare(hosts[name], places);
      return true;
    });
    if (isReady) ready.push([name, counted]);
  }
  const runNext = async () => {
    for (let next; (next = ready.shift()) !== undefined;) {
      const [name, counted] = next;
      await unlessUnavailable(report, counted, () => runEmulated(name, options, places, report, counted));
    }
  };
  await Promise.all(Array.from({ length: availableParallelism() }, runNext));
}
