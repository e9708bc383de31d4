/**
 * Ways in which a kernel refuses KVM that can only be made by whoever owns all of it: run in the emulated hosts
 * (docs/hosts.md), as root and with nobody else there. The other ways: test/kvm/doctor/trouble.test.ts.
 */
import { spawnSync } from 'node:child_process';
import { closeSync, existsSync, mkdirSync, openSync, readFileSync, readSync, readdirSync, writeFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import test, { type Test } from 'tape';
import { OUTPUT_FOLDER } from '../project-folders.js';
import { SERVER_MAIN } from '../server-command.js';
import { patience } from '../time-scale.js';
import { folderOfFile } from '../temporary-folder.js';

const GUEST = join(folderOfFile(), 'guest.img');
const MEMORY_LIMIT = 24 * 1024 * 1024;
/** What node itself needs, and some more. */
const ROOM_FOR_FILES = 300;
/** EFER and its bit SVME (APM vol. 2, 3.1.7): whoever sets it holds SVM. */
const EFER = 0xc000_0080;
const EFER_SVME = 1n << 12n;

const isOwnKernel = existsSync('/job.json') && process.getuid?.() === 0;

function execute(...[command, ...args]: readonly [string, ...string[]]): { status: number | null; stdout: string; stderr: string } {
  const { status, stdout, stderr } = spawnSync(command, args, { encoding: 'utf8', timeout: patience(90_000), killSignal: 'SIGKILL' });
  return { status, stdout, stderr };
}

/** Runs a command that must succeed. */
function must(...words: readonly [string, ...string[]]): string {
  const { status, stdout, stderr } = execute(...words);
  if (status !== 0) throw new Error(`${words.join(' ')} ended with ${status}: ${stderr}`);
  return stdout;
}

/** Address of a compiled source file. */
const source = (path: string): string => pathToFileURL(join(OUTPUT_FOLDER, 'src', path)).href;

/** The module that drives /dev/kvm: its name, and its file. */
function driver(): { name: string; file: string } {
  const file = readdirSync('/modules').find((name) => /^\d+-kvm-(intel|amd)\.ko$/.test(name));
  if (file === undefined) throw new Error('/modules has no driver of KVM.');
  return { name: file.replace(/^\d+-|\.ko$/g, '').replace('-', '_'), file: join('/modules', file) };
}

/** What doctor and run say, started by `before`. */
function check(t: Test, before: readonly string[], step: string, cause: RegExp): void {
  const start = (...args: readonly string[]): ReturnType<typeof execute> =>
    execute(...[...before, process.execPath, SERVER_MAIN, ...args] as [string, ...string[]]);
  const doctor = start('doctor', '--json');
  t.equal(doctor.status, 1, doctor.stderr);
  const said = JSON.parse(doctor.stdout) as { lines: { step: string; ok: boolean }[]; explanation: string };
  t.deepEqual(said.lines.filter(({ ok }) => !ok).map((line) => line.step), [step], 'where it failed');
  t.match(said.explanation, cause);
  const run = start('run', GUEST, '--listen', 'stdio');
  t.deepEqual([run.status, run.stderr], [1, `kvm-gdbserver: ${said.explanation}\n`], 'run says the same one line');
}

/** Mounts a cgroup hierarchy and makes a group in it. */
function cgroup(name: string, ...mount: readonly string[]): string {
  const folder = join('/run', name);
  mkdirSync(folder, { recursive: true });
  must('mount', ...mount, 'none', folder);
  if (existsSync(join(folder, 'cgroup.subtree_control'))) writeFileSync(join(folder, 'cgroup.subtree_control'), '+memory');
  mkdirSync(join(folder, 'few'));
  return join(folder, 'few');
}

const on = (name: string, body: (t: Test) => void): void => {
  test(`a kernel of one's own: ${name}`, (t) => {
    if (isOwnKernel) body(t);
    else t.skip('this takes KVM away from the whole kernel; only emulated hosts have one to themselves');
    t.end();
  });
};

if (isOwnKernel) writeFileSync(GUEST, Uint8Array.of(0xf4));

on('a device cgroup forbids the node', (t) => {
  const group = cgroup('devices', '-t', 'cgroup', '-o', 'devices');
  writeFileSync(join(group, 'devices.deny'), 'c 10:232 rwm');
  check(t, ['sh', '-c', `echo $$ > ${group}/cgroup.procs; exec "$@"`, 'sh'], 'open', /forbidden by a device cgroup or a seccomp filter/);
});

on('a memory cgroup has no room for a machine', (t) => {
  const group = cgroup('memory', '-t', 'cgroup2');
  writeFileSync(join(group, 'memory.max'), String(MEMORY_LIMIT));
  // What the process has already is not counted in the group it moves to; machines fill that up until the kernel's own
  // memory for one more is refused. A process that may not be killed for memory gets ENOMEM instead.
  const script = `
    import { writeFileSync } from 'node:fs';
    import { checkHost } from '${source('vmm/host/host-check.js')}';
    import { readHostFacts } from '${source('vmm/host/host-facts.js')}';
    import { native } from '${source('vmm/native.js')}';
    const facts = readHostFacts();
    checkHost(() => facts);
    const system = native().openSystem();
    system.createVm().close();
    writeFileSync('/proc/self/oom_score_adj', '-1000');
    writeFileSync('${group}/cgroup.procs', String(process.pid));
    const held = [];
    let refused = '';
    try { while (held.length < 5000) held.push(system.createVm()); } catch (error) { refused = error.code; }
    const { lines, explanation } = checkHost(() => facts);
    system.close();
    console.log(JSON.stringify({ machines: held.length, refused, step: lines.at(-1).step, explanation }));`;
  const { status, stdout, stderr } = execute(process.execPath, '--input-type=module', '-e', script);
  t.equal(status, 0, stderr);
  const said = JSON.parse(stdout === '' ? '{}' : stdout) as { machines: number; refused: string; step: string; explanation: string };
  t.ok(said.machines > 0, `${said.machines} machines had room`);
  t.equal(said.refused, 'ENOMEM');
  t.equal(said.step, 'create-vm');
  t.match(said.explanation, /no memory left for a virtual machine: raise the cgroup's memory limit \(memory\.max\)/);
});

on('the whole host has as many files open as it may', (t) => {
  // Root may open more, so somebody else asks. The facts are read while files can still be opened.
  const limit = '/proc/sys/fs/file-max';
  const before = readFileSync(limit, 'utf8');
  const script = `
    import { openSync } from 'node:fs';
    import { checkHost } from '${source('vmm/host/host-check.js')}';
    import { readHostFacts } from '${source('vmm/host/host-facts.js')}';
    const facts = readHostFacts();
    const works = checkHost(() => facts).ok;
    const held = [];
    let refused = '';
    try { while (held.length < 5000) held.push(openSync('/dev/null')); } catch (error) { refused = error.code; }
    const { lines, explanation } = checkHost(() => facts);
    console.log(JSON.stringify({ works, refused, step: lines.at(-1).step, explanation }));`;
  must('chmod', '666', '/dev/kvm');
  try {
    const [open = 0] = readFileSync('/proc/sys/fs/file-nr', 'utf8').split('\t').map(Number);
    writeFileSync(limit, String(open + ROOM_FOR_FILES));
    const { status, stdout, stderr } = execute('sh', '-c', 'ulimit -n 10000; exec "$@"', 'sh',
      'setpriv', '--reuid', '65534', '--regid', '65534', '--clear-groups', process.execPath, '--input-type=module', '-e', script);
    t.equal(status, 0, stderr);
    t.deepEqual(JSON.parse(stdout === '' ? '{}' : stdout), {
      works: true, refused: 'ENFILE', step: 'open',
      explanation: 'The host has as many files open as it may: raise the limit (sudo sysctl fs.file-max).',
    });
  } finally {
    writeFileSync(limit, before);
    must('chmod', '600', '/dev/kvm');
  }
});

/** Runs `body` while EFER says that somebody holds SVM; says so where the host has VMX. */
function whileHeld(t: Test, body: () => void): void {
  if (!existsSync('/modules/msr.ko')) {
    t.skip('EBUSY: who holds VMX shows in CR4, which only a kernel module could set; SVM shows it in an MSR');
    return;
  }
  must('insmod', '/modules/msr.ko', 'allow_writes=on');
  const registers = openSync('/dev/cpu/0/msr', 'r+');
  const value = Buffer.alloc(8);
  readSync(registers, value, 0, 8, EFER);
  const before = value.readBigUInt64LE();
  const write = (efer: bigint): void => {
    value.writeBigUInt64LE(efer);
    writeSync(registers, value, 0, 8, EFER);
  };
  try {
    t.equal(before & EFER_SVME, 0n, 'nobody holds it yet');
    write(before | EFER_SVME);
    body();
  } finally {
    write(before);
    closeSync(registers);
    must('rmmod', 'msr');
  }
}

on('another hypervisor holds the processor', (t) => {
  whileHeld(t, () => check(t, [], 'create-vm', /holds the processor's virtualization/));
});

on('the module is loaded while another hypervisor holds the processor', (t) => {
  const { name, file } = driver();
  whileHeld(t, () => {
    must('rmmod', name);
    // Until Linux 6.11 it loads, and the first machine is refused; later ones refuse to load it (enable_virt_at_load).
    const { status, stderr } = execute('insmod', file);
    if (status === 0) check(t, [], 'create-vm', /holds the processor's virtualization/);
    else {
      t.match(stderr, /busy/i);
      check(t, [], 'open', /the module is not loaded: .* "Device or resource busy" means that another hypervisor holds SVM/);
    }
  });
  if (!existsSync(join('/sys/module', name))) must('insmod', file);
});

on('the module is not loaded; then its node is left without it', (t) => {
  const { name, file } = driver();
  must('rmmod', name);
  try {
    check(t, [], 'open', new RegExp(`^There is no /dev/kvm\\. The processor offers (VMX|SVM), but the module is not loaded: sudo modprobe ${name}`));
    must('mknod', '/dev/kvm', 'c', '10', '232');
    check(t, [], 'open', new RegExp(`^The node /dev/kvm is there but no driver stands behind it\\. .*sudo modprobe ${name}`));
    must('rm', '/dev/kvm');
  } finally {
    must('insmod', file);
  }
  t.equal(execute(process.execPath, SERVER_MAIN, 'doctor').status, 0, 'and with the module all is well again');
});
