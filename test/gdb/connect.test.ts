/** How gdb and the guest meet and part: transports, second clients, detach, kill, disconnect policies, run again. */
import { spawn, spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'tape';
import { GdbConsole, withAttachedGdb, withGdb } from './support/gdb-console.js';
import { GUESTS_FOLDER, startServer, type Server } from './support/gdb-session.js';
import { withTinyGuest } from './support/tiny-guests.js';
import { patience } from '../time-scale.js';
import { SERVER_MAIN } from '../server-command.js';
import { withTemporaryFolder } from '../temporary-folder.js';

const pause = (milliseconds: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, milliseconds));
const RAX = /\$\d+ = (\d+)/;

/** rax as gdb prints it: the spinning guest counts it up. */
async function rax(gdb: GdbConsole): Promise<number> {
  const answer = await gdb.run('print $rax');
  const found = RAX.exec(answer);
  if (found === null) throw new Error(`gdb does not print rax: ${answer}`);
  return Number(found[1]);
}

/** A second gdb at the same server, for as long as `work` takes. */
async function withAnotherGdb(work: (gdb: GdbConsole) => Promise<void>): Promise<void> {
  const gdb = new GdbConsole();
  try {
    await work(gdb);
  } finally {
    await gdb.crash();
  }
}

const attach = (gdb: GdbConsole, { address }: Server): Promise<string> => gdb.run(`target remote ${address}`);

test('attach over TCP, on a port the system chose', async (t) => {
  const server = spawn(process.execPath, [SERVER_MAIN, '--listen', '127.0.0.1:0', 'build/modes.img'], { cwd: GUESTS_FOLDER, stdio: ['ignore', 'ignore', 'pipe'] });
  let said = '';
  server.stderr.setEncoding('utf8').on('data', (text: string) => { said += text; });
  const timer = setTimeout(() => server.kill('SIGKILL'), patience(20_000));
  try {
    while (!said.includes('target remote') && server.exitCode === null) await pause(10);
    const address = /target remote (127\.0\.0\.1:\d+)/.exec(said)?.[1];
    t.ok(address, 'the line to type names the port');
    await withAnotherGdb(async (gdb) => {
      t.match(await gdb.run(`target remote ${address}`), /0x0*7c00 in \?\? \(\)/);
      t.match(await gdb.run('stepi'), /0x0*7c01/);
    });
  } finally {
    clearTimeout(timer);
    server.kill('SIGKILL');
  }
});

test('attach over a pipe: target remote | kvm-gdbserver --listen stdio', (t) => {
  const line = `target remote | exec ${process.execPath} ${SERVER_MAIN} --listen stdio build/modes.img`;
  const { stdout, status, stderr } = spawnSync('gdb', ['-nx', '-batch', '-ex', line, '-ex', 'break *0x7c22', '-ex', 'continue', '-ex', 'kill'],
    { cwd: GUESTS_FOLDER, encoding: 'utf8', timeout: patience(30_000), killSignal: 'SIGKILL' });
  t.match(stdout, /0x0*7c00 in \?\? \(\)[^]*Breakpoint 1, 0x0*7c22[^]*killed/, stderr);
  t.equal(status, 0);
  t.end();
});

test('a server behind a pipe ends with the gdb that made it, though a shell stands between them', async (t) => {
  await withTemporaryFolder((folder) => {
    const ended = join(folder, 'ended.txt');
    const line = `target remote | ${process.execPath} ${SERVER_MAIN} --listen stdio build/modes.img 2>${ended}; echo status $? >>${ended}`;
    const { stdout, stderr } = spawnSync('gdb', ['-nx', '-batch', '-ex', line, '-ex', 'stepi', '-ex', 'detach'],
      { cwd: GUESTS_FOLDER, encoding: 'utf8', timeout: patience(30_000), killSignal: 'SIGKILL' });
    t.match(stdout, /0x0*7c01[^]*detached/, stderr);
    t.equal(readFileSync(ended, 'utf8'), 'status 0\n', 'before gdb loses its patience and ends the shell');
  });
});

test('a server behind a pipe that starts late: gdb has asked again, and hears one answer', (t) => {
  const line = `target remote | sleep 5; exec ${process.execPath} ${SERVER_MAIN} --listen stdio build/modes.img`;
  const { stdout, status, stderr } = spawnSync('gdb', ['-nx', '-batch', '-ex', line, '-ex', 'stepi', '-ex', 'kill'],
    { cwd: GUESTS_FOLDER, encoding: 'utf8', timeout: patience(30_000), killSignal: 'SIGKILL' });
  t.match(stdout, /0x0*7c00 in \?\? \(\)[^]*0x0*7c01[^]*killed/, stderr);
  t.equal(status, 0);
  t.end();
});

test('a second client is refused in words, and the first does not notice', async (t) => {
  await withAttachedGdb(['build/modes.img'], async (gdb, server) => {
    await withAnotherGdb(async (second) => {
      t.match(await attach(second, server), /Another debugger is attached to this guest/);
      t.match(await second.run('info registers rip'), /no registers/, 'it has nothing');
    });
    t.match(server.output.stderr, /A second client \(.*\) was refused/, 'the console says so, too');
    t.match(await gdb.run('stepi'), /0x0*7c01/);
  });
});

