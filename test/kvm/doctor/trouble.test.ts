/**
 * Each way in which /dev/kvm can be refused, made here, and what `doctor` and `run` say of it. Where a condition cannot
 * be made (no root for a namespace with a /dev of its own, no compiler for the shim) the test says so.
 */
import { spawnSync } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, rmdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { tmpdir } from 'node:os';
import test from 'tape';
import { PACKAGE_FOLDER } from '../../project-folders.js';
import { patience } from '../../time-scale.js';
import { SERVER_MAIN } from '../../server-command.js';

const CHECK = new URL('../../../src/vmm/host/host-check.js', import.meta.url).href;
const FACTS = new URL('../../../src/vmm/host/host-facts.js', import.meta.url).href;
const folder = mkdtempSync(join(tmpdir(), 'kvm-gdbserver-doctor-'));
chmodSync(folder, 0o755);
const guest = join(folder, 'guest.img');
writeFileSync(guest, Uint8Array.from([0xf4]));
const program = join(PACKAGE_FOLDER, 'build/native-test/refuse');
const library = join(PACKAGE_FOLDER, 'build/native-test/refuse.so');
const withoutKvm = join(PACKAGE_FOLDER, 'build/native-test/without-kvm');
/** What without-kvm ends with where the kernel has no Landlock. */
const NO_LANDLOCK = 77;

