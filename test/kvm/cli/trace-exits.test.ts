/** `--trace-exits`: the file is a trace however the server ends. */
import { spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'tape';
import { patience } from '../../time-scale.js';
import { SERVER_MAIN } from '../../server-command.js';

const PATIENCE_MS = patience(15_000);
const RUN = ['--run', '--listen', ':0', '--serial', 'none', '--boot', 'flat'];

/** mov al,3; out e9,al (five times); out f4,al */
const FEW = Uint8Array.from([0xb0, 3, ...Array.from({ length: 5 }, () => [0xe6, 0xe9]).flat(), 0xe6, 0xf4, 0xf4]);
/** 1: out e9,al; jmp 1b */
const ENDLESS = Uint8Array.from([0xe6, 0xe9, 0xeb, 0xfc]);

interface TraceEvent {
  readonly name: string;
  readonly ph: string;
}

const exitsOf = (json: string): string[] => (JSON.parse(json) as TraceEvent[]).filter(({ ph }) => ph === 'X').map(({ name }) => name);

async function withGuest(code: Uint8Array, work: (args: string[], trace: string, folder: string) => Promise<void> | void): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'kvm-gdbserver-trace-'));
  const guest = join(folder, 'guest.img');
  const trace = join(folder, 'trace.json');
  writeFileSync(guest, code);
  try {
    await work([SERVER_MAIN, ...RUN, '--trace-exits', trace, guest], trace, folder);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

test('trace: a guest that ends leaves a whole file', async (t) => {
  await withGuest(FEW, (args, trace) => {
    const { status } = spawnSync(process.execPath, args, { timeout: PATIENCE_MS });
    t.equal(status, 7, 'the guest\'s status');
    t.deepEqual(exitsOf(readFileSync(trace, 'utf8')), [...Array<string>(5).fill('out 0xe9'), 'out 0xf4']);
  });
});

test('trace: a server that is killed leaves whole lines but for the bracket, and for the last when it was being written', async (t) => {
  await withGuest(ENDLESS, async (args, trace) => {
    const child = spawn(process.execPath, args, { stdio: 'ignore' });
    const ended = new Promise((resolve) => child.once('close', resolve));
    const size = (): number => statSync(trace, { throwIfNoEntry: false })?.size ?? 0;
    for (const end = Date.now() + PATIENCE_MS; size() < 200_000 && Date.now() < end;) await new Promise((resolve) => setTimeout(resolve, 10));
    child.kill('SIGKILL');
    await ended;
    const lines = readFileSync(trace, 'utf8').split(',\n');
    const isTorn = !lines.at(-1)?.endsWith('}');
    const exits = exitsOf(`${(isTorn ? lines.slice(0, -1) : lines).join(',\n')}]`);
    t.ok(exits.length > 1000, `${exits.length} exits`);
    t.ok(exits.every((name) => name === 'out 0xe9'));
  });
});

test('trace: a file that cannot be written is said in one sentence', async (t) => {
  await withGuest(FEW, (args, trace, folder) => {
    const { status, stderr } = spawnSync(process.execPath, args.map((word) => (word === trace ? folder : word)), { timeout: PATIENCE_MS, encoding: 'utf8' });
    t.equal(status, 1);
    t.match(stderr, /^kvm-gdbserver: Cannot write the trace of exits to [^\n]*EISDIR[^\n]*\n$/m);
  });
});
