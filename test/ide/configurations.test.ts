/** The files of examples/ide: each parses, names what exists, and is carried out by its client where that can run here. */
import test from 'tape';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { DebugProtocol } from '@vscode/debugprotocol';
import { buildGuests, GDB_HELPER, GUESTS_FOLDER, PACKAGE_FOLDER } from '../gdb/support/gdb-session.js';
import { lineOf, source, startCdt } from './support/cdt.js';
import { allFilledIn, emacsIsMissing, filledIn, IDE_FOLDER, luaIsMissing, readDape, readJsonc, readLua, readXml } from './support/configurations.js';
import { DapSession } from './support/dap-session.js';
import { checkLldb, lldbIsMissing } from './support/lldb.js';
import { newerGdb } from './support/newer-gdb.js';
import { TcpServer, withCommandOnPath } from './support/tcp-server.js';

buildGuests();

interface Task {
  readonly label: string;
  readonly command: string;
  readonly args: readonly string[];
  readonly problemMatcher: {
    readonly pattern: { readonly regexp: string };
    readonly background: { readonly beginsPattern: string; readonly endsPattern: string };
  };
}

interface Launch extends Readonly<Record<string, unknown>> {
  readonly name: string;
  readonly type: string;
  readonly request: string;
  readonly preLaunchTask?: string;
}

const { tasks } = readJsonc('vscode/tasks.json') as { tasks: readonly Task[] };
const { configurations } = readJsonc('vscode/launch.json') as { configurations: readonly Launch[] };
const KERNEL = source('kernel64/kernel.c');
const SUM = lineOf('kernel64/kernel.c', 'int sum = tree_sum(&root)');

function configuration(name: RegExp): Launch {
  const found = configurations.find((candidate) => name.test(candidate.name));
  if (found === undefined) throw new Error(`launch.json has no configuration ${name}.`);
  return found;
}

/** Every string of a value of JSON. */
function strings(value: unknown): string[] {
  if (typeof value === 'string') return [value];
  return typeof value === 'object' && value !== null ? Object.values(value).flatMap(strings) : [];
}

