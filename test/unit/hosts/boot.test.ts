/** A host's boot with a stand-in for the emulator: what is said when it dies, hangs, or has no KVM; and without packages. */
import { spawnSync } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import test from 'tape';
import { PACKAGE_FOLDER, script } from '../../project-folders.js';

interface Boot {
  readonly boot: (host: object, run: object, report: (result: { file: string }) => void) => Promise<{ kind: string; text: string } | undefined>;
}

const folder = mkdtempSync(join(tmpdir(), 'kvm-gdbserver-boot-'));

/** A cache in which all packages have been unpacked, as far as the boot looks. */
function cache(): string {
  const top = join(folder, 'cache');
  for (const path of ['tools/root/bin', 'kernel/root/boot', 'kernel/root/lib/modules/6.1-x/kernel', 'qemu/root']) mkdirSync(join(top, path), { recursive: true });
  writeFileSync(join(top, 'tools/root/bin/busybox'), 'busybox');
  writeFileSync(join(top, 'kernel/root/boot/vmlinuz-6.1-x'), 'kernel');
  for (const name of ['tools', 'kernel', 'qemu']) writeFileSync(join(top, name, 'complete'), '');
  return top;
}

let boots = 0;

/** Boots with a shell script as the emulator; `$results` and `$log` are its serial ports. */
async function bootWith(emulator: string, limits = { seconds: 20, silence: 20 }): Promise<{ trouble: { kind: string; text: string } | undefined; files: string[]; took: number }> {
  const { boot } = await script<Boot>('test/hosts/boot.mjs');
  const files: string[] = [];
  const host = {
    module: 'kvm_x', packages: 'qemu', modules: [], spareModules: [], disk: '/dev/vda', timeScale: 1, kernelWords: '', preparation: '',
    emulator: ({ results, log }: { results: string; log: string }) => ['sh', '-c', `results='${results}' log='${log}'; ${emulator}`],
  };
  const job = { name: 'x', files: ['a', 'b'], sessions: {} };
  const begin = performance.now();
  const run = { cache: cache(), work: join(folder, `boot-${boots++}`), disk: '/dev/null', job, limits };
  const trouble = await boot(host, run, ({ file }) => files.push(file));
  return { trouble, files, took: (performance.now() - begin) / 1000 };
}

type Trouble = Awaited<ReturnType<Boot['boot']>>;
type BootOnce = (files: readonly string[], boot: number, report: (result: { file: string }) => void) => Promise<Trouble>;

/** What is told while a host loses itself as `boots` say: how many files each boot gets through, and its trouble. */
async function untilDone(files: readonly string[], boots: readonly (readonly [files: number, kind?: string])[]): Promise<string[]> {
  const { bootUntilDone } = await script<{ bootUntilDone: (files: readonly string[], bootOnce: BootOnce, told: object) => Promise<void> }>('test/hosts/boot-until-done.mjs');
  const lines: string[] = [];
  await bootUntilDone(files, (left, number, report) => {
    const [count, kind] = boots[number];
    for (const name of left.slice(0, count)) report({ file: name });
    return Promise.resolve(kind === undefined ? undefined : { kind, text: kind });
  }, {
    file: (result: { file: string }) => lines.push(result.file),
    again: (text: string, left: readonly string[]) => lines.push(`again: ${text} ${left.join('')}`),
    lost: (text: string, missing: readonly string[]) => lines.push(`lost: ${text} ${missing.join('')}`),
    notReached: (left: readonly string[]) => lines.push(`not reached: ${left.join('')}`),
  });
  return lines;
}

test('boot until done: lost once, lost twice in one file, and what ends all of it', async (t) => {
  t.deepEqual(await untilDone(['a', 'b'], [[2]]), ['a', 'b']);
  t.deepEqual(await untilDone(['a', 'b', 'c'], [[1, 'lost'], [2]]), ['a', 'again: lost bc', 'b', 'c']);
  t.deepEqual(await untilDone(['a', 'b', 'c'], [[1, 'lost'], [0, 'silent'], [1]]), ['a', 'again: lost bc', 'lost: silent b', 'again: It was lost twice in b. c', 'c'], 'the rest goes on without it');
  t.deepEqual(await untilDone(['a'], [[0, 'lost'], [0, 'lost']]), ['again: lost a', 'lost: lost a']);
  t.deepEqual(await untilDone(['a', 'b'], [[0, 'not started'], [0, 'not started']]), ['again: not started ab', 'lost: not started ab']);
  t.deepEqual(await untilDone(['a', 'b'], [[1, 'without KVM']]), ['a', 'lost: without KVM b']);
  t.deepEqual(await untilDone(['a', 'b'], [[1, 'out of time']]), ['a', 'not reached: b']);
});

const MODULE = 'echo \'{"module":"kvm_x"}\' >> $results;';
const file = (name: string): string => `echo '{"file":"${name}","passed":1}' >> $results;`;

