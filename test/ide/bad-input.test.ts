/** What editors do wrong, or to a server that is not theirs: it stays alive, and the session goes on as gdbserver's would. */
import test from 'tape';
import { frame, RawClient } from '../gdb/support/raw-client.js';
import { buildGuests, startServer, type Server } from '../gdb/support/gdb-session.js';
import { attach, lineOf, source, startCdt, withCdt } from './support/cdt.js';
import { MiClient } from './support/mi-client.js';

buildGuests();

const GUEST = ['build/kernel64.elf'];
const PROGRAM = source('build/kernel64.elf');
const KERNEL = source('kernel64/kernel.c');
const SUM = lineOf('kernel64/kernel.c', 'int sum = tree_sum(&root)');

async function attached(server: Server): Promise<MiClient> {
  const gdb = new MiClient();
  await gdb.ask(`-file-exec-and-symbols ${PROGRAM}`);
  const answer = await gdb.ask(`-target-select remote ${server.address}`);
  if (!answer.startsWith('^connected')) throw new Error(`gdb does not connect: ${answer}`);
  await gdb.event('*stopped');
  return gdb;
}

async function withMi(args: readonly string[], work: (gdb: MiClient, server: Server) => Promise<void>): Promise<void> {
  const server = await startServer(args);
  let gdb: MiClient | undefined;
  try {
    gdb = await attached(server);
    await work(gdb, server);
  } finally {
    await gdb?.crash();
    await server.stop();
  }
}

/** One step by instruction, and where it ended. */
async function step(gdb: MiClient): Promise<string> {
  await gdb.ask('-exec-step-instruction');
  return gdb.event('*stopped');
}

test('an editor that connects twice: the second is refused, and the first goes on', async (t) => {
  await withMi(GUEST, async (gdb, server) => {
    const second = new MiClient();
    t.match(await second.ask(`-target-select remote ${server.address}`), /^\^error/);
    t.match(second.transcript, /Another debugger is attached to this guest/);
    await second.crash();
    t.match(await step(gdb), /end-stepping-range.*func="_start"/);
    // Without this gdb would kill the guest before it connects anew.
    t.match(await gdb.ask('-target-disconnect'), /^\^done/);
    t.match(await gdb.ask(`-target-select remote ${server.address}`), /^\^connected/, 'the same gdb once more');
    await gdb.event('*stopped');
    t.match(await step(gdb), /end-stepping-range/);
  });
});

test('CDT GDB with its auxiliary gdb, which would be a second client: refused in words', async (t) => {
  const server = await startServer(GUEST);
  const session = await startCdt();
  try {
    await attach(session, server.address, { program: 'build/kernel64.elf', auxiliaryGdb: true }).then(() => t.fail('it is attached'),
      (error: Error) => t.ok(error.message.length > 0, error.message));
    t.match(session.output, /Another debugger is attached to this guest/);
    await session.close();
    t.equal((await server.ended()).status, 0, 'the first gdb detaches when it quits, and the guest runs to its end');
    t.match(server.output.stdout, /sum = 117/);
  } finally {
    await session.close();
    await server.stop();
  }
});

