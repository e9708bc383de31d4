import { execFileSync, spawnSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { setTimeout as sleep } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import test from 'tape';
import { native } from '../../../src/vmm/native.js';
import { Vcpu } from '../../../src/vmm/vcpu.js';
import { CONTINUE, RealModeGuest, STEP, thrown } from './real-mode-guest.js';
import { patience } from '../../time-scale.js';

const SPIN = [0xeb, 0xfe];
const HLT = 0xf4;
const NONE = { systems: 0, vms: 0, vcpus: 0, memories: 0 };

setFlagsFromString('--expose-gc');
const gc = runInNewContext('gc') as () => void;
/** Finalizers of native objects run in later turns of the event loop. */
async function collectGarbage(): Promise<void> {
  for (let i = 0; i < 5; i++) {
    gc();
    await sleep(5);
  }
}
const openFiles = (): number => readdirSync('/proc/self/fd').length;
const threads = (): number => readdirSync('/proc/self/task').length;

test('use after close is refused in words', (t) => {
  const guest = new RealModeGuest([HLT]);
  const { vcpu, vm, system, memory } = guest;
  vcpu.close();
  vcpu.close();
  for (const call of [
    () => vcpu.native.getRegs(), () => vcpu.native.run(0), () => vcpu.kick(), () => vcpu.complete(), () => vcpu.regs.rax,
    () => vcpu.readSregs(), () => vcpu.run(STEP, () => undefined), () => vcpu.xsave, () => vcpu.native.wait(0),
  ]) t.deepEqual([thrown(call).message, thrown(call).code], ['vcpu 0 is closed', 'ERR_STATE']);
  t.equal(vcpu.running, false);
  t.equal(vcpu.native.record.byteLength, 0, 'the record is detached');
  vm.close();
  vm.close();
  t.equal(thrown(() => vm.createVcpu(0)).message, 'vm is closed');
  t.equal(thrown(() => vm.setMemorySlot(0, 0, 0n, memory, 0, 4096)).message, 'vm is closed');
  system.close();
  t.equal(thrown(() => system.createVm()).message, 'system is closed');
  memory.close();
  memory.close();
  t.equal(thrown(() => memory.resident()).message, 'memory is closed');
  t.deepEqual(native().liveObjects(), NONE);
  t.end();
});

test('closing a system closes everything below it, and a vCPU that runs', async (t) => {
  const guest = new RealModeGuest(SPIN);
  let called = false;
  guest.vcpu.run({ ...CONTINUE, waitMicroseconds: 0 }, () => { called = true; });
  await new Promise((resolve) => setTimeout(resolve, 20));
  guest.close();
  t.equal(thrown(() => guest.vcpu.regs.rax).message, 'vcpu 0 is closed');
  await new Promise((resolve) => setTimeout(resolve, 20));
  t.notOk(called, 'the listener of a closed run is not called');
  t.deepEqual(native().liveObjects(), NONE);
});

test('a vCPU may be closed from its own exit listener', async (t) => {
  const guest = new RealModeGuest([HLT]);
  await new Promise<void>((resolve) => {
    guest.vcpu.run({ ...CONTINUE, waitMicroseconds: 0 }, (exit) => {
      t.equal(exit.reason, 'hlt');
      guest.close();
      resolve();
    });
  });
  t.deepEqual(native().liveObjects(), NONE);
});

test('objects are not made by new', (t) => {
  const system = native().openSystem();
  const System = system.constructor as new (...args: unknown[]) => unknown;
  t.throws(() => new System(), /made by the binding/);
  t.throws(() => new System({}), /made by the binding/);
  system.close();
  t.end();
});

test('a thousand machines leave no file, thread, mapping or object behind', async (t) => {
  const once = (): void => {
    const guest = new RealModeGuest([0x40, HLT]);
    guest.run(STEP);
    guest.close();
  };
  const begin = performance.now();
  for (let i = 0; i < 20; i++) once();
  // Fewer where one takes 30 ms and more: an emulated processor (docs/hosts.md).
  const count = performance.now() - begin < 600 ? 1000 : 100;
  // The heap and the allocator grow to their size with the first thousand; what a second one adds would be a leak.
  for (let i = 0; i < count; i++) once();
  await collectGarbage();
  const files = openFiles();
  const tasks = threads();
  const before = process.memoryUsage().rss;
  for (let i = 0; i < count; i++) once();
  await collectGarbage();
  t.equal(openFiles(), files);
  t.equal(threads(), tasks);
  t.deepEqual(native().liveObjects(), NONE);
  const grown = (process.memoryUsage().rss - before) / 2 ** 20;
  t.ok(grown < 16, `${grown.toFixed(1)} MiB more resident`);
});

/** Runs an ES module text in a child with the compiled sources at hand. */
function child(body: string, flags: readonly string[] = []): { status: number | null; signal: string | null; output: string } {
  const here = (path: string): string => JSON.stringify(fileURLToPath(new URL(path, import.meta.url)));
  const text = `
    import { native } from ${here('../../../src/vmm/native.js')};
    import { RealModeGuest, CONTINUE } from ${here('./real-mode-guest.js')};
    ${body}`;
  const { status, signal, stdout, stderr } = spawnSync(process.execPath, [...flags, '--input-type=module', '-e', text],
    { encoding: 'utf8', timeout: patience(20_000) });
  return { status, signal, output: stdout + stderr };
}

test('process.exit while a vCPU runs neither hangs nor crashes', (t) => {
  for (let i = 0; i < 5; i++) {
    const result = child(`
      const guest = new RealModeGuest([0xeb, 0xfe]);
      guest.vcpu.run({ ...CONTINUE, waitMicroseconds: 0 }, () => {});
      setTimeout(() => process.exit(7), ${i * 5});`);
    t.deepEqual([result.status, result.signal, result.output], [7, null, '']);
  }
  t.end();
});

test('a running vCPU keeps node alive, a parked one does not', (t) => {
  const parked = child(`const guest = new RealModeGuest([0xf4]); guest.run(CONTINUE); globalThis.kept = guest;`);
  t.deepEqual([parked.status, parked.output], [0, '']);
  const running = child(`
    const guest = new RealModeGuest([0xb9, 0xff, 0xff, 0xe2, 0xfe, 0xf4]);
    guest.vcpu.run({ ...CONTINUE, waitMicroseconds: 0 }, (exit) => console.log(exit.reason));`);
  t.deepEqual([running.status, running.output], [0, 'hlt\n']);
  t.end();
});

test('an uncaught error while a vCPU runs ends the process with it', (t) => {
  const result = child(`
    const guest = new RealModeGuest([0xeb, 0xfe]);
    guest.vcpu.run({ ...CONTINUE, waitMicroseconds: 0 }, () => {});
    setTimeout(() => { throw new Error('the end'); }, 10);`);
  t.equal(result.status, 1);
  t.match(result.output, /the end/);
  t.end();
});

test('a worker that ends or is terminated with a running vCPU gives everything back', (t) => {
  const result = child(`
    import { Worker } from 'node:worker_threads';
    const code = (last) => \`import { RealModeGuest, CONTINUE } from \${JSON.stringify(${JSON.stringify(fileURLToPath(new URL('./real-mode-guest.js', import.meta.url)))})};
      import { parentPort } from 'node:worker_threads';
      const guest = new RealModeGuest([0xeb, 0xfe]);
      guest.vcpu.run({ ...CONTINUE, waitMicroseconds: 0 }, () => {});
      parentPort.postMessage('running'); \${last}\`;
    native();
    for (let i = 0; i < 6; i++) {
      const text = code(i % 2 === 0 ? '' : 'process.exit(3);');
      const worker = new Worker(new URL('data:text/javascript,' + encodeURIComponent(text.replace(/from "(\\/[^"]*)"/g, 'from "file://$1"'))));
      const ended = new Promise((resolve) => worker.once('exit', resolve));
      await new Promise((resolve, reject) => { worker.once('message', resolve); worker.once('error', reject); });
      if (i % 2 === 0) await worker.terminate();
      await ended;
    }
    console.log(JSON.stringify(native().liveObjects()));`);
  t.equal(result.status, 0);
  t.equal(result.output, `${JSON.stringify(NONE)}\n`);
  t.end();
});

test('handles that nobody holds are closed by garbage collection; a vCPU keeps its machine', (t) => {
  const result = child(`
    import { Vcpu } from ${JSON.stringify(fileURLToPath(new URL('../../../src/vmm/vcpu.js', import.meta.url)))};
    const turn = () => new Promise((resolve) => setTimeout(resolve, 5));
    let kept = (() => { const guest = new RealModeGuest([0x40, 0xf4]); return guest.vcpu; })();
    for (let i = 0; i < 20; i++) { (() => new RealModeGuest([0xf4]))(); }
    for (let i = 0; i < 20; i++) { gc(); await turn(); }
    const { systems, vms, vcpus, memories } = native().liveObjects();
    console.log(systems, vms, vcpus, memories, kept.runToExit(CONTINUE).reason, kept.regs.rax & 0xffffn);
    let buffer = kept.native.record;
    kept = undefined;
    for (let i = 0; i < 20; i++) { gc(); await turn(); }
    console.log(JSON.stringify(native().liveObjects()), new Uint8Array(buffer)[0]);`, ['--expose-gc']);
  t.equal(result.status, 0);
  t.equal(result.output, `1 1 1 1 hlt 1n\n${JSON.stringify(NONE)} 0\n`);
  t.end();
});

test('the device that is not there, or is not KVM, is a sentence', (t) => {
  t.match(thrown(() => native().openSystem('/dev/no-such-kvm')).message, /not there: load the kvm module/);
  t.match(thrown(() => native().openSystem('/dev/null')).message, /not KVM/);
  t.equal(thrown(() => native().openSystem('/dev/null')).operation, 'KVM_GET_API_VERSION');
  t.equal(thrown(() => native().openSystem(5 as unknown as string)).code, 'ERR_ARGUMENT');
  t.match(native().describeError('KVM_RUN', 9), /EBADF/);
  t.end();
});

test('a child process does not inherit the machine', (t) => {
  const guest = new RealModeGuest([HLT]);
  const listing = execFileSync('ls', ['-l', '/proc/self/fd'], { encoding: 'utf8' });
  t.notOk(/kvm/.test(listing), 'no KVM file in the child');
  t.equal(guest.run().reason, 'hlt', 'and the machine runs on');
  guest.close();
  t.end();
});

test('two vCPUs run at the same time', async (t) => {
  const guest = new RealModeGuest(SPIN);
  const second = new Vcpu(guest.vm.createVcpu(1));
  const { cs } = second.readSregs();
  second.writeSregs({ cs: { ...cs, base: 0n, selector: 0 } });
  second.regs.rip = 0x1000n;
  const ends = [guest.vcpu, second].map((vcpu) => new Promise<string>((resolve) => {
    vcpu.run({ ...CONTINUE, waitMicroseconds: 0 }, (exit) => resolve(exit.reason));
  }));
  t.ok(guest.vcpu.running && second.running);
  second.kick();
  t.equal(await ends[1], 'kicked');
  t.ok(guest.vcpu.running, 'the other goes on');
  guest.vcpu.kick();
  t.equal(await ends[0], 'kicked');
  guest.close();
});
