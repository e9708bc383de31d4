// What `npm run test:hosts --` takes, and the test files that follow from it.
import { existsSync, readdirSync } from 'node:fs';
import { basename, join } from 'node:path';
import { parseArgs } from 'node:util';
import { filesOf, suites } from '../../scripts/test-suites.mjs';

/** Each example's session counts as a file of its own, with its name behind a #: all of them take hours in Bochs. */
const sessionFile = (name) => `test/hosts/sessions.test.ts#${name}`;
const EXAMPLES = 'examples/guests';
/** Compares docs/hosts.md with what doctor says on the host. */
const TABLE = 'test/hosts/doctor-table.test.ts';
/** Boots a kernel that the runner gets. */
export const LINUX = 'test/hosts/linux-kernel.test.ts';
/** Each boots a program that the runner gets, more than a software KVM can run. */
const PROGRAMS = { folder: 'test/hosts/programs' };
export const isProgram = (file) => file.startsWith(`${PROGRAMS.folder}/`);
/** Takes KVM away from a whole kernel: only where that is nobody else's. */
const REFUSALS = 'test/hosts/kernel-refusals.test.ts';
/**
 * The quick selection, the most telling first: in Bochs these take about as long as all of `npm test` outside. What a host does
 * when it is stepped, when it runs into breakpoints and watches, one session of gdb's, and what doctor says.
 */
const QUICK = ['test/kvm/debugger/stepping.test.ts', sessionFile('modes'), TABLE, 'test/kvm/debugger/breakpoints.test.ts'];
const QUICK_SESSIONS = { forced: false };

const seconds = (text) => {
  if (text === undefined) return {};
  const value = Number(text);
  if (!Number.isInteger(value) || value < 1) throw new Error(`--seconds takes a whole number from 1 on, not ${text}.`);
  return { seconds: value };
};

/**
 * @param {string[]} words of the command line
 * @param {string[]} known the hosts' names, in the order they run
 * @returns {{ names: string[], all: boolean, doctor: boolean, table: boolean, record: boolean, only?: string[], seconds?: number }}
 * @throws {Error} with one sentence and the usage
 */
export function readArguments(words, known) {
  try {
    const flag = { type: 'boolean', default: false };
    const text = { type: 'string' };
    const { values, positionals } = parseArgs({
      args: words, allowPositionals: true,
      options: { all: flag, doctor: flag, table: flag, record: flag, only: { ...text, multiple: true }, seconds: text },
    });
    const unknown = positionals.filter((name) => !known.includes(name));
    if (unknown.length > 0) throw new Error(`There is no host ${unknown.join(', ')}.`);
    const { all, doctor, table, record, only } = values;
    if (table && !doctor) throw new Error('--table is a form of --doctor.');
    if (doctor && (all || record || only !== undefined)) throw new Error('--doctor runs no tests, so --all, --only and --record do not go with it.');
    const names = positionals.length > 0 ? known.filter((name) => positionals.includes(name)) : [...known];
    return { names, all, doctor, table, record, ...(only === undefined ? {} : { only }), ...seconds(values.seconds) };
  } catch (error) {
    // parseArgs adds advice that does not fit here.
    const [sentence] = error.message.split('. ');
    throw new Error(`${sentence.replace(/\.?$/, '.')} Use: npm run test:hosts -- [${known.join('|')}]... [--all] [--only TEXT]... [--seconds N] [--record] [--doctor [--table]]`);
  }
}

/** All test files for a host, as for `selection`. An emulated one has neither GRUB, whose tools are many, nor other firmware. */
export function everyFile(root, isOwnKernel) {
  const leftOut = ['bootloaders', 'examples', 'rsp-fake', ...(isOwnKernel ? ['grub-cdrom', 'grub-disk', 'other-roms'] : [])];
  const gdb = filesOf(root, suites.gdb).filter((file) => !leftOut.includes(basename(file, '.test.ts')));
  const sessions = readdirSync(join(root, EXAMPLES)).filter((name) => existsSync(join(root, EXAMPLES, name, 'session.gdb'))).sort().map(sessionFile);
  return [...filesOf(root, suites.kvm), ...gdb, ...sessions, TABLE, LINUX, ...(isOwnKernel ? [REFUSALS, ...filesOf(root, PROGRAMS)] : [])];
}

/**
 * The test files for a host. What drives no KVM, and the sessions, which have a file of their own here, are left out.
 * @param {string} root the project's folder
 * @param {{ all: boolean, doctor: boolean, only?: string[] }} options of readArguments
 * @param {boolean} isOwnKernel the host is an emulated one, whose kernel may lose KVM
 * @param {string[]} quickToo what the host's quick selection has besides
 * @returns {{ files: string[], sessions: { forced?: boolean } }} `sessions`: whether each is run by each mechanism too, as by default
 */
export function selection(root, { all, doctor, only }, isOwnKernel, quickToo = []) {
  if (doctor) return { files: ['doctor'], sessions: {} };
  if (only === undefined && !all) return { files: [...QUICK, ...quickToo], sessions: QUICK_SESSIONS };
  const files = everyFile(root, isOwnKernel);
  if (only === undefined) return { files, sessions: {} };
  return { files: files.filter((file) => only.some((text) => file.includes(text))), sessions: {} };
}

/**
 * Files for a host without those that are left out there.
 * @param {string[]} files
 * @param {{ files: RegExp, reason: string }[]} rules `filesLeftOut` of hosts.mjs
 * @returns {{ files: string[], leftOut: { file: string, reason: string }[] }}
 */
export function withoutLeftOut(files, rules) {
  const ruleOf = (file) => rules.find((rule) => rule.files.test(file));
  const leftOut = files.flatMap((file) => (ruleOf(file) === undefined ? [] : [{ file, reason: ruleOf(file).reason }]));
  return { files: files.filter((file) => ruleOf(file) === undefined), leftOut };
}