test('commands and options that do not exist are errors of gdb, and the session goes on', async (t) => {
  await withMi(GUEST, async (gdb) => {
    const wrong = ['-no-such-command', '-break-insert --no-such-option kernel_main', '-data-read-memory-bytes',
      '-data-read-memory-bytes zero 16', '-thread-select 99', '-stack-list-frames 5 2 1', '-exec-abort',
      '-gdb-set no-such-setting on', '-data-write-memory-bytes 0x9000 xyz', '-var-create - * no_such_variable'];
    for (const command of wrong) t.match(await gdb.ask(command), /^\^error,msg="/, command);
    t.match(await gdb.ask('monitor no-such-command'), /^\^done/, 'monitor says so in words');
    t.match(gdb.transcript, /no-such-command/);
    t.match(await step(gdb), /end-stepping-range/);
  });
});

test('connections that break in the middle of a packet', async (t) => {
  const server = await startServer(GUEST);
  try {
    const halves = ['$', '$qSupp', '$m100000,4#', '$m100000,4#5', '$X9000,10:abc', '$vCont;c', '\x03', `${frame('?')}$g`, '}', '+$', '$Z0,1000'];
    for (const half of halves) {
      const client = await RawClient.connect(server.address);
      client.send(half);
      await new Promise((resolve) => setTimeout(resolve, 10));
      client.end();
    }
    const gdb = await attached(server);
    t.match(await step(gdb), /func="_start"/, 'the next one finds the guest at its beginning');
    await gdb.crash();
  } catch (error) {
    const { exitCode, signalCode } = server.process;
    t.fail(`${(error as Error).message}; the server (${exitCode ?? signalCode ?? 'alive'}): ${server.output.stderr}`);
  } finally {
    await server.stop();
  }
});

test('an editor that crashes while the guest runs, and while it reads memory', async (t) => {
  const guest = ['--cpus', '4', 'build/workers.elf'];
  const server = await startServer(guest);
  try {
    for (let round = 0; round < 3; round++) {
      const gdb = new MiClient();
      await gdb.ask('-gdb-set mi-async on');
      await gdb.ask(`-file-exec-and-symbols ${source('build/workers.elf')}`);
      t.match(await gdb.ask(`-target-select remote ${server.address}`), /^\^connected/, `round ${round}`);
      await gdb.ask('-data-evaluate-expression keep_working=1');
      if (round % 2 === 0) await gdb.ask('-exec-continue');
      else void gdb.ask('-data-read-memory-bytes 0 4000000').catch(() => undefined);
      await new Promise((resolve) => setTimeout(resolve, 30));
      await gdb.crash();
    }
    t.equal(server.process.exitCode, null, 'it serves on');
  } finally {
    await server.stop();
  }
});

test('memory at 0, and where nothing is mapped, again and again', async (t) => {
  await withMi(GUEST, async (gdb) => {
    for (let round = 0; round < 60; round++) {
      const zero = await gdb.ask('-data-read-memory-bytes 0 64');
      const hole = await gdb.ask('-data-read-memory-bytes 0xffff800000000000 64');
      const expression = await gdb.ask('-data-evaluate-expression ((struct\\ node*)0)->value');
      if (!zero.startsWith('^done,memory=') || !hole.startsWith('^error,msg="Unable to read memory."') || !/^\^(done|error)/.test(expression)) {
        t.fail(`round ${round}: ${zero} ${hole} ${expression}`);
        return;
      }
    }
    t.match(await step(gdb), /end-stepping-range/);
  });
});

test('memory at 0 where the guest does not map it', async (t) => {
  await withMi(GUEST, async (gdb) => {
    await gdb.ask(`-break-insert -f ${KERNEL}:${SUM}`);
    await gdb.ask('-exec-continue');
    await gdb.event('*stopped');
    // Page tables of zeros map nothing. They are the guest's own again afterwards.
    const tables = (await gdb.ask('-data-evaluate-expression $cr3')).replace(/\D/g, '');
    await gdb.ask('-data-evaluate-expression $cr3=0x200000');
    for (let round = 0; round < 60; round++) {
      const answer = await gdb.ask('-data-read-memory-bytes 0 8');
      if (!answer.startsWith('^error,msg="Unable to read memory."')) {
        t.fail(`round ${round}: ${answer}`);
        return;
      }
    }
    t.match(await gdb.ask('-data-write-memory-bytes 0 00'), /^\^error/, 'nor can it be written');
    await gdb.ask(`-data-evaluate-expression $cr3=${tables}`);
    t.match(await gdb.ask('-data-read-memory-bytes 0 8'), /^\^done/);
    await gdb.ask('-exec-next');
    t.match(await gdb.event('*stopped'), /end-stepping-range.*func="kernel_main"/);
  });
});

test('breakpoints on lines without code: moved to the next that has some, or none at all', async (t) => {
  await withCdt(GUEST, { program: 'build/kernel64.elf' }, async (session) => {
    const comment = lineOf('kernel64/kernel.c', '/* #UD is a fault');
    const [moved, beyond, beginning] = await session.breakpoints(KERNEL, [{ line: comment }, { line: 100_000 }, { line: 1 }]);
    t.ok(moved?.verified);
    t.ok((moved?.line ?? 0) > comment, `line ${comment} became ${moved?.line}`);
    t.ok(beyond !== undefined && beginning !== undefined, JSON.stringify([beyond, beginning]));
    const elsewhere = await session.breakpoints('/no/such/file.c', [{ line: 5 }]);
    t.equal(elsewhere.length, 1);
    await session.breakpoints(KERNEL, [{ line: comment }]);
    await session.client.configurationDoneRequest();
    const { place } = await session.stop();
    t.deepEqual([place.name, place.line], ['on_invalid_opcode', moved?.line]);
    await session.breakpoints(KERNEL, []);
    await session.continue();
    await session.take('terminated');
  });
});
