/** What `npm run test:hosts` takes and what it then runs; how .ci/run adds up. */
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { basename, join } from 'node:path';
import test from 'tape';
import { PACKAGE_FOLDER, script } from '../../project-folders.js';

interface Options {
  readonly names: readonly string[];
  readonly all: boolean;
  readonly doctor: boolean;
  readonly table: boolean;
  readonly record: boolean;
  readonly only?: readonly string[];
  readonly seconds?: number;
}

interface Arguments {
  readonly readArguments: (words: readonly string[], known: readonly string[]) => Options;
  readonly selection: (root: string, options: Partial<Options>, isOwnKernel: boolean, quickToo?: readonly string[]) => { files: string[]; sessions: { forced?: boolean } };
}

interface Run {
  readonly output: string;
  readonly status: number;
}

const KNOWN = ['local', 'vmx', 'svm'];

test('test:hosts: arguments', async (t) => {
  const { readArguments } = await script<Arguments>('test/hosts/arguments.mjs');
  const none = { all: false, doctor: false, table: false, record: false };
  t.deepEqual(readArguments([], KNOWN), { names: KNOWN, ...none });
  t.deepEqual(readArguments(['svm', 'local'], KNOWN), { names: ['local', 'svm'], ...none }, 'in the order in which they run');
  t.deepEqual(readArguments(['vmx', '--all'], KNOWN), { names: ['vmx'], ...none, all: true });
  t.deepEqual(readArguments(['--only', 'kick', '--only', 'steps', '--record'], KNOWN), { names: KNOWN, ...none, record: true, only: ['kick', 'steps'] });
  t.deepEqual(readArguments(['--record', '--seconds', '90'], KNOWN), { names: KNOWN, ...none, record: true, seconds: 90 });
  t.deepEqual(readArguments(['--doctor', '--table'], KNOWN), { names: KNOWN, ...none, doctor: true, table: true });
  for (const [words, sentence] of [
    [['vmz'], 'There is no host vmz.'], [['--al'], 'Unknown option \'--al\'.'], [['--table'], '--table is a form of --doctor.'],
    [['--doctor', '--all'], '--doctor runs no tests, so --all, --only and --record do not go with it.'],
    [['--seconds', 'soon'], '--seconds takes a whole number from 1 on, not soon.'], [['--seconds', '0'], '--seconds takes a whole number from 1 on, not 0.'],
    [['--only'], 'Option \'--only <value>\' argument missing.'],
  ] as const) {
    let message = '';
    try {
      readArguments(words, KNOWN);
    } catch (error) {
      message = (error as Error).message;
    }
    t.equal(message, `${sentence} Use: npm run test:hosts -- [local|vmx|svm]... [--all] [--only TEXT]... [--seconds N] [--record] [--doctor [--table]]`);
  }
  t.end();
});

test('test:hosts: a wrong word is one sentence and status 2, before anything is made', (t) => {
  const { status, stdout, stderr } = spawnSync(process.execPath, [join(PACKAGE_FOLDER, 'scripts/test-hosts.mjs'), 'vmz'], { encoding: 'utf8', timeout: 20_000 });
  t.deepEqual([status, stdout], [2, '']);
  t.match(stderr, /^There is no host vmz\. Use: .*\n$/);
  t.end();
});

