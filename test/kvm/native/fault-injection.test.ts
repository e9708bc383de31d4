/**
 * Every call to KVM that can fail, fails once: in children with test/native/fail-kvm-call.c preloaded, which live the
 * lives of machine-lives.ts with their first call failing, their second, and so on. Each failure is one sentence or does
 * no harm, closes cleanly and leaves nothing behind; nothing crashes or hangs.
 */
import { spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import test, { type Test } from 'tape';
import { SHARED_BYTES, type Injection } from './machine-lives.js';
import { native } from '../../../src/vmm/native.js';
import { PACKAGE_FOLDER } from '../../project-folders.js';
import { TIME_SCALE, patience } from '../../time-scale.js';

const PROGRAM = fileURLToPath(new URL('./machine-lives.js', import.meta.url));
/** One life takes milliseconds, on an emulated host (docs/hosts.md) seconds; whatever takes longer than this hangs. */
const SILENCE_MS = patience(20_000);
/** On an emulated host a machine takes 50 times as long, and there the first call of each sort fails, and no other. */
const ONLY_SORTS = TIME_SCALE > 1;
/** What a failed call that is no ioctl is called in an error. */
const OPERATIONS = { open: 'open', mmap: 'mmap', thread: 'pthread_create', madvise: 'madvise' } as const;
/** Numbers of ioctls (the low byte of the request, `<linux/kvm.h>`). */
const RUN = 0x80, TRANSLATE = 0x85, SET_GUEST_DEBUG = 0x9b, GET_MP_STATE = 0x98, HAS_DEVICE_ATTR = 0xe3;
const GET_SREGS2 = 0xcc, KVMCLOCK_CTRL = 0xad;
const CREATE_VM = 0x01, CREATE_VCPU = 0x41, SET_MEMORY = 0x46, SET_MSRS = 0x89, SET_REGS = 0x82, SET_SREGS = 0x84, CREATE_IRQCHIP = 0x60, SET_IRQCHIP = 0x63;

/** The compiled library, or why it could not be compiled. */
function library(): { path: string } | { problem: string } {
  const { status, stdout, stderr, error } = spawnSync('make', ['-s', '-C', join(PACKAGE_FOLDER, 'test/native'), 'faults'], { encoding: 'utf8' });
  if (status === 0) return { path: join(PACKAGE_FOLDER, 'build/native-test/fail-kvm-call.so') };
  return { problem: error?.message ?? `${stdout}${stderr}`.trim() };
}

interface Outcome {
  readonly injections: readonly Injection[];
  /** The last line that is no injection: `done`, or what went wrong. */
  readonly end: string;
}

function live(life: string, errnosPerCall: number, preload: string, environment: NodeJS.ProcessEnv = {}): Promise<Outcome> {
  const folder = mkdtempSync(join(tmpdir(), 'kvm-faults-'));
  const shared = join(folder, 'words');
  writeFileSync(shared, new Uint8Array(SHARED_BYTES));
  const child = spawn(process.execPath, [PROGRAM, life, shared, String(ONLY_SORTS ? 0 : errnosPerCall)], {
    env: { ...process.env, ...environment, LD_PRELOAD: preload, KVM_FAULTS: shared },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  let errors = '';
  let hung = false;
  const silence = setTimeout(() => {
    hung = true;
    child.kill('SIGKILL');
  }, SILENCE_MS);
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    output += text;
    silence.refresh();
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => { errors += text; });
  return new Promise((resolve) => {
    child.on('close', (status, signal) => {
      clearTimeout(silence);
      rmSync(folder, { recursive: true });
      const lines = output.trimEnd().split('\n');
      const injections = lines.filter((line) => line.startsWith('{')).map((line) => JSON.parse(line) as Injection);
      const end = hung ? `nothing for ${SILENCE_MS} ms` : status === 0 ? lines.at(-1) ?? '' : `status ${status}, ${signal}: ${errors}`;
      resolve({ injections, end });
    });
  });
}

const numberOf = ({ kind, request }: Injection): number => (kind === 'ioctl' ? request & 0xff : -1);

/**
 * Without a timer a run is made on the vCPU's thread; what the probe runs it tries again; a PUSHF whose stack is not known is left;
 * a host that has no TSC offset says so by failing, an old one that has no KVM_GET_SREGS2 and a guest without kvmclock by EINVAL.
 */
function mayPass(life: string, injection: Injection): boolean {
  if (injection.kind === 'timer' || numberOf(injection) === HAS_DEVICE_ATTR) return true;
  if (injection.errno === 'EINVAL' && [GET_SREGS2, KVMCLOCK_CTRL].includes(numberOf(injection))) return true;
  return life === 'probe' && [RUN, SET_GUEST_DEBUG, TRANSLATE, GET_MP_STATE].includes(numberOf(injection));
}

function faultOf(life: string, injection: Injection): string | undefined {
  const { error, errno, kind, left, changed } = injection;
  if (left.files !== 0 || left.objects !== 0) return `leaves ${left.files} files and ${left.objects} objects`;
  if (error === undefined) {
    if (life === 'check' && changed !== undefined) return /"ok":false.*"explanation":"\S+ /.test(changed) ? undefined : `is not explained: ${changed}`;
    if (!mayPass(life, injection)) return 'is told to nobody';
    return changed === undefined ? undefined : `changes what comes of it to ${changed}`;
  }
  if (error.message.length < 20 || /[\n\r]|undefined|\[object/.test(error.message)) return 'is not one sentence';
  if (kind === 'none') return 'comes without an injected failure';
  if (error.errno === undefined || !new RegExp(`\\b${errno}\\b`).test(names[error.errno] ?? '')) return 'has another errno';
  const operation = error.operation ?? '';
  if (kind === 'ioctl' ? !operation.startsWith('KVM_') : kind === 'timer' || operation !== OPERATIONS[kind]) return 'names another call';
  return undefined;
}

/** The four that are injected (`<errno.h>`). */
const names: Readonly<Record<number, string>> = { 12: 'ENOMEM', 14: 'EFAULT', 16: 'EBUSY', 22: 'EINVAL' };

function check(t: Test, life: string, { injections, end }: Outcome, calls: readonly number[]): void {
  const last = injections.at(-1);
  t.equal(end, 'done', `the last failure that ended: call ${last?.call}, ${last?.errno}`);
  const faults = injections.flatMap((injection) => {
    const fault = faultOf(life, injection);
    return fault === undefined ? [] : [`${injection.kind} 0x${injection.request.toString(16)} ${injection.errno} ${fault}: ${injection.error?.message ?? ''}`];
  });
  t.deepEqual([...new Set(faults)], [], `${injections.length} failures, each a sentence or harmless, nothing left behind`);
  const failed = new Set(injections.map(numberOf));
  t.deepEqual(calls.filter((number) => !failed.has(number)), [], 'the ioctls of such a life were among them');
  for (const injection of injections) if (injection.kind === 'ioctl') failures.add(injection.error?.operation ?? '').add(UNNAMED[numberOf(injection)] ?? '');
}

/** Names of the ioctls that have failed in some life. */
const failures = new Set<string>();
/** Those that an error does not name: a run sets debugging, and what has no TSC offset is no error. */
const UNNAMED: Readonly<Record<number, string>> = { [SET_GUEST_DEBUG]: 'KVM_SET_GUEST_DEBUG', [HAS_DEVICE_ATTR]: 'KVM_HAS_DEVICE_ATTR' };

/** Every ioctl that is made somewhere in native/. */
function ioctlsOfTheBinding(): string[] {
  const folder = join(PACKAGE_FOLDER, 'native');
  const sources = readdirSync(folder, { recursive: true }).map(String).filter((name) => /\.(cc|h)$/.test(name));
  const calls = sources.flatMap((name) => [...readFileSync(join(folder, name), 'utf8').matchAll(/\b(?:ioctl|try_ioctl|get<\w+>|set)\((?:\w+, )?(KVM_[A-Z0-9_]+)/g)]);
  return [...new Set(calls.map(([, name]) => name))];
}

/** What this host does not offer: nested virtualization; and of the two ways to read the XSAVE area it has one. */
function notHere(): string[] {
  const system = native().openSystem();
  const isNested = system.checkExtension(native().constants['KVM_CAP_NESTED_STATE']) > 0;
  const missing = isNested ? [] : ['KVM_GET_NESTED_STATE', 'KVM_SET_NESTED_STATE'];
  system.close();
  return [...missing, failures.has('KVM_GET_XSAVE2') ? 'KVM_GET_XSAVE' : 'KVM_GET_XSAVE2'];
}

const built = library();
const options = { skip: 'problem' in built ? `the library cannot be built here: ${built.problem}` : false };
const preload = 'path' in built ? built.path : '';

test('every call of a host probe fails once', options, async (t) => {
  const outcome = await live('probe', 1, preload);
  check(t, 'probe', outcome, [CREATE_VM, CREATE_VCPU, SET_MEMORY, RUN, SET_GUEST_DEBUG]);
  const kinds = new Set(outcome.injections.map(({ kind }) => kind));
  t.ok(['open', 'mmap', 'thread', 'ioctl'].every((kind) => kinds.has(kind as Injection['kind'])), [...kinds].join());
});

test('every call of the host check fails with each errno, and is explained', options, async (t) => {
  check(t, 'check', await live('check', 4, preload), [CREATE_VM, CREATE_VCPU, SET_MEMORY, RUN, SET_SREGS]);
});

test('every call of a machine fails with each errno', options, async (t) => {
  const outcome = await live('machine', 4, preload);
  check(t, 'machine', outcome, [CREATE_VM, CREATE_VCPU, SET_MEMORY, RUN, SET_GUEST_DEBUG, SET_REGS, SET_SREGS, SET_MSRS]);
  t.ok(outcome.injections.some(({ kind }) => kind === 'madvise'), 'giving RAM back too');
});

test('every call of a machine whose vCPUs run on their own threads fails once', options, async (t) => {
  const outcome = await live('machine', 1, preload, { KVM_GDBSERVER_OWNER_THREAD: '1' });
  check(t, 'machine', outcome, [CREATE_VM, RUN, SET_GUEST_DEBUG]);
  t.notOk(outcome.injections.some(({ kind }) => kind === 'timer'), 'no run there needs a timer');
});

test('every call of a machine with the kernel\'s interrupt controller fails once', options, async (t) => {
  const life = 'machine with kernel irqchip';
  check(t, life, await live(life, 1, preload), [CREATE_IRQCHIP, SET_IRQCHIP, CREATE_VCPU, SET_MSRS, RUN]);
});

for (const [life, calls] of [
  ['snapshots with kernel irqchip', [CREATE_IRQCHIP, SET_IRQCHIP, SET_MEMORY, SET_MSRS]], ['snapshots with split irqchip', [SET_MEMORY, SET_MSRS]], ['lists of the host', []],
] as const) {
  test(`every call fails once: ${life}`, options, async (t) => {
    check(t, life, await live(life, 1, preload), calls);
  });
}

test('every ioctl of the binding was among them', options, (t) => {
  const all = ioctlsOfTheBinding();
  t.ok(all.length > 50, `${all.length} ioctls`);
  const missing = notHere();
  t.deepEqual(all.filter((name) => !failures.has(name) && !missing.includes(name)), []);
  t.end();
});