test('detach lets the guest run without breakpoints; who comes next finds it running on', async (t) => {
  await withTinyGuest('spin', async (args) => {
    await withAttachedGdb(args, async (gdb, server) => {
      await gdb.runAll('break *0x7c01', 'continue');
      const before = await rax(gdb);
      t.match(await gdb.run('detach'), /detached/);
      await pause(100);
      await attach(gdb, server);
      t.ok(await rax(gdb) > before + 10, 'it ran through where the breakpoint was');
      t.match(await gdb.run('x/3xb 0x7c00'), /0x40\s+0xeb\s+0xfd/, 'its code is its own');
    });
  });
});

for (const [policy, expectation] of [['stop', 'stands'], ['continue', 'runs'], ['kill', 'is gone']] as const) {
  test(`--on-disconnect ${policy}: when gdb dies the guest ${expectation}`, async (t) => {
    await withTinyGuest('spin', async (args) => {
      await withAttachedGdb([...args, '--on-disconnect', policy], async (gdb, server) => {
        await gdb.runAll('break *0x7c01', 'continue');
        const before = await rax(gdb);
        await gdb.crash();
        if (policy === 'kill') {
          t.equal((await server.ended()).status, 0, 'the server has ended');
          return;
        }
        await pause(200);
        await withAnotherGdb(async (next) => {
          t.match(await attach(next, server), /0x0*7c0[01]/);
          const after = await rax(next);
          if (policy === 'stop') t.equal(after, before, 'it has not moved');
          else t.ok(after > before + 10, 'it has gone on');
          await next.runAll('stepi', 'stepi', 'stepi', 'stepi');
          t.match(await next.run('x/3xb 0x7c00'), /0x40\s+0xeb\s+0xfd/, 'no breakpoint is left');
        });
      });
    });
  });
}

test('gdb dies while the guest runs: the next client finds it stopped where it was', async (t) => {
  await withTinyGuest('spin', async (args) => {
    await withAttachedGdb(args, async (gdb, server) => {
      gdb.begin('continue');
      await pause(100);
      await gdb.crash();
      await pause(200);
      await withAnotherGdb(async (next) => {
        await attach(next, server);
        const first = await rax(next);
        t.ok(first > 10, 'it had run');
        await next.run('disconnect');
        await pause(100);
        await attach(next, server);
        t.equal(await rax(next), first, 'and stands since gdb left');
      });
    });
  });
});

for (const [policy, pc] of [['keep', /0x0*7c08/], ['reset', /0x0*7c00/]] as const) {
  test(`--on-kill ${policy}: the server outlives gdb's kill`, async (t) => {
    await withAttachedGdb(['build/hello.img', '--on-kill', policy], async (gdb, server) => {
      await gdb.run('stepi 4');
      t.match(await gdb.run('kill'), /killed/);
      t.match(await attach(gdb, server), pc);
    });
  });
}

test('kill ends guest and server', async (t) => {
  await withAttachedGdb(['build/modes.img'], async (gdb, server) => {
    t.match(await gdb.run('kill'), /killed/);
    t.equal((await server.ended()).status, 0);
  });
});

test('extended-remote: run again after the exit, with the breakpoints of before', async (t) => {
  await withGdb(['build/hello.img'], async (gdb, server) => {
    await gdb.run(`target extended-remote ${server.address}`);
    await gdb.run('break *0x7c1c');
    t.match(await gdb.run('continue'), /Breakpoint 1, 0x0*7c1c/);
    await gdb.run('disable 1');
    t.match(await gdb.run('continue'), /exited normally/);
    await gdb.run('enable 1');
    t.match(await gdb.run('run'), /Breakpoint 1, 0x0*7c1c/, 'run');
    t.match(await gdb.run('run'), /Breakpoint 1, 0x0*7c1c/, 'run in the middle of a run');
    t.match(await gdb.run('starti'), /0x0*7c00/, 'starti');
    await gdb.run('kill');
    t.match(await gdb.run('run'), /Breakpoint 1, 0x0*7c1c/, 'run after kill');
    await gdb.runAll('disable 1', 'continue');
    await gdb.run('disconnect');
    const { status, stdout } = await server.ended();
    t.equal(status, 0);
    t.match(stdout, /^Hello from real mode\nH*Hello from real mode\n$/, 'what each run printed');
  });
});

test('a hundred connections, each at once after the last, all find the server free', async (t) => {
  await withTinyGuest('spin', async (args) => {
    const server = await startServer(args);
    try {
      for (let round = 1; round <= 5; round++) {
        const commands = Array.from({ length: 20 }, () => ['-ex', `target remote ${server.address}`, '-ex', 'stepi', '-ex', 'disconnect']).flat();
        const { stdout } = spawnSync('gdb', ['-nx', '-batch', ...commands], { encoding: 'utf8', timeout: patience(60_000), killSignal: 'SIGKILL' });
        t.equal(stdout.match(/^0x0*7c0[01] in/gm)?.length, 40, `round ${round}: a stop and a step each`);
      }
      t.equal(server.process.exitCode, null, 'it serves on');
    } finally {
      await server.stop();
    }
  });
});
