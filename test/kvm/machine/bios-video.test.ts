/** INT 10h of the built-in BIOS: what boot sectors ask of it, seen on the screen. */
import test from 'tape';
import { screenPicture } from '../../../src/vmm/display/screen-picture.js';
import { textRows, textScreen } from '../../../src/vmm/display/text-screen.js';
import { Machine } from '../../../src/vmm/machine.js';
import { runUntilEnd } from '../../../src/vmm/run-machine.js';
import { patience } from '../../time-scale.js';

const LOAD = 0x7c00, DATA = 0x7e00;

interface Registers {
  readonly ax: number;
  readonly bx?: number;
  readonly cx?: number;
  readonly dx?: number;
  readonly bp?: number;
  readonly di?: number;
}

const WORD = (value: number): number[] => [value & 0xff, (value >> 8) & 0xff];
/** mov of each register; int 10h; and AX, BX, CX, DX to 0600h. */
const INT10 = ({ ax, bx = 0, cx = 0, dx = 0, bp = 0, di = 0 }: Registers): number[] => [
  0xbd, ...WORD(bp), 0xbf, ...WORD(di), 0xbb, ...WORD(bx), 0xb9, ...WORD(cx), 0xba, ...WORD(dx), 0xb8, ...WORD(ax), 0xcd, 0x10,
  0xa3, 0x00, 0x06, 0x89, 0x1e, 0x02, 0x06, 0x89, 0x0e, 0x04, 0x06, 0x89, 0x16, 0x06, 0x06,
];
const END = [0xb0, 0, 0xe6, 0xf4];

interface Ran {
  readonly machine: Machine;
  readonly said: readonly string[];
  /** What the last call left. */
  readonly words: () => { ax: number; bx: number; cx: number; dx: number };
  readonly word: (address: number) => number;
  readonly pixel: (x: number, y: number) => string;
}

async function run(calls: readonly Registers[], data: readonly number[] = []): Promise<Ran> {
  const said: string[] = [];
  const bytes = new Uint8Array(DATA - LOAD + Math.max(1, data.length));
  bytes.set([...calls.flatMap(INT10), ...END]);
  bytes.set(data, DATA - LOAD);
  const machine = Machine.create({
    memory: 4 << 20, guest: { bytes, name: 'test', boot: 'flat', mode: 'real' }, bios: { disks: [] }, log: (sentence) => said.push(sentence),
  });
  const end = await runUntilEnd(machine, patience(20_000));
  if (end.kind !== 'event') throw new Error(`the guest did not end: ${end.kind}`);
  const word = (address: number): number => new DataView(machine.memory.read(address, 2).buffer).getUint16(0, true);
  return {
    machine, said, word,
    words: () => ({ ax: word(0x600), bx: word(0x602), cx: word(0x604), dx: word(0x606) }),
    pixel: (x, y) => {
      const { rgb, width } = screenPicture(machine.video);
      return Buffer.from(rgb.subarray(3 * (y * width + x), 3 * (y * width + x) + 3)).toString('hex');
    },
  };
}

test('INT 10h: pages, cursor, strings, windows in text', async (t) => {
  const { machine, words } = await run([
    { ax: 0x0003 }, { ax: 0x0100, cx: 0x0607 }, { ax: 0x1301, bx: 0x011e, cx: 5, dx: 0x0203, bp: DATA }, { ax: 0x0501 },
    { ax: 0x0200, bx: 0x0100, dx: 0x0305 }, { ax: 0x0941, bx: 0x014f, cx: 3 }, { ax: 0x0800, bx: 0x0100 },
  ], [...Buffer.from('Hello')]);
  const screen = textScreen(machine.video)!;
  t.equal(textRows(screen)[2], '   Hello');
  t.equal(textRows(screen)[3], '     AAA');
  t.deepEqual(screen.cursor, { row: 3, column: 5 });
  t.equal(words().ax, 0x4f41, 'character and attribute at the cursor');
  t.equal(screen.cells[2 * 80 + 3], 0x1e48, 'a string\'s attribute');
  machine.close();
});

test('INT 10h: the text modes, each by its columns, its memory and its picture; mode 7 underlines', async (t) => {
  const dots = (ran: Ran, row: number): string[] => [0, 1, 2, 3, 4, 5, 6, 7, 8].map((x) => ran.pixel(x, row));
  for (const [mode, columns, address, crtc] of [[0, 40, 0xb_8000, 0x3d4], [1, 40, 0xb_8000, 0x3d4], [2, 80, 0xb_8000, 0x3d4], [3, 80, 0xb_8000, 0x3d4], [7, 80, 0xb_0000, 0x3b4]] as const) {
    const ran = await run([{ ax: mode }, { ax: 0x0920, bx: 0x0001, cx: 1 }, { ax: 0x0200, dx: 0x0102 }, { ax: 0x0e41 }, { ax: 0x0f00 }]);
    const { machine, words, word } = ran;
    const name = `mode ${mode}`;
    t.deepEqual([words().ax, word(0x44a), word(0x463)], [(columns << 8) | mode, columns, crtc], name);
    const screen = textScreen(machine.video)!;
    t.deepEqual([screen.columns, screen.rows, textRows(screen)[1]], [columns, 25, '  A'], `${name}: what is printed`);
    t.equal(machine.memory.readByte(address + 2 * (columns + 2)), 0x41, `${name}: is at 0x${address.toString(16)}`);
    t.deepEqual(screen.cursor, { row: 1, column: 3 }, `${name}: its cursor`);
    const { width, height } = screenPicture(machine.video);
    t.deepEqual([width, height], [9 * columns, 400]);
    t.deepEqual(dots(ran, 13), Array(9).fill(mode === 7 ? 'aaaaaa' : '000000'), `${name}: attribute 1 is ${mode === 7 ? 'underlined, in grey' : 'blue, without a line'}`);
    machine.close();
  }
});

