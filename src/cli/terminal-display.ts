/**
 * `--display text`: the guest's text screen in this terminal, and the terminal's keyboard as the guest's. What the server
 * says meanwhile stands below the screen, and is said again on stderr at the end.
 */
import { AnsiScreen, place } from '../vmm/display/ansi-screen.js';
import { screenPicture } from '../vmm/display/screen-picture.js';
import { textScreen } from '../vmm/display/text-screen.js';
import type { Machine } from '../vmm/machine.js';
import { terminalKeys } from './terminal-keys.js';
import { UsageError } from './usage-error.js';

const REDRAW_MILLISECONDS = 50;
const ERASE = '\x1b[2J', ENTER = `\x1b[?1049h${ERASE}`, LEAVE = '\x1b[0m\x1b[?25h\x1b[?1049l', ERASE_LINE = '\x1b[2K', SAVE_CURSOR = '\x1b7', RESTORE_CURSOR = '\x1b8';
const DEFAULT_WIDTH = 80, DEFAULT_HEIGHT = 24;
const HINT = 'Ctrl-] ends.';

export class TerminalDisplay {
  private readonly screen = new AnsiScreen();
  private readonly said: string[] = [];
  private readonly unsaid: string[] = [];
  private timer: NodeJS.Timeout | undefined;
  private lastBelow = '';
  private isText = true;
  private machine: Machine | undefined;

  private constructor(private readonly input: NodeJS.ReadStream, private readonly output: NodeJS.WriteStream, private readonly left: () => void) {}

  /** `left`: the person wants to go. Throws UsageError where stdin and stdout are no terminal. */
  static open(left: () => void): TerminalDisplay {
    if (!process.stdin.isTTY || !process.stdout.isTTY) throw new UsageError('--display text needs a terminal, and stdin or stdout is none; "monitor screen" shows the screen in gdb.');
    return new TerminalDisplay(process.stdin, process.stdout, left);
  }

  /** Takes lines for the person. */
  say(text: string): void {
    const lines = text.replace(/\n$/, '').split('\n');
    this.said.push(...lines);
    if (this.timer === undefined) process.stderr.write(text);
    else this.unsaid.push(...lines);
  }

  /** Takes the terminal. */
  start(machine: Machine): void {
    this.machine = machine;
    this.output.write(ENTER);
    this.input.setRawMode(true);
    this.input.setEncoding('utf8');
    this.input.on('data', this.typed);
    this.output.on('resize', this.resized);
    this.timer = setInterval(() => this.draw(), REDRAW_MILLISECONDS);
    this.draw();
  }

  /** Gives the terminal back as it was. Idempotent. */
  stop(): void {
    if (this.timer === undefined) return;
    clearInterval(this.timer);
    this.timer = undefined;
    this.input.off('data', this.typed);
    this.output.off('resize', this.resized);
    this.input.setRawMode(false);
    this.input.pause();
    this.output.write(LEAVE);
    for (const line of this.unsaid) process.stderr.write(`${line}\n`);
  }

  private readonly resized = (): void => {
    this.screen.clear();
    this.lastBelow = '';
  };

  private readonly typed = (text: string): void => {
    const { keys, leaves } = terminalKeys(text);
    for (const key of keys) {
      try {
        this.machine?.keys(key);
      } catch (error) {
        if (!(error instanceof RangeError)) throw error;
        this.said.push(error.message);
      }
    }
    if (leaves) this.left();
  };

  private draw(): void {
    // A terminal that does not know its size says 0.
    const columns = this.output.columns > 0 ? this.output.columns : DEFAULT_WIDTH;
    const rows = this.output.rows > 0 ? this.output.rows : DEFAULT_HEIGHT;
    if (this.machine === undefined) return;
    const { video } = this.machine;
    const text = textScreen(video);
    if (text === undefined) {
      const { width, height } = screenPicture(video);
      if (this.isText) this.output.write(ERASE);
      this.isText = false;
      this.screen.clear();
      this.below(0, rows, columns, [`The screen is in a graphics mode, ${width}x${height}; gdb saves it with: monitor screendump FILE.png`]);
      return;
    }
    this.isText = true;
    const drawn = this.screen.draw(text, columns, rows);
    if (drawn.includes(ERASE)) this.lastBelow = '';
    this.output.write(drawn);
    this.below(text.rows, rows, columns, []);
  }

  /** The newest of what was said, from `row` on as far as there is room. */
  private below(row: number, rows: number, columns: number, first: readonly string[]): void {
    const room = rows - row;
    if (room < 1) return;
    const lines = [...first, ...this.said, HINT].slice(-room).map((line) => line.slice(0, columns));
    const text = lines.map((line, i) => `${place(row + i, 0)}\x1b[0m${ERASE_LINE}${line}`).join('');
    if (text === this.lastBelow) return;
    this.lastBelow = text;
    this.output.write(`${SAVE_CURSOR}${text}${RESTORE_CURSOR}`);
  }
}