test('test:hosts: the files', async (t) => {
  const { selection } = await script<Arguments>('test/hosts/arguments.mjs');
  const refusals = 'test/hosts/kernel-refusals.test.ts';
  const quick = selection(PACKAGE_FOLDER, {}, true);
  t.equal(quick.files[0], 'test/kvm/debugger/stepping.test.ts', 'the most telling first');
  t.deepEqual(selection(PACKAGE_FOLDER, {}, true, ['more']).files, [...quick.files, 'more'], 'where the host is fast enough');
  for (const file of quick.files) t.ok(existsSync(join(PACKAGE_FOLDER, file.split('#')[0])), file);
  t.deepEqual(quick.sessions, { forced: false });
  t.notOk(selection(PACKAGE_FOLDER, { all: true }, false).files.includes(refusals), 'this machine keeps its KVM');
  const all = selection(PACKAGE_FOLDER, { all: true }, true);
  t.deepEqual(all.sessions, {}, 'each session by each mechanism');
  for (const name of ['bios', 'workers']) t.ok(all.files.includes(`test/hosts/sessions.test.ts#${name}`), name);
  t.deepEqual(selection(PACKAGE_FOLDER, { only: ['sessions.test.ts#smp'] }, true).files, ['test/hosts/sessions.test.ts#smp'], 'one session by its name');
  t.ok(all.files.includes(refusals) && all.files.includes('test/hosts/linux-kernel.test.ts'));
  for (const file of [...quick.files, 'test/gdb/endings.test.ts', 'test/kvm/native/kick.test.ts']) t.ok(all.files.includes(file), `all has ${file}`);
  t.notOk(all.files.some((file) => /bootloaders|examples|rsp-fake/.test(file)), 'what drives no KVM, and the sessions, are not run twice');
  t.equal(new Set(all.files).size, all.files.length);
  t.deepEqual(selection(PACKAGE_FOLDER, { only: ['native/kick'] }, true).files, ['test/kvm/native/kick.test.ts']);
  t.deepEqual(selection(PACKAGE_FOLDER, { only: ['native/steps', 'no such file', 'native/kick'] }, true).files, ['kick', 'steps'].map((name) => `test/kvm/native/${name}.test.ts`));
  t.deepEqual(selection(PACKAGE_FOLDER, { only: ['no such file'] }, true).files, []);
  t.deepEqual(selection(PACKAGE_FOLDER, { only: ['programs/memtest'] }, true).files, ['test/hosts/programs/memtest.test.ts'], 'a program by its name');
  t.ok(all.files.includes('test/hosts/programs/memtest.test.ts'), 'and in everything');
  t.notOk(selection(PACKAGE_FOLDER, { all: true }, false).files.some((file) => file.startsWith('test/hosts/programs/')), 'but not on this machine');
  t.deepEqual(selection(PACKAGE_FOLDER, { doctor: true }, true).files, ['doctor']);
  t.end();
});

test('test:hosts: what is left out on a host', async (t) => {
  const { withoutLeftOut } = await script<{ withoutLeftOut: (files: readonly string[], rules: readonly object[]) => object }>('test/hosts/arguments.mjs');
  t.deepEqual(withoutLeftOut(['a', 'b', 'c'], [{ files: /b/, reason: 'no' }]), { files: ['a', 'c'], leftOut: [{ file: 'b', reason: 'no' }] });
  const { hosts } = await script<{ hosts: Record<string, { filesLeftOut: { files: RegExp }[]; programsLeftOut: { files: RegExp }[] }> }>('test/hosts/hosts.mjs');
  const { selection } = await script<Arguments>('test/hosts/arguments.mjs');
  const { files } = selection(PACKAGE_FOLDER, { all: true }, true);
  for (const { files: pattern } of hosts['vmx']?.filesLeftOut ?? []) t.ok(files.some((file) => pattern.test(file)), `${pattern} leaves something out`);
  const programs = (name: string): string[] => files.filter((file) => file.startsWith('test/hosts/programs/') && !hosts[name]?.programsLeftOut.some((rule) => rule.files.test(file)))
    .map((file) => basename(file, '.test.ts'));
  t.deepEqual([programs('vmx'), programs('svm')], [['ovmf'], ['linux-shell', 'memtest', 'syslinux']], 'each program has a host');
  const quick = selection(PACKAGE_FOLDER, {}, true).files;
  t.deepEqual(withoutLeftOut(quick, hosts['vmx']?.filesLeftOut ?? []), { files: quick, leftOut: [] }, 'nothing of the quick selection');
});

test('.ci/run: a wrong word is one sentence and status 2', (t) => {
  const { status, stdout, stderr } = spawnSync(process.execPath, [join(PACKAGE_FOLDER, 'scripts/ci.mjs'), '--hosts'], { encoding: 'utf8', timeout: 20_000 });
  t.deepEqual([status, stdout, stderr], [2, '', 'Use: .ci/run [--all] [--record]\n']);
  t.end();
});

test('.ci/run: the last lines add up', async (t) => {
  const { addUp } = await script<{ addUp: (runs: readonly Run[]) => object }>('scripts/ci.mjs');
  const green = { output: 'a\n3 passed, 0 failed, 1 skipped\n', status: 0 };
  t.deepEqual(addUp([green, green]), { passed: 6, failed: 0, skipped: 2 });
  t.deepEqual(addUp([green, { output: '1 passed, 2 failed, 0 skipped', status: 1 }]), { passed: 4, failed: 2, skipped: 1 });
  t.deepEqual(addUp([green, { output: '', status: 0 }]), { passed: 3, failed: 1, skipped: 1 }, 'said nothing');
  t.deepEqual(addUp([{ output: '3 passed, 0 failed, 0 skipped\nTypeError\n', status: 1 }]), { passed: 0, failed: 1, skipped: 0 }, 'said it too early');
  t.deepEqual(addUp([{ ...green, status: 134 }]), { passed: 3, failed: 1, skipped: 1 }, 'crashed at the end');
  t.end();
});
