/** What gdb's kernel plugins ask a QEMU gets the answers that they can read; the same as QEMU's own, where it is installed. */
import { spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'tape';
import { GdbConsole, withAttachedGdb } from './support/gdb-console.js';
import { buildGuests, GUESTS_FOLDER, PACKAGE_FOLDER } from './support/gdb-session.js';
import { patience } from '../time-scale.js';

const QUERIES = join(PACKAGE_FOLDER, 'test/gdb/support/plugin_queries.py');
const LONG_MODE = '0x7cc9';
buildGuests();

/** Runs to 64-bit code and asks. */
async function ask(gdb: GdbConsole): Promise<string[]> {
  await gdb.runAll('set architecture i386:x86-64', `hbreak *${LONG_MODE}`, 'continue', 'delete');
  return (await gdb.run(`source ${QUERIES}`)).trimEnd().split('\n');
}

const EXPECTED = [
  'is QEMU: True',
  'step bits: ENABLE=1,NOIRQ=2,NOTIMER=4',
  'is a system: 0',
  /^steps: 0x[0-7]$/,
  'pages: [(\'0x0\', \'0x200000\', \'-rw\')]',
  'control registers: {\'CR0\': \'0x80000011\', \'CR3\': \'0x1000\', \'EFER\': \'0x500\'}',
  'physical: fafc31c08ed88ed0',
  'physical beyond the page tables: 00000000',
  'linear again: fafc31c08ed88ed0',
  'translated: gpa: 0x7c10',
  'not translated: Unmapped',
  'xp: 0000000000007c00: 0xfa 0xfc 0x31 0xc0',
  'unknown command: True',
];

test('plugins: every query has an answer that pwndbg and GEF can read', async (t) => {
  await withAttachedGdb(['build/modes.img'], async (gdb) => {
    const answers = await ask(gdb);
    t.equal(answers.length, EXPECTED.length, answers.join('\n'));
    EXPECTED.forEach((expected, at) => {
      if (typeof expected === 'string') t.equal(answers[at], expected);
      else t.match(answers[at], expected);
    });
    await inFrontOfQemu(async (qemu) => {
      t.deepEqual(answers, await ask(qemu), 'QEMU says the same');
    }, () => t.comment('QEMU is not installed; its answers are those that it gave when this was written'));
  });
});

/** Calls `work` with a gdb attached to a QEMU that is held before the same guest, or `otherwise`. */
async function inFrontOfQemu(work: (gdb: GdbConsole) => Promise<void>, otherwise: () => void): Promise<void> {
  if (spawnSync('qemu-system-x86_64', ['--version']).status !== 0) {
    otherwise();
    return;
  }
  const folder = mkdtempSync(join(tmpdir(), 'kvm-gdbserver-qemu-'));
  const socket = join(folder, 'gdb.sock');
  // Its own emulator: what is compared is the monitor, and it works on every host.
  const qemu = spawn('qemu-system-x86_64', ['-accel', 'tcg', '-nodefaults', '-display', 'none', '-m', '128', '-S',
    '-gdb', `unix:${socket},server=on,wait=off`, '-drive', 'file=build/modes.img,format=raw,snapshot=on'], { cwd: GUESTS_FOLDER, stdio: 'ignore' });
  const gdb = new GdbConsole();
  try {
    const deadline = Date.now() + patience(20_000);
    while (!existsSync(socket) && Date.now() < deadline) await new Promise((resolve) => setTimeout(resolve, 20));
    await gdb.run(`target remote ${socket}`);
    await work(gdb);
  } finally {
    await gdb.crash();
    qemu.kill('SIGKILL');
    rmSync(folder, { recursive: true, force: true });
  }
}