test('INT 10h: mode 13h, its pixels, its palette and letters', async (t) => {
  const { machine, said, words, pixel } = await run([
    { ax: 0x0013 }, { ax: 0x1010, bx: 200, cx: 0x2000, dx: 0x3f00 }, { ax: 0x0cc8, cx: 319, dx: 199 }, { ax: 0x0e00 | 0x7c, bx: 0x0e },
    { ax: 0x0d00, cx: 319, dx: 199 },
  ]);
  t.equal(words().ax & 0xff, 200, 'AH=0Dh reads the pixel');
  t.equal(pixel(319, 199), 'ff8200', 'the colour of AH=10h');
  t.deepEqual([0, 1, 2, 3, 4, 5, 6, 7].map((x) => pixel(x, 3)).filter((colour) => colour === 'ffff55').length > 0, true, 'a bar in yellow');
  t.equal(textScreen(machine.video), undefined);
  t.deepEqual(said, []);
  machine.close();
});

test('INT 10h: mode 12h, and scrolling it', async (t) => {
  const { machine, words, pixel } = await run([
    { ax: 0x0012 }, { ax: 0x0c0c, cx: 100, dx: 40 }, { ax: 0x0601, bx: 0x0100, cx: 0, dx: 0x1d4f }, { ax: 0x0c89, cx: 100, dx: 24 }, { ax: 0x0f00 },
  ]);
  t.equal(pixel(100, 24), 'aa00aa', 'up by 16 rows, and exclusive or with 9: 12 ^ 9 = 5');
  t.deepEqual([words().ax, words().bx >> 8], [0x5012, 0], '80 columns, mode 12h');
  machine.close();
});

test('INT 10h: 50 rows by the small font, and where the fonts are', async (t) => {
  const { machine, word, words } = await run([{ ax: 0x0003 }, { ax: 0x1112 }, { ax: 0x1130, bx: 0x0600 }]);
  const screen = textScreen(machine.video)!;
  t.deepEqual([screen.rows, screen.characterHeight, word(0x485)], [50, 8, 8]);
  t.deepEqual([words().cx, words().dx & 0xff], [8, 49]);
  machine.close();
});

test('INT 10h: 28 rows by the font of 14 lines; in graphics INT 43h has the font of the mode', async (t) => {
  const glyphAt = ({ machine }: Ran, address: number, height: number, character: number): number[] => [...machine.memory.read(address + height * character, height)];
  const text = await run([{ ax: 0x0003 }, { ax: 0x1111 }, { ax: 0x1130, bx: 0x0200 }]);
  const screen = textScreen(text.machine.video)!;
  t.deepEqual([screen.rows, screen.characterHeight, text.word(0x485)], [28, 14, 14]);
  t.deepEqual([text.words().cx, text.words().dx & 0xff], [14, 27]);
  const shown = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13].map((row) => (text.machine.video.memory.words[0x41 * 32 + row] >>> 16) & 0xff);
  t.deepEqual(shown, glyphAt(text, 0xf_b000, 14, 0x41), 'what is shown is what AX=1130h, BH=2 tells of');
  t.deepEqual([shown.filter((bits) => bits !== 0).length, shown[12], shown[13]], [10, 0, 0], 'an A, with room below');
  t.ok(glyphAt(text, 0xf_b000, 14, 0xb3).every((bits) => bits === 0x18), 'a line goes on from row to row');
  text.machine.close();
  const pixels = (ran: Ran, height: number): number[] => Array.from({ length: height }, (_, y) =>
    [0, 1, 2, 3, 4, 5, 6, 7].reduce((bits, x) => bits | (ran.pixel(x, y) === '000000' ? 0 : 0x80 >> x), 0));
  for (const [mode, height] of [[0x13, 8], [0x10, 14], [0x12, 16]] as const) {
    const ran = await run([{ ax: mode }, { ax: 0x0e41, bx: 0x000f }]);
    const address = ran.word(0x43 * 4) + 16 * ran.word(0x43 * 4 + 2);
    t.deepEqual(pixels(ran, height), glyphAt(ran, address, height, 0x41), `mode ${mode.toString(16)}h draws with it`);
    t.equal(ran.word(0x485), height);
    ran.machine.close();
  }
});

test('INT 10h: VESA modes', async (t) => {
  const { machine, words, pixel, word } = await run([
    { ax: 0x4f00, di: 0x8000 }, { ax: 0x4f01, cx: 0x115, di: 0x9000 }, { ax: 0x4f02, bx: 0x4115 }, { ax: 0x4f03 },
  ]);
  t.equal(Buffer.from(machine.memory.read(0x8000, 4)).toString(), 'VESA');
  t.equal(word(0x8000 + 18), 256, '64 KiB blocks');
  t.deepEqual([word(0x9000 + 18), word(0x9000 + 20), machine.memory.readByte(0x9000 + 25)], [800, 600, 24]);
  const framebuffer = word(0x9000 + 40) + word(0x9000 + 42) * 0x1_0000;
  t.deepEqual([words().ax, words().bx], [0x004f, 0x4115]);
  machine.memory.write(framebuffer, Uint8Array.of(0x11, 0x22, 0x33));
  t.equal(pixel(0, 0), '332211', 'the linear framebuffer');
  machine.close();
  const other = await run([{ ax: 0x4f02, bx: 0x4115 }, { ax: 0x0003 }]);
  t.equal(textScreen(other.machine.video)?.columns, 80, 'back to text');
  other.machine.close();
  const failed = await run([{ ax: 0x4f02, bx: 0x41ff }]);
  t.equal(failed.words().ax, 0x014f, 'a mode that there is not');
  failed.machine.close();
});
