// Boots one host with a job and hands on what it reports, line by line, while it runs.
import { spawn } from 'node:child_process';
import { closeSync, existsSync, mkdirSync, openSync, readFileSync, readSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { tail } from '../../scripts/run-quietly.mjs';
import { unpacked } from './debian-packages.mjs';
import { initramfs, kernelIn } from './initramfs.mjs';
import { packageSets } from './package-sets.mjs';

const APPEND = 'console=ttyS1,115200 quiet loglevel=4 panic=-1 mitigations=off nokaslr no_timer_check tsc=reliable '
  + 'random.trust_cpu=on audit=0 apparmor=0 nowatchdog i8042.noaux i8042.nokbd cryptomgr.notests=1';
const POLL_MILLISECONDS = 200;

/** Reads a growing file; each call returns the whole lines that have come since the last. */
function lineReader(file) {
  let position = 0;
  let rest = Buffer.alloc(0);
  const chunk = Buffer.alloc(65536);
  return () => {
    if (!existsSync(file)) return [];
    const descriptor = openSync(file, 'r');
    for (let count; (count = readSync(descriptor, chunk, 0, chunk.length, position)) > 0; position += count) {
      rest = Buffer.concat([rest, chunk.subarray(0, count)]);
    }
    closeSync(descriptor);
    const end = rest.lastIndexOf(0x0a) + 1;
    const lines = rest.subarray(0, end).toString('utf8').split('\n').slice(0, -1);
    rest = rest.subarray(end);
    return lines;
  };
}

/** Runs a command until it ends or its time is up, calling `poll` now and then and once more at the end. */
function runWatched([program, ...args], seconds, poll) {
  return new Promise((resolve) => {
    const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'pipe'], detached: true });
    let output = '';
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (text) => (output = (output + text).slice(-20_000)));
    let timedOut = false;
    const end = (signal) => {
      try {
        process.kill(-child.pid, signal);
      } catch {
        // It has already ended.
      }
    };
    const interrupted = () => {
      end('SIGTERM');
      // Another host may run beside this one: its listener comes first.
      setImmediate(() => process.exit(130));
    };
    for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, interrupted);
    const timer = setTimeout(() => {
      timedOut = true;
      // `script`, around Bochs, ends its child only when asked politely.
      end('SIGTERM');
      setTimeout(() => end('SIGKILL'), 3000).unref();
    }, seconds * 1000);
    const polling = setInterval(poll, POLL_MILLISECONDS);
    const finish = (text) => {
      clearTimeout(timer);
      clearInterval(polling);
      for (const signal of ['SIGINT', 'SIGTERM']) process.removeListener(signal, interrupted);
      poll();
      resolve({ output: output + text, timedOut });
    };
    child.on('error', (error) => finish(error.message));
    child.on('close', () => finish(''));
  });
}

/**
 * @param {object} host one of hosts.mjs
 * @param {{ cache: string, work: string, disk: string, job: object, seconds: number }} run `work`: a folder for this boot alone;
 *   `disk`: of makeDisk; `job`: for runJob, without what the host fixes; `seconds`: the limit for the whole boot
 * @param {(report: object) => void} report called with each file's result
 * @returns {Promise<string | undefined>} undefined when the host went through the whole job; else what happened to it
 * @throws {Unavailable} where its packages cannot be had
 */
export async function boot(host, run, report) {
  const tools = await unpacked(run.cache, 'tools', packageSets.tools);
  const kernel = kernelIn(await unpacked(run.cache, 'kernel', packageSets.kernel));
  const emulator = await unpacked(run.cache, host.packages, packageSets[host.packages]);
  mkdirSync(run.work, { recursive: true });
  const first = join(run.work, 'initramfs');
  writeFileSync(first, initramfs({
    busybox: join(tools, 'bin/busybox'), kernelModules: kernel.modules, modules: host.modules, spareModules: host.spareModules,
    disk: host.disk, preparation: host.preparation,
    job: { ...run.job, module: host.module, timeScale: host.timeScale },
  }));
  const results = join(run.work, 'results');
  const log = join(run.work, 'log');
  const command = await host.emulator({
    work: run.work, emulator, tools, kernel: kernel.image, initramfs: first, append: `${APPEND} ${host.kernelWords}`,
    disk: run.disk, results, log,
  });
  let reported = 0;
  let module;
  const read = lineReader(results);
  const { output, timedOut } = await runWatched(command, run.seconds, () => {
    for (const line of read()) {
      const value = parsed(line);
      if (value?.module !== undefined) module = value.module;
      else if (value?.file !== undefined) {
        reported++;
        report(value);
      }
    }
  });
  if (module === host.module && reported === run.job.files.length) return undefined;
  const words = tail(`${existsSync(log) ? readFileSync(log, 'utf8') : ''}\n${output}`, 15);
  if (timedOut) return `The host was not done after ${run.seconds} seconds.\n${words}`;
  if (module === undefined) return `The host did not start.\n${words}`;
  if (module === null) return `The host has no ${host.module}.\n${words}`;
  return `The host was lost.\n${words}`;
}

/** A line as JSON; undefined for what a broken host may leave on its serial port. */
function parsed(line) {
  try {
    return JSON.parse(line);
  } catch {
    return undefined;
  }
}
