// Boots one host with a job and hands on what it reports, line by line, while it runs.
import { closeSync, existsSync, mkdirSync, openSync, readFileSync, readSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { tail } from '../../scripts/run-quietly.mjs';
import { unpacked } from './debian-packages.mjs';
import { initramfs, kernelIn } from './initramfs.mjs';
import { packageSets } from './package-sets.mjs';
import { runWatched } from './watched-process.mjs';

const APPEND = 'console=ttyS1,115200 quiet loglevel=4 panic=-1 mitigations=off nokaslr no_timer_check tsc=reliable '
  + 'random.trust_cpu=on audit=0 apparmor=0 nowatchdog i8042.noaux i8042.nokbd cryptomgr.notests=1';

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

/**
 * @param {object} host one of hosts.mjs
 * @param {{ cache: string, work: string, disk: string, job: object, limits: { seconds: number, silence: number } }} run `work`: a
 *   folder for this boot alone; `disk`: of makeDisk; `job`: for runJob, without what the host fixes; `limits`: of runWatched
 * @param {(report: object) => void} report called with each file's result
 * @returns {Promise<{ kind: 'out of time' | 'not started' | 'lost' | 'without KVM', text: string } | undefined>} undefined when the host went
 *   through the whole job; else what happened to it
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
  const { output, ended, signal } = await runWatched(command, run.limits, () => {
    const lines = read();
    for (const line of lines) {
      const value = parsed(line);
      if (value?.module !== undefined) module = value.module;
      else if (value?.file !== undefined) {
        reported++;
        report(value);
      }
    }
    return lines.length > 0;
  });
  if (module === host.module && reported === run.job.files.length) return undefined;
  const words = tail(`${existsSync(log) ? readFileSync(log, 'utf8') : ''}\n${output}`, 15);
  if (ended === 'out of time') return { kind: 'out of time', text: `The host was not done after ${Math.round(run.limits.seconds)} seconds.\n${words}` };
  if (module === null) return { kind: 'without KVM', text: `The host has no ${host.module}.\n${words}` };
  if (ended === 'silent') return { kind: 'lost', text: `The host said nothing for ${run.limits.silence} seconds.\n${words}` };
  if (module === undefined) return { kind: 'not started', text: `The host did not start.\n${words}` };
  return { kind: 'lost', text: `The host was lost${signal === undefined ? '' : `: ${signal} ended its emulator`}.\n${words}` };
}

/** A line as JSON; undefined for what a broken host may leave on its serial port. */
function parsed(line) {
  try {
    return JSON.parse(line);
  } catch {
    return undefined;
  }
}
