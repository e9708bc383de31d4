// npm run test:hosts: the real-KVM and real-gdb suites inside small Linux hosts with kvm_intel and kvm_amd (docs/hosts.md).
// npm run test:hosts -- vmx        only this host
// npm run test:hosts -- --all      every file and every example's session instead of the quick selection
// npm run test:hosts -- --only breakpoints    only files whose path contains the text
// npm run test:hosts -- --doctor   only what doctor prints there: the tables of docs/hosts.md
// The last line is the sum: N passed, N failed, N skipped. Where the hosts cannot be had, it says why and ends with 0.
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { homedir, tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { boot } from '../test/hosts/boot.mjs';
import { Unavailable, unpacked } from '../test/hosts/debian-packages.mjs';
import { makeDisk } from '../test/hosts/disk.mjs';
import { hosts } from '../test/hosts/hosts.mjs';
import { packageSets } from '../test/hosts/package-sets.mjs';
import { bootstrap } from './bootstrap.mjs';
import { root } from './root.mjs';
import { StepError, describe, runQuietly } from './run-quietly.mjs';
import { filesOf, suites } from './test-suites.mjs';

const SESSIONS = 'test/hosts/sessions.test.ts';
const QUICK_FOLDER = /^test\/kvm\/debugger\//;
const QUICK_SESSION = 'modes';
/** Limits for a host's whole boot, in seconds. */
const QUICK_SECONDS = 300;
const ALL_SECONDS = 3600;

const totals = { passed: 0, failed: 0, skipped: 0 };

function readArguments() {
  try {
    const { values, positionals } = parseArgs({
      allowPositionals: true, options: { all: { type: 'boolean', default: false }, doctor: { type: 'boolean', default: false }, only: { type: 'string' } },
    });
    const unknown = positionals.filter((name) => hosts[name] === undefined);
    if (unknown.length > 0) throw new Error(`There is no host ${unknown.join(', ')}.`);
    return { names: positionals.length > 0 ? positionals : Object.keys(hosts), ...values };
  } catch (error) {
    console.error(`${error.message} Use: npm run test:hosts -- [${Object.keys(hosts).join('|')}]... [--all] [--only TEXT] [--doctor]`);
    process.exit(2);
  }
}

/** Test files for a host. What drives no KVM, and the sessions, which have a file of their own here, are left out. */
function filesFor({ all, only, doctor }) {
  if (doctor) return ['doctor'];
  const gdb = filesOf(root, suites.gdb).filter((file) => !/\/(examples|rsp-fake)\.test\.ts$/.test(file));
  const everything = [...filesOf(root, suites.kvm), ...gdb, SESSIONS];
  if (only !== undefined) return everything.filter((file) => file.includes(only));
  return all ? everything : everything.filter((file) => QUICK_FOLDER.test(file) || file === SESSIONS);
}

function reportFile(result) {
  for (const key of Object.keys(totals)) totals[key] += result[key];
  const parts = [`${result.passed} passed`];
  if (result.failed > 0) parts.push(`${result.failed} FAILED`);
  if (result.skipped > 0) parts.push(`${result.skipped} skipped`);
  console.log(`  ${result.file.padEnd(50)} ${parts.join(', ').padEnd(24)} ${result.seconds.toFixed(1).padStart(6)} s`);
  for (const reason of result.reasons) console.log(`    skipped: ${reason}`);
  if (result.problem !== undefined) console.log(`    ${result.problem}`);
  if (result.details !== '') console.log(result.details);
}

async function runHost(name, options, places) {
  const host = hosts[name];
  const files = filesFor(options);
  if (files.length === 0) throw new StepError(`No test file's path contains ${options.only}.`);
  const everySession = options.all || options.only !== undefined;
  console.log(`${name}: ${host.title}`);
  const begin = performance.now();
  const waiting = new Set(files);
  const trouble = await boot(host, {
    ...places, work: join(places.work, name), files, seconds: everySession ? ALL_SECONDS : QUICK_SECONDS,
    sessions: { run: everySession ? undefined : [QUICK_SESSION], leftOut: host.sessionsLeftOut },
  }, (result) => {
    waiting.delete(result.file);
    reportFile(result);
  });
  if (trouble !== undefined) {
    console.log(`  FAILED: ${trouble}`);
    for (const file of waiting) console.log(`  ${file} has no result`);
    totals.failed += Math.max(1, waiting.size);
  }
  console.log(`  ${((performance.now() - begin) / 1000).toFixed(1)} s in all`);
}

async function main() {
  const options = readArguments();
  const cache = join(process.env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'kvm-gdbserver-hosts');
  const work = mkdtempSync(join(tmpdir(), 'kvm-gdbserver-hosts-'));
  process.on('exit', () => rmSync(work, { recursive: true, force: true }));
  try {
    await bootstrap();
    mkdirSync(cache, { recursive: true });
    const busybox = join(await unpacked(cache, 'tools', packageSets.tools), 'bin/busybox');
    // Its own test builds it where it can; a host has no compiler.
    await runQuietly('The library that lets KVM calls fail could not be built.', 'make', ['-s', '-C', join(root, 'test/native'), 'faults']);
    const disk = await makeDisk(work, busybox);
    for (const name of options.names) {
      try {
        await runHost(name, options, { cache, work, disk });
      } catch (error) {
        if (!(error instanceof Unavailable)) throw error;
        console.log(`  skipped: ${error.message}`);
        totals.skipped++;
      }
    }
  } catch (error) {
    if (error instanceof Unavailable) {
      console.log(`Skipped: ${error.message}`);
      totals.skipped += options.names.length;
    } else {
      console.log(describe(error));
      totals.failed++;
    }
  }
  console.log(`${totals.passed} passed, ${totals.failed} failed, ${totals.skipped} skipped`);
  process.exitCode = totals.failed === 0 ? 0 : 1;
}

await main();