test('boot: all results have come', async (t) => {
  const { trouble, files } = await bootWith(`${MODULE} ${file('a')} sleep 0.3; ${file('b')}`);
  t.equal(trouble, undefined);
  t.deepEqual(files, ['a', 'b']);
});

test('boot: a line that was torn is no result', async (t) => {
  const { trouble, files } = await bootWith(`${MODULE} ${file('a')} printf '{"file":"b","pas' >> $results; echo '###' >> $results`);
  t.match(trouble?.text ?? '', /^The host was lost\./);
  t.equal(trouble?.kind, 'lost');
  t.deepEqual(files, ['a']);
});

test('boot: the emulator does not start, and its last words', async (t) => {
  t.match((await bootWith('echo "no such CPU model" >&2; exit 1')).trouble?.text ?? '', /^The host did not start\.\n[^]*no such CPU model/);
  t.match((await bootWith('echo "Kernel panic" > $log; exit 0')).trouble?.text ?? '', /^The host did not start\.\n[^]*Kernel panic/);
});

test('boot: its KVM is not there', async (t) => {
  t.match((await bootWith('echo \'{"module":null}\' > $results; echo "insmod: kvm_x" > $log')).trouble?.text ?? '', /^The host has no kvm_x\.\n[^]*insmod: kvm_x/);
});

test('boot: the host dies half-way', async (t) => {
  const { trouble, files } = await bootWith(`${MODULE} ${file('a')} kill -SEGV $$`);
  t.match(trouble?.text ?? '', /^The host was lost: SIGSEGV ended its emulator\./);
  t.equal(trouble?.kind, 'lost');
  t.deepEqual(files, ['a'], 'what it had said counts');
});

test('boot: the emulator hangs, deaf to SIGTERM, and has a child', async (t) => {
  const hangs = `${MODULE} ${file('a')} trap '' TERM; sleep 60 & while :; do sleep 1; done`;
  for (const [limits, kind, words] of [
    [{ seconds: 1, silence: 20 }, 'out of time', /^The host was not done after 1 seconds\./],
    [{ seconds: 20, silence: 1 }, 'lost', /^The host said nothing for 1 seconds\./],
  ] as const) {
    const { trouble, files, took } = await bootWith(hangs, limits);
    t.equal(trouble?.kind, kind);
    t.match(trouble?.text ?? '', words);
    t.deepEqual(files, ['a']);
    t.ok(took < 15, `${took.toFixed(1)} s`);
  }
});

/** What `runHosts` reports for vmx with `commands` in place of this machine's. */
function withCommands(commands: Readonly<Record<string, string>>): { status: number | null; stdout: string; stderr: string } {
  const bin = mkdtempSync(join(folder, 'bin-'));
  for (const [name, body] of Object.entries(commands)) {
    writeFileSync(join(bin, name), `#!/bin/sh\n${body}\n`);
    chmodSync(join(bin, name), 0o755);
  }
  const of = (path: string): string => pathToFileURL(join(PACKAGE_FOLDER, path)).href;
  const program = `
    import { Report } from '${of('test/hosts/report.mjs')}';
    import { runHosts } from '${of('test/hosts/run-hosts.mjs')}';
    const report = new Report((line) => console.log(line));
    await runHosts({ names: ['vmx', 'svm'], all: false, doctor: false }, { cache: '${bin}/cache', work: '${bin}' }, report);
    report.end();
    process.exitCode = report.status;`;
  const { status, stdout, stderr } = spawnSync(process.execPath, ['--input-type=module', '-e', program],
    { encoding: 'utf8', timeout: 30_000, env: { ...process.env, PATH: bin } });
  return { status, stdout, stderr };
}

test('packages: without apt, or without an archive, the hosts are skipped in words', (t) => {
  const list = '[ "$1" = indextargets ] && { echo http://archive.example/debian/; exit 0; };';
  for (const [why, commands, words] of [
    ['no apt', {}, /apt-get does not run here/],
    ['another distribution', { 'apt-get': 'echo http://archive.example/other/' }, /knows no Debian archive/],
    ['no network', { 'apt-get': `${list} echo "E: Could not resolve archive.example" >&2; exit 100` }, /could not get .* from Debian .*Could not resolve/],
  ] as const) {
    const { status, stdout, stderr } = withCommands(commands);
    t.equal(status, 0, `${why}: ${stderr}`);
    for (const name of ['vmx', 'svm']) {
      const line = stdout.split('\n').find((text) => text.startsWith(`${name}: skipped: `)) ?? '';
      // On a system that is not Debian the keyring is what is missed first.
      t.ok(words.test(line) || /keyring.* is missing/.test(line), `${why}: ${line}`);
    }
    t.equal(stdout.trimEnd().split('\n').at(-1), '0 passed, 0 failed, 2 skipped', why);
  }
  t.end();
});

test.onFinish(() => rmSync(folder, { recursive: true, force: true }));