/** The files that a text names under a workspace's build folder. */
function guestsIn(text: string): string[] {
  return [...text.matchAll(/(?:^|[\s"'/])(build\/\w+(?:\.\w+)*)/g)].map(([, name = '']) => name);
}

test('every file parses, and the guests it names are there', (t) => {
  const files = readdirSync(IDE_FOLDER, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  const readers: Record<string, (path: string) => unknown> = { json: readJsonc, xml: readXml, launch: readXml };
  for (const { name, parentPath } of files) {
    const path = join(parentPath, name).slice(IDE_FOLDER.length + 1);
    const reader = readers[name.split('.').pop() ?? ''];
    if (reader !== undefined) t.doesNotThrow(() => reader(path), path);
    const guests = guestsIn(readFileSync(join(IDE_FOLDER, path), 'utf8'));
    t.ok(guests.length > 0, `${path} names a guest`);
    for (const guest of guests) t.ok(existsSync(join(GUESTS_FOLDER, guest)), `${path}: ${guest}`);
    t.ok(readFileSync(join(PACKAGE_FOLDER, 'docs/ide.md'), 'utf8').includes(path), `docs/ide.md tells of ${path}`);
  }
  t.equal(files.length, 7);
  t.end();
});

test('launch.json and tasks.json fit together', (t) => {
  for (const { name, preLaunchTask, debugServerPath, target } of configurations) {
    const own = debugServerPath ?? (target as { server?: string } | undefined)?.server;
    const isServed = preLaunchTask === undefined ? own === 'kvm-gdbserver' : tasks.some(({ label }) => label === preLaunchTask);
    t.ok(isServed, `${name}: somebody starts the server`);
  }
  const addresses = strings([tasks, configurations.map(({ target, ...others }) => [target, others])]).filter((text) => /^127\.0\.0\.1:[1-9]\d*$/.test(text));
  t.ok(addresses.length >= 3, addresses.join(' '));
  t.deepEqual([...new Set(addresses)], ['127.0.0.1:1234'], 'one address for all');
  t.end();
});

test('tasks.json: its command line runs, and its patterns see when the server listens and what it complains about', async (t) => {
  for (const task of tasks) {
    const { pattern, background } = task.problemMatcher;
    t.equal(task.command, 'kvm-gdbserver');
    await withServerOf(task, async (server) => {
      const lines = server.stderr.split('\n');
      const begin = lines.findIndex((line) => new RegExp(background.beginsPattern).test(line));
      const end = lines.findIndex((line) => new RegExp(background.endsPattern).test(line));
      t.ok(begin >= 0 && end > begin, `begins in line ${begin}, ends in line ${end} of: ${server.stderr}`);
    });
    const failed = await TcpServer.failing(['no-such-guest.elf']);
    t.match(failed, new RegExp(pattern.regexp, 'm'), 'an error is a problem');
  }
});

test('VS Code, C/C++: the server that it starts, and the line it waits for', async (t) => {
  const { debugServerArgs, serverStarted, filterStderr } = allFilledIn(configuration(/C\/C\+\+, launch/), '127.0.0.1:0');
  t.ok(filterStderr, 'the line is on stderr');
  await TcpServer.with(String(debugServerArgs).split(' '), async (server) => {
    t.ok(server.stderr.split('\n').some((line) => new RegExp(String(serverStarted)).test(line)), server.stderr);
    const gdb = await TcpServer.run('gdb', ['-nx', '-batch', '-ex', `target remote 127.0.0.1:${server.port}`, '-ex', 'kill']);
    t.match(gdb.stdout, /_start/);
    t.equal(await server.ended, 0, 'it ends with the session');
  });
});

function withServerOf(task: Task, work: (server: TcpServer) => Promise<void>): Promise<void> {
  return TcpServer.with(task.args.map((word) => (word === '127.0.0.1:1234' ? '127.0.0.1:0' : filledIn(word))), work);
}

/** Sends the configuration to the adapter as VS Code does, and goes to a breakpoint. */
async function runCdt(t: test.Test, args: Launch): Promise<void> {
  const session = await startCdt();
  try {
    await (args.request === 'launch'
      ? session.client.launchRequest(args as DebugProtocol.LaunchRequestArguments)
      : session.client.attachRequest(args as DebugProtocol.AttachRequestArguments));
    await session.take('initialized');
    await session.breakpoints(KERNEL, [{ line: SUM }]);
    await session.client.configurationDoneRequest();
    const { place } = await session.stop();
    t.deepEqual([place.name, place.line], ['kernel_main', SUM], args.name);
    await session.client.evaluateRequest({ expression: '>kvm mode', context: 'repl', frameId: place.frameId });
    await session.printed(/long64, cpl 0/);
    await session.client.customRequest('cdt-gdb-adapter/customReset');
    t.equal((await session.stop()).place.line, SUM, 'restart');
    await session.client.disconnectRequest({});
  } finally {
    await session.close();
  }
}

test('VS Code, CDT GDB: attach to the server of tasks.json', async (t) => {
  const [task] = tasks;
  if (task === undefined) throw new Error('tasks.json has no task.');
  await withCommandOnPath(async () => {
    await withServerOf(task, async (server) => {
      const args = allFilledIn(configuration(/CDT GDB, attach/));
      await runCdt(t, { ...args, target: { ...(args['target'] as object), port: server.port } });
      t.equal(await server.ended, 0, 'the server ends with the session');
    });
  });
});

test('VS Code, CDT GDB: launch', async (t) => {
  await withCommandOnPath(() => runCdt(t, allFilledIn(configuration(/CDT GDB, launch/))));
});

test('the commands that load the helper do so', async (t) => {
  const command = strings(configuration(/C\/C\+\+/)['setupCommands']).find((text) => text.startsWith('python'));
  const others = strings(configurations).filter((text) => text.startsWith('python'));
  t.deepEqual([...new Set(others)], [command], 'all say the same');
  await withCommandOnPath(async (environment) => {
    const { stdout } = await TcpServer.run('gdb', ['-nx', '-batch', '-ex', command ?? '', '-ex', 'help kvm mode'], environment);
    t.match(stdout, /mode/, `as ${GDB_HELPER}`);
  });
});

test('CLion and Eclipse: type, address and file', (t) => {
  const [clion] = readXml('clion/kvm-gdbserver.run.xml').filter(({ tag }) => tag === 'configuration');
  t.equal(clion?.attributes['type'], 'CLion_Remote');
  t.equal(clion?.attributes['remoteCommand'], '127.0.0.1:1234');
  t.ok(existsSync(filledIn(clion?.attributes['symbolFile'] ?? '')));
  const eclipse = readXml('eclipse/kvm-gdbserver.launch');
  const values = new Map(eclipse.map(({ attributes }) => [attributes['key']?.split('.').pop(), attributes['value']]));
  t.equal(eclipse[0]?.attributes['type'], 'org.eclipse.cdt.debug.gdbjtag.launchConfigurationType');
  t.equal(`${values.get('ipAddress')}:${values.get('portNumber')}`, '127.0.0.1:1234');
  t.equal(values.get('connection'), 'gdb:127.0.0.1:1234');
  t.equal(values.get('loadImage'), 'false', 'the guest is in memory already');
  t.ok(existsSync(join(GUESTS_FOLDER, values.get('PROGRAM_NAME') ?? '')));
  t.end();
});

test('lldb: its file, to the breakpoint in it', { skip: lldbIsMissing }, async (t) => {
  await TcpServer.with(['build/kernel64.elf'], async (server) => {
    const lines = readFileSync(join(IDE_FOLDER, 'lldb/kvm-gdbserver.lldb'), 'utf8').split('\n').filter((line) => /^[^#]/.test(line));
    t.deepEqual([lines[1], lines.at(-1)], ['gdb-remote 127.0.0.1:1234', 'continue']);
    const commands = lines.map((line) => filledIn(line, `127.0.0.1:${server.port}`));
    const answers = [/Current executable set to/, /stop reason = signal SIGTRAP/, /Breakpoint 1: where = kernel64\.elf`kernel_main/, /breakpoint 1\.1[^]*`kernel_main/];
    t.equal(commands.length, answers.length);
    checkLldb(t, commands.map((command, index) => [command, answers[index] ?? /no such row/]));
  });
});

test('Neovim: nvim-dap\'s request, sent to gdb', { skip: luaIsMissing }, async (t) => {
  const { adapter, configuration: args } = readLua('neovim/kvm-gdbserver.lua');
  t.deepEqual([adapter.command, args['type'], args['request']], ['gdb', 'gdb', 'attach']);
  await attachGdbDap(t, adapter.args, args);
});

test('Emacs: dape\'s request, sent to gdb', { skip: emacsIsMissing }, async (t) => {
  const { command, args, request, target, program } = readDape('emacs/kvm-gdbserver.el');
  t.deepEqual([command, request], ['gdb', 'attach']);
  await attachGdbDap(t, args, { target, program: join(GUESTS_FOLDER, program) });
});

async function attachGdbDap(t: test.Test, argumentsOfGdb: readonly string[], args: Readonly<Record<string, string>>): Promise<void> {
  const gdb = await newerGdb(argumentsOfGdb.filter((word) => word !== '--interpreter=dap'));
  if ('missing' in gdb) {
    t.skip(gdb.missing);
    return;
  }
  try {
    await TcpServer.with(['build/kernel64.elf'], async (server) => {
      const command = { runtime: gdb.path, argument: '--interpreter=dap', type: 'gdb', cwd: GUESTS_FOLDER };
      const { session } = await DapSession.start(command);
      try {
        await session.take('initialized');
        const attached = session.client.attachRequest(allFilledIn(args, `127.0.0.1:${server.port}`));
        await session.breakpoints(KERNEL, [{ line: SUM }]);
        await session.client.configurationDoneRequest();
        await attached;
        t.equal((await session.stop()).place.name, '_start');
        await session.continue();
        t.equal((await session.stop()).place.line, SUM);
      } finally {
        await session.close();
      }
    });
  } finally {
    gdb.remove();
  }
}