interface Said {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

function execute(command: readonly string[], environment: NodeJS.ProcessEnv = {}): Said {
  const { status, stdout, stderr } = spawnSync(command[0] ?? '', command.slice(1), {
    encoding: 'utf8', timeout: patience(20_000), env: { ...process.env, ...environment },
  });
  return { status, stdout, stderr };
}

/** A shell in a mount namespace of its own runs `prepare`, then the command. */
function inNamespace(prepare: string): string[] {
  return ['unshare', '-m', '--propagation', 'private', 'sh', '-c', `set -e; ${prepare}; exec "$@"`, 'sh'];
}

/** An empty /dev with the few nodes that a program wants, and `nodes` besides. */
function emptyDev(nodes: string): string[] {
  return inNamespace('mount -t tmpfs none /dev; mknod -m 666 /dev/null c 1 3; mknod -m 666 /dev/urandom c 1 9; ' + nodes);
}

interface Row {
  readonly name: string;
  /** Words before the program. */
  readonly before: readonly string[];
  readonly environment?: NodeJS.ProcessEnv;
  readonly needs: 'namespace' | 'compiler' | 'cgroup' | 'kernel with Landlock';
  /** A machine can be made; only what runs in it shows the trouble. */
  readonly runBegins?: boolean;
  /** The step at which `doctor --json` says it failed, and the cause. */
  readonly step: string;
  readonly cause: RegExp;
}

/** A device cgroup (v1) of this test, in which the command runs. */
const CGROUP = `/sys/fs/cgroup/devices/kvm-gdbserver-doctor-${process.pid}`;
const IN_CGROUP = ['sh', '-c', `echo $$ > ${CGROUP}/cgroup.procs; exec "$@"`, 'sh'];

function makeCgroup(): boolean {
  try {
    mkdirSync(CGROUP);
  } catch {
    return false;
  }
  writeFileSync(join(CGROUP, 'devices.deny'), 'c 10:232 rwm');
  return true;
}

const UNPRIVILEGED = ['setpriv', '--reuid', '65534', '--regid', '65534', '--clear-groups'];

const ROWS: readonly Row[] = [
  { name: 'no node', needs: 'namespace', before: emptyDev('true'), step: 'open', cause: /^There is no \/dev\/kvm/ },
  { name: 'no node, in a container', needs: 'namespace', before: inNamespace('mount -t tmpfs none /dev; mknod -m 666 /dev/null c 1 3; mount -t tmpfs none /run; touch /run/.containerenv'), step: 'open', cause: /container: start it with --device \/dev\/kvm/ },
  { name: 'a mode that forbids it', needs: 'namespace', before: [...emptyDev('mknod -m 600 /dev/kvm c 10 232'), ...UNPRIVILEGED], step: 'open', cause: /^The mode of \/dev\/kvm is 0600 .*chmod 0660/ },
  { name: 'a group one is not in', needs: 'namespace', before: [...emptyDev('mknod -m 660 /dev/kvm c 10 232; chgrp tty /dev/kvm'), ...UNPRIVILEGED], step: 'open', cause: /for the group tty \(mode 0660\) .*usermod -aG tty/ },
  { name: 'a regular file', needs: 'namespace', before: emptyDev('touch /dev/kvm'), step: 'api-version', cause: /is no character device, not 10:232/ },
  { name: '/dev/null by another name', needs: 'namespace', before: emptyDev('mknod /dev/kvm c 1 3'), step: 'api-version', cause: /is the device 1:3, not 10:232/ },
  { name: 'a node that nobody registered', needs: 'namespace', before: emptyDev('mknod /dev/kvm c 10 199'), step: 'open', cause: /is the device 10:199, not 10:232/ },
  { name: 'a folder', needs: 'namespace', before: emptyDev('mkdir /dev/kvm'), step: 'open', cause: /is no character device/ },
  { name: 'seccomp forbids the open', needs: 'compiler', before: [program], step: 'open', cause: /forbidden by a device cgroup or a seccomp filter, whatever its mode bits/ },
  { name: 'a device cgroup forbids the open', needs: 'cgroup', before: IN_CGROUP, step: 'open', cause: /forbidden by a device cgroup or a seccomp filter, whatever its mode bits/ },
  { name: 'a security module forbids the open', needs: 'kernel with Landlock', before: [withoutKvm], step: 'open', cause: /^A security module \(SELinux, AppArmor, Landlock\) forbids opening/ },
  { name: 'no driver behind the node', needs: 'compiler', before: [program], environment: { REFUSE: 'driver' }, step: 'open', cause: /^The node \/dev\/kvm is there but no driver stands behind it/ },
  { name: 'a KVM of another API', needs: 'compiler', before: [], environment: { LD_PRELOAD: library, REFUSE: 'version' }, step: 'api-version', cause: /its API version is not 12/ },
  { name: 'machines that do not run', needs: 'compiler', before: [], environment: { LD_PRELOAD: library, REFUSE: 'run' }, step: 'run', cause: /does not run their instructions/, runBegins: true },
  { name: 'seccomp forbids the calls', needs: 'compiler', before: [program], environment: { REFUSE: 'ioctl' }, step: 'create-vm', cause: /seccomp filter or a security module forbids its calls \(EPERM\)/ },
  { name: 'another hypervisor', needs: 'compiler', before: [], environment: { LD_PRELOAD: library, REFUSE: 'busy' }, step: 'create-vm', cause: /holds the processor's virtualization/ },
  { name: 'no memory', needs: 'compiler', before: [], environment: { LD_PRELOAD: library, REFUSE: 'memory' }, step: 'create-vm', cause: /no memory left.*memory\.max/ },
  { name: 'a machine of another process', needs: 'compiler', before: [], environment: { LD_PRELOAD: library, REFUSE: 'fork' }, step: 'create-vcpu', cause: /belongs to another process \(a fork\)/ },
];

/** Does nothing where all of it is there, as on a host without a compiler. */
const make = execute(['make', '-s', '-C', join(PACKAGE_FOLDER, 'test/native'), 'refusals']);

/** What can be made on this machine. */
const possible = {
  namespace: execute([...emptyDev('mknod /dev/kvm c 10 232'), ...UNPRIVILEGED, 'true']).status === 0,
  compiler: make.status === 0,
  'kernel with Landlock': make.status === 0 && execute([withoutKvm, 'true']).status !== NO_LANDLOCK,
  cgroup: makeCgroup(),
};

test('doctor: what takes KVM away compiles', (t) => {
  t.equal(make.status, 0, make.stderr);
  t.end();
});

for (const { name, before, environment, needs, step, cause, runBegins } of ROWS) {
  test(`doctor: ${name}`, (t) => {
    if (!possible[needs]) {
      t.comment(`not checked: making this condition needs a ${needs}`);
      return t.end();
    }
    const doctor = execute([...before, process.execPath, SERVER_MAIN, 'doctor', '--json'], environment);
    t.equal(doctor.status, 1, doctor.stderr);
    const said = JSON.parse(doctor.stdout === '' ? '{"lines":[]}' : doctor.stdout) as { ok: boolean; lines: { step: string; ok: boolean }[]; explanation: string };
    t.equal(said.ok, false);
    t.deepEqual(said.lines.filter(({ ok }) => !ok).map((line) => line.step), [step], 'where it failed');
    t.match(said.explanation, cause);
    if (runBegins === true) return t.end();
    const run = execute([...before, process.execPath, SERVER_MAIN, 'run', guest, '--listen', 'stdio'], environment);
    t.equal(run.status, 1);
    t.equal(run.stderr, `kvm-gdbserver: ${said.explanation}\n`, 'run says the same one line');
    t.end();
  });
}

test('doctor: no file may be opened any more', (t) => {
  // The limit is reached by opening files, with so many left as the steps before may take.
  const script = `
    import { openSync, closeSync } from 'node:fs';
    import { checkHost } from '${CHECK}';
    import { readHostFacts } from '${FACTS}';
    checkHost(readHostFacts);
    const facts = readHostFacts();
    const held = [];
    try { for (;;) held.push(openSync('/dev/null')); } catch {}
    const said = [0, 1, 1].map((free) => {
      for (let i = 0; i < free; i++) closeSync(held.pop());
      const { lines, explanation } = checkHost(() => facts);
      return [lines.at(-1).step, explanation];
    });
    for (const fd of held) closeSync(fd);
    console.log(JSON.stringify(said));`;
  const { stdout, stderr } = execute(['sh', '-c', 'ulimit -n 64; exec "$@"', 'sh', process.execPath, '--input-type=module', '-e', script]);
  t.equal(stderr, '');
  const said = JSON.parse(stdout === '' ? '[]' : stdout) as [string, string][];
  t.deepEqual(said.map(([step]) => step), ['open', 'create-vm', 'create-vcpu'], 'one file more each time');
  for (const [, explanation] of said) t.match(explanation, /as many files open as it may: raise the limit \(ulimit -n/);
  t.end();
});

test('doctor: no address space left', (t) => {
  // The limit is set to what the process has, so that the next mapping fails.
  const script = `
    import { execFileSync } from 'node:child_process';
    import { readFileSync } from 'node:fs';
    import { checkHost } from '${CHECK}';
    import { readHostFacts } from '${FACTS}';
    checkHost(readHostFacts);
    const pages = Number(readFileSync('/proc/self/statm', 'utf8').split(' ')[0]);
    execFileSync('prlimit', ['--pid', String(process.pid), '--as=' + pages * 4096 + ':']);
    const { lines, explanation } = checkHost(readHostFacts);
    console.log(JSON.stringify([lines.at(-1).step, explanation]));`;
  // Now and then it is node itself that needs a mapping first.
  let said = execute([process.execPath, '--input-type=module', '-e', script]);
  for (let again = 0; again < 4 && /bad_alloc|out of memory/i.test(said.stderr); again++) said = execute([process.execPath, '--input-type=module', '-e', script]);
  const { stdout, stderr } = said;
  t.equal(stderr, '');
  const [step, explanation] = JSON.parse(stdout === '' ? '["",""]' : stdout) as [string, string];
  t.equal(step, 'create-vm');
  t.match(explanation, /this process may use \d+ MiB of address space: raise that limit \(ulimit -v unlimited\)/);
  t.end();
});

test.onFinish(() => {
  rmSync(folder, { recursive: true });
  if (possible.cgroup) rmdirSync(CGROUP);
});
