/** `--display text` on a real pty: the guest's screen, keys typed into it, gdb beside it, and the terminal as it was. */
import test from 'tape';
import { buildGuests, startServer } from './support/gdb-session.js';
import { GdbConsole } from './support/gdb-console.js';
import { withTerminal, type Terminal } from './support/terminal.js';
import { patience } from '../time-scale.js';

buildGuests();
const ENTERED = '\x1b[?1049h', LEFT = '\x1b[?1049l';
const PATIENCE_MILLISECONDS = patience(30_000);

/** What stands on a terminal of 80 by 24 after all that was written since the display began: text and places of the cursor. */
function onScreen(written: string): string {
  const rows = Array.from({ length: 24 }, () => new Array<string>(80).fill(' '));
  let [row, column] = [0, 0];
  for (const [token, line, at] of written.slice(written.lastIndexOf(ENTERED)).matchAll(/\x1b\[(\d+);(\d+)H|\x1b\[[0-9;?]*[A-Za-z]|\x1b[78]|[^]/gu)) {
    if (line !== undefined) [row, column] = [Number(line) - 1, Number(at) - 1];
    else if (token.length === 1 && row < 24 && column < 80) rows[row][column++] = token;
  }
  return rows.map((cells) => cells.join('').trimEnd()).join('\n').trim();
}

interface Display {
  readonly terminal: Terminal;
  /** Waits until what was written so far satisfies it. */
  readonly until: (done: (written: string) => boolean) => Promise<void>;
}

async function withDisplay(args: readonly string[], work: (display: Display) => Promise<void>): Promise<void> {
  let written = '';
  const read = (text: string): string => (written = text);
  await withTerminal(['--display', 'text', '--listen', '127.0.0.1:0', ...args], async (terminal) => {
    await work({
      terminal,
      until: async (done) => {
        for (const deadline = Date.now() + PATIENCE_MILLISECONDS; !done(written);) {
          if (Date.now() > deadline) throw new Error(`not seen:\n${onScreen(written)}`);
          await terminal.see(/(?:)/).catch(() => undefined);
          await new Promise((resolve) => setTimeout(resolve, 20));
        }
      },
    });
  }, { read });
}

test('--display text: a boot sector\'s screen and its keyboard', async (t) => {
  await withDisplay(['--run', '--firmware', 'builtin', 'build/bios.img'], async ({ terminal, until }) => {
    await until((text) => onScreen(text) === 'Hello from INT 10h.\nThe second sector is here.');
    terminal.type('k');
    await until((text) => text.includes(LEFT));
    t.equal(await terminal.ended, 0, 'the guest\'s end is the display\'s');
  });
});

test('--display text: gdb beside it, and Ctrl-] ends it', async (t) => {
  await withDisplay(['build/hello.img'], async ({ terminal, until }) => {
    let address = '';
    await until((text) => (address = /target remote (127\.0\.0\.1:\d+)/.exec(text)?.[1] ?? '') !== '' && text.includes(ENTERED));
    const gdb = new GdbConsole();
    try {
      t.match(await gdb.run(`target remote ${address}`), /0x0*7c00/);
      await gdb.run('set var *(short *)0xb8000 = 0x1e41');
      await until((text) => text.includes('\x1b[0;93;44mA'));
      t.pass('what gdb writes is on the screen, yellow on blue');
    } finally {
      await gdb.crash();
    }
    terminal.type('\x1d');
    await until((text) => text.includes(LEFT));
    t.equal(await terminal.ended, 0);
  });
});

test('--display text: without a terminal it is a sentence', async (t) => {
  try {
    await (await startServer(['--display', 'text', 'build/hello.img'])).stop();
    t.fail('it was started');
  } catch (error) {
    t.match((error as Error).message, /--display text needs a terminal, and stdin or stdout is none/);
  }
});
