/** Wrong command lines, files, hosts: one clear sentence on stderr, a non-zero status, no stack trace, no hang. */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { type Test } from 'tape';
import { buildGuests, GUESTS_FOLDER } from './support/gdb-session.js';
import { patience } from '../time-scale.js';
import { SERVER_MAIN } from '../server-command.js';

const PATIENCE_MILLISECONDS = patience(20_000);
const GUEST = 'build/modes.img';
buildGuests();
const KERNEL = readFileSync(join(GUESTS_FOLDER, 'build/kernel64.elf'));

function run(command: string, args: readonly string[]): { status: number | null; stdout: string; stderr: string } {
  return spawnSync(command, args, { cwd: GUESTS_FOLDER, encoding: 'utf8', timeout: PATIENCE_MILLISECONDS, killSignal: 'SIGKILL' });
}

/** What is said to a person: the sentence, and after a wrong command line where to read on. */
function checkRefusal(t: Test, name: string, { status, stdout, stderr }: ReturnType<typeof run>, sentence: RegExp): void {
  t.ok(status === 1 || status === 2, `${name}: status ${status}`);
  t.equal(stdout, '', `${name}: nothing on stdout`);
  const said = stderr.split('\n').filter((line) => line !== '');
  t.equal(said.length, status === 2 ? 2 : 1, `${name}: one line${status === 2 ? ', and where to read on' : ''}`);
  t.match(said[0] ?? '', sentence, name);
  t.notOk(/\n +at |node:internal/.test(stderr), `${name}: no stack trace`);
  if (status === 2) t.equal(said[1], 'Try kvm-gdbserver --help.', name);
}

function serve(args: readonly string[]): ReturnType<typeof run> {
  return run(process.execPath, [SERVER_MAIN, ...(args.includes('--listen') ? [] : ['--listen', ':0']), ...args]);
}

