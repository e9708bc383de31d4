/**
 * `npm run bench`: the speed table of docs/benchmarks.md.
 *
 * Servers are started once and sampled in turn, in alternating order, over several rounds, so that a noisy moment of
 * the machine falls on both. Each sample warms up first; a round before the first one is thrown away.
 */
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { availableParallelism, cpus, release, tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { writeDisk } from './boot-rows.js';
import { Floor } from './floor.js';
import { writeGuestImage } from './loop-guest.js';
import { PLACEMENTS, placeClient, type Placement } from './placement.js';
import { formatTable, judge, type RowResult } from './report.js';
import { FULL, QUICK, makeRows, type Contender, type Field, type Row } from './rows.js';
import { RunningServer, ourServer, placedServer, qemuServer, type ServerCommand } from './servers.js';

const USAGE = `Usage: npm run bench -- [options]

  --quick            fewer rounds and shorter samples
  --rounds N         rounds (9; with --quick 3)
  --only ROW         one row; may be given more than once
  --breakpoint Z0|Z1 the packet of the breakpoint cycles (Z1)
  --without ours|qemu|floor   leave a contender out; may be given more than once
  --placement free|apart|together   which CPUs client and server use (free); see bench/placement.ts
  --server FILE      our server's command (bin/kvm-gdbserver.cjs)
  --node-option OPT  passed to node for our server, e.g. --node-option=--cpu-prof
  --json             the results as JSON
  --help             this text`;

interface Options {
  readonly rounds: number;
  readonly quick: boolean;
  readonly json: boolean;
  readonly rows: readonly Row[];
  readonly without: ReadonlySet<string>;
  readonly placement: Placement;
  readonly server: string;
  readonly nodeOptions: readonly string[];
}

class UsageError extends Error {}

function packageRoot(): string {
  let folder = dirname(fileURLToPath(import.meta.url));
  while (!existsSync(join(folder, 'package.json'))) folder = dirname(folder);
  return folder;
}

function readOptions(args: string[]): Options | undefined {
  const { values } = parseArgs({
    args,
    options: {
      quick: { type: 'boolean', default: false },
      json: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
      rounds: { type: 'string' },
      only: { type: 'string', multiple: true, default: [] },
      breakpoint: { type: 'string', default: 'Z1' },
      without: { type: 'string', multiple: true, default: [] },
      placement: { type: 'string', default: 'free' },
      server: { type: 'string' },
      'node-option': { type: 'string', multiple: true, default: [] },
    },
  });
  if (values.help) return undefined;
  const server = values.server ?? join(packageRoot(), 'bin/kvm-gdbserver.cjs');
  if (!existsSync(server) && !values.without.includes('ours')) {
    throw new UsageError(`our server ${server} is not there; build it with: npm run build`);
  }
  const rounds = values.rounds === undefined ? (values.quick ? 3 : 9) : Number(values.rounds);
  if (!Number.isInteger(rounds) || rounds < 1 || rounds > 1000) throw new UsageError(`--rounds takes a whole number from 1 to 1000, not '${values.rounds}'`);
  if (values.breakpoint !== 'Z0' && values.breakpoint !== 'Z1') throw new UsageError(`--breakpoint takes Z0 or Z1, not '${values.breakpoint}'`);
  const rows = makeRows(values.breakpoint === 'Z0' ? 0 : 1);
  const names = rows.map((row) => row.name);
  for (const name of values.only) {
    if (!names.includes(name)) throw new UsageError(`there is no row '${name}'; the rows are ${names.join(', ')}`);
  }
  for (const name of values.without) {
    if (!['ours', 'qemu', 'floor'].includes(name)) throw new UsageError(`--without takes ours, qemu or floor, not '${name}'`);
  }
  const placement = PLACEMENTS.find((known) => known === values.placement);
  if (placement === undefined) throw new UsageError(`--placement takes ${PLACEMENTS.join(', ')}, not '${values.placement}'`);
  return {
    rounds,
    placement,
    quick: values.quick,
    json: values.json,
    rows: values.only.length === 0 ? rows : rows.filter((row) => values.only.includes(row.name)),
    without: new Set(values.without),
    server,
    nodeOptions: values['node-option'],
  };
}

/** Samples of every row; a contender that fails in a row is not asked again in that row. */
async function sampleRow(row: Row, field: Field, options: Options, earlier: readonly RowResult[], progress: (text: string) => void): Promise<RowResult> {
  const samples: Partial<Record<Contender, number[]>> = {};
  const failures: Partial<Record<Contender, string>> = {};
  const contenders = row.contenders.filter((contender) => !options.without.has(contender));
  for (let round = 0; round <= options.rounds; round++) {
    for (const contender of round % 2 === 0 ? contenders : [...contenders].reverse()) {
      if (failures[contender] !== undefined) continue;
      progress(`${row.title}: round ${round} of ${options.rounds}, ${contender}`);
      try {
        const value = await row.sample(contender, field);
        // Round 0 is the warm-up.
        if (value !== undefined && round > 0) (samples[contender] ??= []).push(value);
      } catch (error) {
        failures[contender] = (error as Error).message;
      }
    }
  }
  return judge(row, samples, failures, earlier);
}

async function run(options: Options): Promise<boolean> {
  const folder = mkdtempSync(join(tmpdir(), 'kvm-gdbserver-bench-'));
  // Also when a signal ends the bench.
  process.once('exit', () => rmSync(folder, { recursive: true, force: true }));
  const running = new Map<Contender, RunningServer>();
  const showProgress = process.stderr.isTTY && !options.json;
  const progress = (text: string): void => {
    if (showProgress) process.stderr.write(`\r\x1b[K${text}`);
  };
  try {
    // Before it is bound itself: afterwards it sees its own CPU only.
    const cpuCount = availableParallelism();
    placeClient(options.placement);
    const image = join(folder, 'loop.img');
    writeGuestImage(image);
    const disk = join(folder, 'disk.img');
    writeDisk(disk);
    const floor = new Floor(join(packageRoot(), 'bench'), folder, image);
    const commands = new Map<Contender, ServerCommand>();
    if (!options.without.has('ours')) commands.set('ours', ourServer(options.server, image, options.nodeOptions));
    if (!options.without.has('qemu')) commands.set('qemu', qemuServer(image));
    for (const [contender, command] of commands) commands.set(contender, placedServer(command, options.placement, cpuCount));
    for (const [contender, command] of commands) running.set(contender, (await RunningServer.start(command)).server);
    const booting = (bios: 'seabios' | 'builtin'): ReadonlyMap<Contender, ServerCommand> => new Map([...commands.keys()].map((contender) => {
      const command = contender === 'ours' ? ourServer(options.server, disk, options.nodeOptions, ['--firmware', bios]) : qemuServer(disk);
      return [contender, placedServer(command, options.placement, cpuCount)];
    }));
    const field: Field = {
      running, commands, floor, booting: { seabios: booting('seabios'), builtin: booting('builtin') }, effort: options.quick ? QUICK : FULL,
    };
    const results: RowResult[] = [];
    for (const row of options.rows) results.push(await sampleRow(row, field, options, results, progress));
    progress('');
    print(results, options);
    return results.every((result) => Object.keys(result.failures).length === 0);
  } finally {
    for (const server of running.values()) await server.stop();
  }
}

function print(results: readonly RowResult[], options: Options): void {
  const machine = { cpu: cpus()[0]?.model ?? 'unknown', cores: cpus().length, kernel: release(), node: process.version };
  if (options.json) {
    console.log(JSON.stringify({ machine, rounds: options.rounds, placement: options.placement, quick: options.quick, results }, undefined, 2));
    return;
  }
  console.log(`${machine.cores} x ${machine.cpu}, Linux ${machine.kernel}, node ${machine.node}; medians (min–max) of ${options.rounds} rounds, CPUs: ${options.placement}\n`);
  console.log(formatTable(results));
  for (const result of results) {
    for (const [contender, message] of Object.entries(result.failures)) console.log(`\n${result.title}, ${contender}: ${message}`);
  }
}

// An exit ends the servers too (servers.ts).
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(130));

try {
  const options = readOptions(process.argv.slice(2));
  if (options === undefined) console.log(USAGE);
  else if (!(await run(options))) process.exitCode = 1;
} catch (error) {
  const isUsage = error instanceof UsageError || (error as NodeJS.ErrnoException).code?.startsWith('ERR_PARSE_ARGS') === true;
  console.error(`bench: ${(error as Error).message}${isUsage ? `\n\n${USAGE}` : ''}`);
  process.exitCode = isUsage ? 2 : 1;
}
