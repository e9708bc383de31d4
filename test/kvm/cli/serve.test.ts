/** The command line in front of the real KVM: what it prints where, how it ends, and what it leaves behind. */
import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { join } from 'node:path';
import test from 'tape';
import { guestThatExits, packet, PATIENCE_MS, SPIN, start } from './support/server-process.js';
import { SERVER_MAIN } from '../../server-command.js';
import { withTemporaryFolder } from '../../temporary-folder.js';

test('cli: --run lets the guest go; its output is on stdout and its status is the server\'s', async (t) => {
  await withTemporaryFolder(async (folder) => {
    const guest = join(folder, 'exit.img');
    writeFileSync(guest, guestThatExits('hello', 3));
    const { status, stdout, stderr } = await start(['--run', '--listen', ':0', '--boot', 'flat', guest]).ended;
    t.equal(stdout, 'hello');
    t.equal(status, 7, 'isa-debug-exit: 2 * 3 + 1');
    t.match(stderr, /is running\. Type in another terminal:\n {2}gdb .*'?target remote 127\.0\.0\.1:\d+/);
  });
});

test('cli: with --listen stdio nothing but packets is on stdout', async (t) => {
  await withTemporaryFolder(async (folder) => {
    const guest = join(folder, 'exit.img');
    writeFileSync(guest, guestThatExits('noise', 0));
    const { child, ended } = start(['--listen', 'stdio', '--boot', 'flat', guest]);
    child.stdin?.write(`${packet('QStartNoAckMode')}+`);
    child.stdin?.write(packet('?'));
    child.stdin?.write(packet('c'));
    const { status, stdout, stderr } = await ended;
    t.equal(status, 1, 'isa-debug-exit: 2 * 0 + 1');
    t.equal(stderr, '');
    t.equal(stdout.replace(/\$[^#]*#[0-9a-f]{2}|\+/g, ''), '', 'packets and acknowledgements');
    t.match(stdout, /\$T05[^#]*thread:1;/, 'the first stop');
    t.match(stdout, /\$W01[^#]*#/, 'the exit');
  });
});

test('cli: a port in use, too much memory and a wrong mixture are one sentence and status 1', async (t) => {
  const busy = createServer().listen(0, '127.0.0.1');
  await new Promise((resolve) => busy.once('listening', resolve));
  const { port } = busy.address() as AddressInfo;
  await withTemporaryFolder(async (folder) => {
    const guest = join(folder, 'spin.img');
    writeFileSync(guest, SPIN);
    const wrong: readonly (readonly [readonly string[], RegExp])[] = [
      [['--listen', `127.0.0.1:${port}`], /the port is in use/],
      [['--memory', '900T'], /more than this host has/],
      [['--memory', '4K'], /at least 1 MiB/],
      [['--cpus', '0'], /1 to 64 CPUs, not 0/],
      [['--boot', 'elf'], /ELF/],
      [['--boot', 'mbr', '--load', '0x1000'], /--load, --entry and --mode are for flat images/],
      [['--serial', 'telex'], /"telex" is not a serial line/],
      [['--module', join(folder, 'none')], /There is no file/],
    ];
    for (const [args, sentence] of wrong) {
      const { status, stdout, stderr } = await start([...args, guest]).ended;
      t.equal(status, 1, args.join(' '));
      t.equal(stdout, '');
      t.match(stderr, sentence);
      t.equal(stderr.trimEnd().split('\n').length, 1, 'one line');
    }
  });
  busy.close();
});

test('cli: doctor says that KVM works, for people and for machines', (t) => {
  const people = spawnSync(process.execPath, [SERVER_MAIN, 'doctor'], { encoding: 'utf8', timeout: PATIENCE_MS });
  t.equal(people.status, 0, people.stderr);
  t.match(people.stdout, /^ok {6}\/dev\/kvm opens\n/);
  t.match(people.stdout, /three guest instructions run/);
  t.match(people.stdout, /real +protected +long/);
  const machines = spawnSync(process.execPath, [SERVER_MAIN, 'doctor', '--json'], { encoding: 'utf8', timeout: PATIENCE_MS });
  t.equal(machines.status, 0);
  const report = JSON.parse(machines.stdout) as { ok: boolean; lines: { step: string; ok: boolean }[]; capabilities: { modes: object } };
  t.equal(report.ok, true);
  t.deepEqual(report.lines.map(({ step }) => step), ['open', 'api-version', 'create-vm', 'create-vcpu', 'run']);
  t.deepEqual(Object.keys(report.capabilities.modes), ['real', 'protected', 'long']);
  t.end();
});
