// What `npm run test:hosts --` takes, and the test files that follow from it.
import { parseArgs } from 'node:util';
import { filesOf, suites } from '../../scripts/test-suites.mjs';

const SESSIONS = 'test/hosts/sessions.test.ts';
/** Compares docs/hosts.md with what doctor says on the host. */
const TABLE = 'test/hosts/doctor-table.test.ts';
/** Boots a kernel that the runner gets. */
export const LINUX = 'test/hosts/linux-kernel.test.ts';
/** Takes KVM away from a whole kernel: only where that is nobody else's. */
const REFUSALS = 'test/hosts/kernel-refusals.test.ts';
const QUICK_FOLDER = /^test\/kvm\/debugger\//;
/** Many thousand steps: minutes in an emulator. */
const SLOW = /\/(instruction-access|traces)\.test\.ts$/;
const QUICK_SESSION = 'modes';

/**
 * @param {string[]} words of the command line
 * @param {string[]} known the hosts' names, in the order they run
 * @returns {{ names: string[], all: boolean, doctor: boolean, table: boolean, only?: string }}
 * @throws {Error} with one sentence and the usage
 */
export function readArguments(words, known) {
  try {
    const flag = { type: 'boolean', default: false };
    const { values, positionals } = parseArgs({
      args: words, allowPositionals: true, options: { all: flag, doctor: flag, table: flag, only: { type: 'string' } },
    });
    const unknown = positionals.filter((name) => !known.includes(name));
    if (unknown.length > 0) throw new Error(`There is no host ${unknown.join(', ')}.`);
    const { all, doctor, table, only } = values;
    if (table && !doctor) throw new Error('--table is a form of --doctor.');
    if (doctor && (all || only !== undefined)) throw new Error('--doctor runs no tests, so --all and --only do not go with it.');
    const names = positionals.length > 0 ? known.filter((name) => positionals.includes(name)) : [...known];
    return { names, all, doctor, table, ...(only === undefined ? {} : { only }) };
  } catch (error) {
    // parseArgs adds advice that does not fit here.
    const [sentence] = error.message.split('. ');
    throw new Error(`${sentence.replace(/\.?$/, '.')} Use: npm run test:hosts -- [${known.join('|')}]... [--all] [--only TEXT] [--doctor [--table]]`);
  }
}

/**
 * The test files for a host. What drives no KVM, and the sessions, which have a file of their own here, are left out.
 * @param {string} root the project's folder
 * @param {{ all: boolean, doctor: boolean, only?: string }} options of readArguments
 * @param {boolean} isOwnKernel the host is an emulated one, whose kernel may lose KVM
 * @returns {{ files: string[], sessions: string[] | undefined }} `sessions`: the examples of SESSIONS, undefined for all
 */
export function selection(root, { all, doctor, only }, isOwnKernel) {
  if (doctor) return { files: ['doctor'], sessions: [] };
  const gdb = filesOf(root, suites.gdb).filter((file) => !/\/(examples|rsp-fake)\.test\.ts$/.test(file));
  const ofHosts = [SESSIONS, TABLE, LINUX, ...(isOwnKernel ? [REFUSALS] : [])];
  const everything = [...filesOf(root, suites.kvm), ...gdb, ...ofHosts];
  if (only !== undefined) return { files: everything.filter((file) => file.includes(only)), sessions: undefined };
  if (all) return { files: everything, sessions: undefined };
  return { files: everything.filter((file) => (QUICK_FOLDER.test(file) && !SLOW.test(file)) || ofHosts.includes(file)), sessions: [QUICK_SESSION] };
}
