// Runs one selection of tests on each host and reports: this machine first and alone, for its tests measure time; then the
// emulated ones, as many at a time as there are processors, for each keeps one busy.
import { mkdirSync, readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { root } from '../../scripts/root.mjs';
import { StepError } from '../../scripts/run-quietly.mjs';
import { buildForTests } from '../../scripts/test-suites.mjs';
import { isProgram, LINUX, selection, withoutLeftOut } from './arguments.mjs';
import { bootUntilDone } from './boot-until-done.mjs';
import { boot } from './boot.mjs';
import { Unavailable, unpacked } from './debian-packages.mjs';
import { GUEST_KERNEL, makeDisk } from './disk.mjs';
import { hosts } from './hosts.mjs';
import { kernelIn } from './initramfs.mjs';
import { packageSets } from './package-sets.mjs';
import { makePrograms, PROGRAMS_FOLDER } from './programs.mjs';
import { describeThisMachine, runOnThisMachine } from './this-machine.mjs';

/** This machine's name among the hosts. */
export const LOCAL = 'local';
export const hostNames = [LOCAL, ...Object.keys(hosts)];
/** An emulated host that has no result to tell for so long hangs: seconds that a busy machine does not need for any one file. */
const QUICK_SILENCE = 420;
const ALL_SILENCE = 2400;
/** More files for this machine's quick selection: how far a real kernel comes without VMX and SVM. */
const LOCAL_QUICK_TOO = [LINUX];
/** Without --seconds: longer than everything takes. */
const ALL_SECONDS = 6 * 3600;

function jobFor(name, options) {
  const { files, sessions } = selection(root, options, name !== LOCAL, name === LOCAL ? LOCAL_QUICK_TOO : hosts[name].quickToo);
  if (files.length === 0) throw new StepError(`No test file's path contains ${options.only.join(' or ')}.`);
  return { name, files, sessions: { ...sessions, rules: hosts[name]?.sessionRules ?? [] } };
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
async function prepare(host, places, files) {
  const tools = await unpacked(places.cache, 'tools', packageSets.tools);
  for (const name of ['kernel', host.packages]) await unpacked(places.cache, name, packageSets[name]);
  if (places.disk !== undefined) return;
  // Their own tests build them where they can; a host has no compiler.
  await buildForTests(root);
  const busybox = join(tools, 'bin/busybox');
  if (files.some(isProgram)) await prepareProgramsIfPossible(busybox, places);
  places.disk = await makeDisk(places.work, busybox, await guestKernel(places), places.programs);
}

/** Where their packages cannot be had, only the tests that boot them are left out. */
async function prepareProgramsIfPossible(busybox, places) {
  const folder = join(places.work, 'programs');
  try {
    await makePrograms(places.cache, folder, readFileSync(busybox));
    places.programs = folder;
  } catch (error) {
    if (!(error instanceof Unavailable)) throw error;
    places.noPrograms = error.message;
  }
}

/** Takes the tests that boot programs out of a job that cannot have them, in words. */
function leaveOutPrograms(name, places, job, report, counted) {
  const rules = [...hosts[name].programsLeftOut, ...(places.noPrograms === undefined ? [] : [{ files: /^/, reason: places.noPrograms }])];
  const { leftOut } = withoutLeftOut(job.files.filter(isProgram), rules);
  for (const { file, reason } of leftOut) report.leftOut(counted, file, reason);
  job.files = job.files.filter((file) => !leftOut.some((other) => other.file === file));
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

/** An emulated host's job, as long as the time lasts. What is left out there is run when it is asked for by name. */
async function runEmulated(name, options, places, report, counted) {
  const job = { ...jobFor(name, options), kernel: GUEST_KERNEL, programs: PROGRAMS_FOLDER };
  leaveOutPrograms(name, places, job, report, counted);
  if (job.files.length === 0) return;
  const isQuick = !options.all && options.only === undefined;
  const { files, leftOut } = withoutLeftOut(job.files, options.only === undefined ? hosts[name].filesLeftOut : []);
  for (const { file, reason } of leftOut) report.leftOut(counted, file, reason);
  const bootOnce = (left, boots, told) => boot(hosts[name], {
    cache: places.cache, disk: places.disk, work: join(places.work, `${name}-${boots}`), job: { ...job, files: left },
    limits: { seconds: (places.deadline - performance.now()) / 1000, silence: isQuick ? QUICK_SILENCE : ALL_SILENCE },
  }, told);
  await bootUntilDone(files, bootOnce, {
    file: (result) => report.file(counted, result),
    again: (text, left) => report.again(counted, text, left),
    lost: (text, missing) => report.lost(counted, text, missing),
    notReached: (left) => report.notReached(counted, options.seconds ?? ALL_SECONDS, left),
  });
}

/**
 * @param {object} options of readArguments
 * @param {{ cache: string, work: string }} places folders: kept between runs, and for this run alone
 * @param {import('./report.mjs').Report} report
 */
export async function runHosts(options, { cache, work }, report) {
  const places = { cache, work, disk: undefined, deadline: performance.now() + (options.seconds ?? ALL_SECONDS) * 1000 };
  mkdirSync(cache, { recursive: true });
  if (options.names.includes(LOCAL)) {
    const counted = report.begin(LOCAL, describeThisMachine());
    await unlessUnavailable(report, counted, () => runLocal(options, places, report, counted));
  }
  const ready = [];
  for (const name of options.names.filter((other) => other !== LOCAL)) {
    const counted = report.begin(name, hosts[name].title);
    const isReady = await unlessUnavailable(report, counted, async () => {
      await prepare(hosts[name], places, jobFor(name, options).files);
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
