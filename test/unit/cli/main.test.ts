/** The program as a process: statuses and sentences of what needs no KVM. */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import test from 'tape';

const MAIN = fileURLToPath(new URL('../../../src/cli/main.js', import.meta.url));

function run(...args: string[]): { status: number | null; stdout: string; stderr: string } {
  const { status, stdout, stderr } = spawnSync(process.execPath, [MAIN, ...args], { encoding: 'utf8', timeout: 20_000 });
  return { status, stdout, stderr };
}

test('cli: help, version and the helper\'s path', (t) => {
  const help = run('--help');
  t.equal(help.status, 0);
  t.ok(help.stdout.startsWith('kvm-gdbserver [options] GUEST') && help.stderr === '');
  t.equal(run('doctor', '--help').stdout, help.stdout, 'commands have it too');
  t.match(run('--version').stdout, /^kvm-gdbserver \d+\.\d+\.\d+\n$/);
  const script = run('gdb-script');
  t.equal(script.status, 0);
  t.ok(existsSync(script.stdout.trimEnd()), 'the helper is there');
  t.end();
});

test('cli: a wrong command line is status 2 and two lines on stderr', (t) => {
  const wrong: readonly (readonly [readonly string[], RegExp])[] = [
    [[], /Which guest\?/],
    [['--bogus', 'a.img'], /There is no option --bogus\.$/m],
    [['-m', '64', 'a.img'], /There is no option -m\.$/m],
    [['--firmwre=seabios', 'a.img'], /There is no option --firmwre; did you mean --firmware\?$/m],
    [['--bootorder', 'cd', 'a.img'], /did you mean --boot-order\?$/m],
    [['--on-close', '--versoin', 'a.img'], /There is no option --on-close; did you mean --on-kill\?$/m],
    [['a.img', 'b.img'], /One guest is started, and "b\.img" would be a second one\.$/m],
    [['doctor', '--jsn'], /There is no option --jsn\.$/m],
    [['a.img', '--cpus'], /Not enough arguments following: cpus\./],
    [['a.img', '--memory', '1M', '--memory', '2M'], /--memory is given more than once/],
    [['a.img', '--listen', 'nowhere'], /Cannot listen on "nowhere"/],
  ];
  for (const [args, sentence] of wrong) {
    const { status, stdout, stderr } = run(...args);
    t.equal(status, 2, args.join(' '));
    t.equal(stdout, '');
    t.match(stderr, sentence);
    t.equal(stderr.split('\n').length, 3, 'the sentence and where help is');
  }
  t.end();
});

test('cli: a guest that cannot be read is status 1 and one line on stderr', (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'kvm-gdbserver-test-'));
  const empty = join(folder, 'empty.img');
  writeFileSync(empty, '');
  for (const [path, sentence] of [[join(folder, 'none.img'), /There is no file/], [empty, /is empty/], [folder, /is not a file|is a directory/]] as const) {
    const { status, stdout, stderr } = run(path);
    t.equal(status, 1);
    t.equal(stdout, '');
    t.match(stderr, sentence);
    t.equal(stderr.trimEnd().split('\n').length, 1, stderr.trimEnd());
  }
  rmSync(folder, { recursive: true });
  t.end();
});