function withFile(name: string, bytes: Uint8Array, work: (path: string) => void): void {
  const folder = mkdtempSync(join(tmpdir(), 'kvm-gdbserver-bad-'));
  try {
    writeFileSync(join(folder, name), bytes);
    work(join(folder, name));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** kernel64.elf with a change. Its first program header is at 64, its second at 120 (ELF-64, figure 6). */
function spoilt(change: (elf: Buffer) => void): Buffer {
  const elf = Buffer.from(KERNEL);
  change(elf);
  return elf;
}

const FILES: readonly (readonly [string, Uint8Array, RegExp])[] = [
  ['empty', new Uint8Array(0), /empty is empty; give a guest image/],
  ['cut in the header', KERNEL.subarray(0, 40), /truncated: its header should reach byte 52, and the file has 40/],
  ['cut in a segment', KERNEL.subarray(0, 600), /truncated: segment 0 should reach byte 5\d\d\d, and the file has 600/],
  ['for ARM', spoilt((elf) => elf.writeUInt16LE(183, 18)), /another processor \(ELF machine 183\)/],
  ['big-endian', spoilt((elf) => elf.writeUInt8(2, 5)), /big-endian/],
  ['of no class', spoilt((elf) => elf.writeUInt8(7, 4)), /ELF class 7/],
  ['an object file', spoilt((elf) => elf.writeUInt16LE(1, 16)), /object file; link it/],
  ['without segments', spoilt((elf) => elf.writeUInt16LE(0, 56)), /nothing to load/],
  ['with headers beyond its end', spoilt((elf) => elf.writeBigUInt64LE(0xffff_ffff_ffff_fff0n, 32)), /truncated: its program headers/],
  ['with too many headers', spoilt((elf) => elf.writeUInt16LE(0xffff, 56)), /truncated: its program headers/],
  ['with a segment beyond RAM', spoilt((elf) => elf.writeBigUInt64LE(0x40_0000_0000n, 88)), /needs memory at 0x4000000000 .*but RAM is 0x0 to 0x7ffffff/],
  ['with an endless segment', spoilt((elf) => elf.writeBigUInt64LE(0xffff_ffff_ffff_ffffn, 104)), /needs memory at .*but RAM is/],
  ['with more in the file than there is', spoilt((elf) => elf.writeBigUInt64LE(0x7fff_ffff_ffff_ffffn, 96)), /truncated: segment 0/],
  ['with overlapping segments', spoilt((elf) => elf.writeBigUInt64LE(0x10_0000n, 144)), /Segment 1 .*overlaps what is loaded at 0x100000/],
  ['with an entry nowhere', spoilt((elf) => elf.writeBigUInt64LE(0xdead_beef_0000n, 24)), /entry point 0xdeadbeef0000 .*in none of its segments/],
];

for (const [name, bytes, sentence] of FILES) {
  test(`a guest file that is ${name}`, (t) => {
    withFile(name.replaceAll(' ', '-'), bytes, (path) => checkRefusal(t, name, serve([path]), sentence));
    t.end();
  });
}

test('a kernel that needs more than --memory', (t) => {
  checkRefusal(t, 'kernel64 in 1 MiB', serve(['--memory', '1M', 'build/kernel64.elf']), /needs memory at 0x100000 .*give the guest more with --memory/);
  t.end();
});

const COMMAND_LINES: readonly (readonly [readonly string[], RegExp])[] = [
  [[], /Which guest\?/],
  [[''], /Which guest\?/],
  [['/no/such/file'], /There is no file \/no\/such\/file/],
  [['/tmp'], /\/tmp is not a file/],
  [['/dev/null'], /not a file/],
  [['--bogus', GUEST], /There is no option --bogus/],
  [[GUEST, 'another'], /"another" would be a second one/],
  [['--memory', '900T', GUEST], /more than this host has/],
  [['--memory', '1e99', GUEST], /not a memory size/],
  [['--memory', '-5', GUEST], /not a memory size/],
  [['--memory', '0', GUEST], /at least 1 MiB/],
  [['--memory', '1048577', GUEST], /4 KiB pages/],
  [['--memory', GUEST], /not a memory size|Which guest/],
  [['--cpus', '0', GUEST], /1 to 64 CPUs/],
  [['--cpus', 'many', GUEST], /whole number/],
  [['--entry', 'zork', '--boot', 'flat', GUEST], /address such as 0x7c00/],
  [['--mode', 'imaginary', '--boot', 'flat', GUEST], /--mode is one of/],
  [['--boot', 'multiboot', GUEST], /[Mm]ultiboot|ELF/],
  [['--description', 'arm', GUEST], /--description is one of/],
  [['--log', 'everything', GUEST], /--log takes/],
  [['--on-kill', 'shrug', GUEST], /--on-kill is one of/],
  [['--listen', 'nonsense', GUEST], /Cannot listen on "nonsense"/],
  [['--listen', '127.0.0.1:99999', GUEST], /at most 65535/],
  [['--listen', 'unix:/no/such/folder/socket', GUEST], /folder does not exist/],
  [['--listen', `unix:/tmp/${'x'.repeat(200)}`, GUEST], /at most 107 bytes/],
  [['--listen', 'no-such-host.invalid:1234', GUEST], /host name is not known/],
  [['--listen', 'stdio', '--serial', 'stdio', GUEST], /share stdout/],
  [['--gdb', '--listen', ':0', GUEST], /--gdb has a connection of its own/],
];

test('wrong command lines', (t) => {
  for (const [args, sentence] of COMMAND_LINES) checkRefusal(t, args.join(' ').slice(0, 60) || '(nothing)', serve(args), sentence);
  t.end();
});

test('a port in use', async (t) => {
  const owner = createServer();
  await new Promise<void>((resolve) => owner.listen(0, '127.0.0.1', resolve));
  const { port } = owner.address() as AddressInfo;
  checkRefusal(t, 'busy port', serve(['--listen', `127.0.0.1:${port}`, GUEST]), /port is in use; stop its owner or choose another/);
  await new Promise((resolve) => owner.close(resolve));
});

const isRoot = process.getuid?.() === 0;
const canUnshare = isRoot && run('unshare', ['-m', 'true']).status === 0;
const quoted = [process.execPath, SERVER_MAIN].map((word) => `'${word}'`).join(' ');

// Not skips: where these cannot be tried, `npm test` must not count them as missing.
if (canUnshare) {
  test('no /dev/kvm', (t) => {
    const hidden = 'mount -t tmpfs none /dev && mknod /dev/null c 1 3 && mknod /dev/urandom c 1 9 && exec';
    const served = run('unshare', ['-m', 'sh', '-c', `${hidden} ${quoted} --listen stdio ${GUEST}`]);
    checkRefusal(t, 'run', served, /There is no \/dev\/kvm/);
    const doctor = run('unshare', ['-m', 'sh', '-c', `${hidden} ${quoted} doctor`]);
    t.equal(doctor.status, 1);
    t.match(doctor.stdout, /^FAILED .*\/dev\/kvm[^]*There is no \/dev\/kvm/);
    t.end();
  });

  test('a /dev/kvm that is something else', (t) => {
    const other = run('unshare', ['-m', 'sh', '-c', `mount --bind /dev/null /dev/kvm && exec ${quoted} --listen stdio ${GUEST}`]);
    checkRefusal(t, 'another device', other, /\/dev\/kvm is not KVM's/);
    t.end();
  });

}

const AS_NOBODY = ['--reuid', '65534', '--regid', '65534', '--clear-groups'];
// A package in a folder that is closed to others cannot be started by them.
const nobodyCanRead = canUnshare && run('setpriv', [...AS_NOBODY, process.execPath, SERVER_MAIN, '--version']).status === 0;

if (nobodyCanRead) {
  test('no permission', (t) => {
    t.ok(existsSync('/dev/kvm'));
    const closed = 'mount -t tmpfs none /mnt && cp -a /dev/kvm /mnt/kvm && chmod 600 /mnt/kvm && chown 0:0 /mnt/kvm && mount --bind /mnt/kvm /dev/kvm';
    const refused = run('unshare', ['-m', 'sh', '-c', `${closed} && exec setpriv ${AS_NOBODY.join(' ')} ${quoted} --listen stdio ${GUEST}`]);
    checkRefusal(t, 'nobody', refused, /\/dev\/kvm is 0600 and does not let you read and write it: .*group kvm/);
    t.end();
  });
}
