/** The library on the real KVM: the example as it stands, and everything else a program may ask of a Machine. */
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import test from 'tape';
import { Machine, TargetError } from '../../src/index.js';
import { OUTPUT_FOLDER, PACKAGE_FOLDER } from '../project-folders.js';
import { patience } from '../time-scale.js';

/** inc ax; jmp -3 */
const SPIN = Uint8Array.of(0x40, 0xeb, 0xfd);
/** mov dx, 3f8; mov al, 'k'; out dx, al; mov al, 4; out f4, al; hlt */
const TALK = Uint8Array.of(0xba, 0xf8, 0x03, 0xb0, 0x6b, 0xee, 0xb0, 0x04, 0xe6, 0xf4, 0xf4);
const AT_7C00 = { boot: 'flat', load: 0x7c00 } as const;

test('the example boots, runs to an address and reads registers and memory', (t) => {
  spawnSync('make', ['-s', '-C', join(PACKAGE_FOLDER, 'examples/guests'), 'modes']);
  const { stdout, stderr, status } = spawnSync(process.execPath, [join(OUTPUT_FOLDER, 'examples/library/boot-and-look.js')],
    { cwd: PACKAGE_FOLDER, encoding: 'utf8', timeout: patience(30_000), killSignal: 'SIGKILL' });
  t.equal(status, 0, stderr);
  const lines = stdout.trimEnd().split('\n');
  t.equal(lines[0], 'breakpoint 0x7cc9');
  t.equal(lines[1], 'al = L');
  t.equal(lines[2], 'efer = 0x500');
  t.match(lines[3] ?? '', /^page directory: [8-9a-f]300000000000000$/);
  t.equal(lines[4], '0000000000000000-0000000000200000 0000000000200000 -rw');
  t.equal(lines.length, 5);
  t.end();
});

test('run, interrupt, step, breakpoints, write', async (t) => {
  const machine = Machine.boot(SPIN, { ...AT_7C00, memory: 2 * 1024 * 1024 });
  t.equal(machine.pc, 0x7c00n);
  t.deepEqual((await machine.step()).reason, { kind: 'step' });
  t.equal(machine.readRegister('rax'), 1n);

  const running = machine.run();
  t.ok(machine.running);
  t.throws(() => machine.readRegister('rax'), TargetError, 'no registers of a running machine');
  t.throws(() => machine.readMemory(0x7c00n, 1), TargetError, 'no memory either');
  await machine.run().then(() => t.fail('two runs at once'), (error: unknown) => t.ok(error instanceof TargetError, 'no second run'));
  setTimeout(() => machine.interrupt(), 50);
  t.equal((await running).reason.kind, 'interrupt');
  t.ok(machine.readRegister('rax') > 100n, 'it ran');

  machine.setBreakpoint(0x7c01n);
  machine.setBreakpoint(0x7c01n);
  machine.writeRegister('rax', 41n);
  machine.writeRegister('rip', 0x7c00n);
  t.deepEqual((await machine.run()).reason, { kind: 'breakpoint', breakpoint: 'software', address: 0x7c01n });
  t.equal(machine.readRegister('eax'), 42n);
  t.equal((await machine.run()).reason.kind, 'breakpoint', 'again, one round later');
  t.equal(machine.readRegister('rax'), 43n);
  t.deepEqual([...machine.readMemory(0x7c00n, 3)], [...SPIN], 'memory is the guest\'s');
  machine.removeBreakpoint(0x7c01n);

  machine.writeMemory(0x7c00n, Uint8Array.of(0x48));
  machine.writeRegister('rip', 0x7c00n);
  await machine.step();
  t.equal(machine.readRegister('rax'), 42n, 'inc became dec');
  t.throws(() => machine.writeRegister('rip', 1n << 63n), TargetError);
  t.throws(() => machine.readRegister('nonsense'), /There is no register "nonsense"/);
  t.throws(() => machine.writeMemory(0x200000n, Uint8Array.of(1)), TargetError);
  t.equal(machine.readMemory(0x1fffffn, 16).length, 1, 'short where memory ends');

  machine.reset();
  t.equal(machine.pc, 0x7c00n);
  t.deepEqual([...machine.readMemory(0x7c00n, 3)], [...SPIN], 'a reset loads the guest again');
  machine.close();
  machine.close();
});

test('serial output and the guest\'s own end', async (t) => {
  const written: number[] = [];
  const machine = Machine.boot(TALK, { ...AT_7C00, serial: (bytes) => written.push(...bytes) });
  t.deepEqual((await machine.run()).reason, { kind: 'exited', status: 9 });
  t.equal(Buffer.from(written).toString(), 'k');
  await machine.run().then(() => t.fail('an ended machine ran'), (error: unknown) => t.match(String(error), /has ended/));
  machine.reset();
  t.equal((await machine.runTo(0x7c05n)).reason.kind, 'breakpoint', 'after a reset it can run again');
  machine.close();
});

test('a breakpoint that runTo found stays, its own goes', async (t) => {
  const machine = Machine.boot(SPIN, AT_7C00);
  machine.setBreakpoint(0x7c01n);
  await machine.runTo(0x7c01n);
  t.match(machine.monitor('info breakpoints'), /0x0*7c01 software/);
  await machine.runTo(0x7c00n);
  t.notOk(machine.monitor('info breakpoints').includes('7c00'));
  machine.close();
});

test('what cannot be booted is one sentence', (t) => {
  t.throws(() => Machine.boot('/no/such/file'), /There is no file \/no\/such\/file/);
  t.throws(() => Machine.boot(SPIN, { ...AT_7C00, memory: 5 }), /at least 1 MiB/);
  t.throws(() => Machine.boot(SPIN, { boot: 'elf' }), /ELF/);
  t.end();
});

test('two machines side by side', async (t) => {
  const machines = [Machine.boot(SPIN, AT_7C00), Machine.boot(SPIN, AT_7C00)] as const;
  machines[0].writeRegister('rax', 1000n);
  const [first, second] = await Promise.all(machines.map(async (machine) => {
    for (let i = 0; i < 20; i++) await machine.step();
    return machine.readRegister('rax');
  }));
  t.equal(first, 1010n);
  t.equal(second, 10n);
  for (const machine of machines) machine.close();
});
