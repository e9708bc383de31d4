/** How sessions of VS Code begin and end, through cdt-gdb-adapter: launch, restart, disconnect, attach again. */
import test from 'tape';
import type { DebugProtocol } from '@vscode/debugprotocol';
import { buildGuests, GUESTS_FOLDER, startServer } from '../gdb/support/gdb-session.js';
import { attach, lineOf, source, startCdt, withCdt } from './support/cdt.js';
import { SERVER_MAIN } from '../server-command.js';

const KERNEL = 'kernel64/kernel.c';
const GUEST = ['build/kernel64.elf'];
const PROGRAM = { program: 'build/kernel64.elf' };
const SUM = lineOf(KERNEL, 'int sum = tree_sum(&root)');

buildGuests();

test('launch: the adapter starts the server, finds the port in what it says, and ends it', async (t) => {
  const session = await startCdt();
  try {
    await session.client.launchRequest({
      gdb: 'gdb', cwd: GUESTS_FOLDER, program: source('build/kernel64.elf'),
      target: {
        server: process.execPath, serverParameters: [SERVER_MAIN, '--listen', '127.0.0.1:0', 'build/kernel64.elf'],
        serverPortRegExp: 'Listening on [0-9.]+:([0-9]+)\\s', cwd: GUESTS_FOLDER,
      },
    } as DebugProtocol.LaunchRequestArguments);
    await session.take('initialized');
    await session.breakpoints(source(KERNEL), [{ line: SUM }]);
    await session.client.configurationDoneRequest();
    t.equal((await session.stop()).place.line, SUM);
    await session.client.terminateRequest();
    await session.take('terminated');
    await session.printed(/gdbserver (stopped|exited)/);
  } finally {
    await session.close();
  }
});

test('the guest powers itself off: the session ends, and the server with the guest\'s status', async (t) => {
  await withCdt(GUEST, PROGRAM, async (session, server) => {
    await session.client.configurationDoneRequest();
    await session.take('terminated');
    t.equal((await server.ended()).status, 0);
    t.match(server.output.stdout, /ud2 1, int3 0/);
  });
});

test('restart by customReset: the machine begins again, the breakpoints stay', async (t) => {
  const customResetCommands = ['monitor reset halt', 'maintenance flush register-cache', 'continue&'];
  await withCdt(GUEST, { ...PROGRAM, customResetCommands }, async (session, server) => {
    await session.breakpoints(source(KERNEL), [{ line: SUM }]);
    await session.client.configurationDoneRequest();
    for (const round of [1, 2, 3]) {
      t.equal((await session.stop()).place.line, SUM, `round ${round}`);
      await session.next();
      await session.next();
      await session.client.customRequest('cdt-gdb-adapter/customReset');
    }
    await session.stop();
    await session.continue();
    await session.take('terminated');
    t.match(server.output.stdout, /^(sum = ){4}117\n/, 'it has begun four times');
  });
});

test('disconnect leaves the guest where it is; the next session finds it there', async (t) => {
  await withCdt(GUEST, PROGRAM, async (first, server) => {
    await first.breakpoints(source(KERNEL), [{ line: SUM }]);
    await first.client.configurationDoneRequest();
    const { place } = await first.stop();
    await first.client.disconnectRequest({});
    await first.close();
    t.equal(server.process.exitCode, null, 'the server serves on');

    const second = await startCdt();
    try {
      await attach(second, server.address, PROGRAM);
      t.equal((await second.place()).address, place.address, 'where the first left it');
      await second.breakpoints(source(KERNEL), [{ line: lineOf(KERNEL, 'copy_vector(&target, &source)') }]);
      await second.client.configurationDoneRequest();
      t.equal((await second.stop()).place.line, lineOf(KERNEL, 'copy_vector(&target, &source)'));
    } finally {
      await second.close();
    }
  });
});

for (const [policy, expectation] of [['kill', 'ends the guest'], ['continue', 'lets it run to its end']] as const) {
  test(`disconnect with --on-disconnect ${policy} ${expectation}`, async (t) => {
    await withCdt(['--on-disconnect', policy, ...GUEST], PROGRAM, async (session, server) => {
      await session.breakpoints(source(KERNEL), [{ line: SUM }]);
      await session.client.configurationDoneRequest();
      await session.stop();
      await session.client.disconnectRequest({});
      t.equal((await server.ended()).status, 0);
      t.equal(server.output.stdout.includes('sum = 117'), policy === 'continue');
    });
  });
}

test('disconnect while the guest runs', async (t) => {
  const guest = ['--cpus', '4', 'build/workers.elf'];
  const options = { program: 'build/workers.elf', initCommands: ['set var keep_working = 1'] };
  await withCdt(guest, options, async (session, server) => {
    await session.client.configurationDoneRequest();
    await new Promise((resolve) => setTimeout(resolve, 100));
    await session.client.disconnectRequest({});
    await session.close();
    const again = await startCdt();
    try {
      await attach(again, server.address, options);
      t.ok((await again.place()).address >= 0x8000n, 'held when the first went');
      t.equal((await again.client.threadsRequest()).body.threads.length, 4);
    } finally {
      await again.close();
    }
  });
});

test('a second editor at the same server is refused in words, and the first does not notice', async (t) => {
  await withCdt(GUEST, PROGRAM, async (first, server) => {
    await first.breakpoints(source(KERNEL), [{ line: SUM }]);
    await first.client.configurationDoneRequest();
    await first.stop();
    const second = await startCdt();
    try {
      await attach(second, server.address, PROGRAM).then(() => t.fail('it is attached'),
        (error: Error) => t.match(error.message, /timeout|refused|attached|closed|Remote/i, error.message));
      t.match(server.output.stderr, /A second client \(.*\) was refused/);
    } finally {
      await second.close();
    }
    t.equal((await first.next()).line, lineOf(KERNEL, 'print("sum = ")'));
  });
});

test('five sessions one after the other', async (t) => {
  const server = await startServer(GUEST);
  try {
    for (let round = 0; round < 5; round++) {
      const session = await startCdt();
      try {
        await attach(session, server.address, PROGRAM);
        const place = await session.place();
        t.equal(place.name, '_start', `session ${round + 1}`);
        await session.client.disconnectRequest({});
      } finally {
        await session.close();
      }
    }
  } finally {
    await server.stop();
  }
});
