import test from 'tape';
import { AnsiScreen } from '../../../../src/vmm/display/ansi-screen.js';
import type { TextScreen } from '../../../../src/vmm/display/text-screen.js';

function screen(lines: readonly string[], change: Partial<TextScreen> = {}, attribute = 0x07): TextScreen {
  const columns = lines[0].length;
  const cells = Uint16Array.from(lines.join(''), (character) => character.charCodeAt(0) | (attribute << 8));
  return { columns, rows: lines.length, cells, characterHeight: 16, cursor: { row: 0, column: 0 }, blinks: true, ...change };
}

test('ANSI screen: all of it, then only what has changed', (t) => {
  const terminal = new AnsiScreen();
  t.equal(terminal.draw(screen(['ab', 'cd']), 80, 24), '\x1b[0m\x1b[2J\x1b[1;1H\x1b[0;37;40mab\x1b[2;1Hcd\x1b[0m\x1b[1;1H\x1b[?25h');
  t.equal(terminal.draw(screen(['ab', 'cd']), 80, 24), '\x1b[1;1H\x1b[?25h', 'nothing but the cursor');
  t.equal(terminal.draw(screen(['ab', 'xd'], { cursor: undefined }), 80, 24), '\x1b[2;1H\x1b[0;37;40mx\x1b[0m\x1b[?25l', 'one character, no cursor');
  terminal.clear();
  t.match(terminal.draw(screen(['ab', 'xd']), 80, 24), /ab.*xd/s, 'all again');
  t.end();
});

test('ANSI screen: colours', (t) => {
  const sequence = (attribute: number, blinks: boolean): string => /m\x1b\[2J\x1b\[1;1H\x1b\[(.*?)m/.exec(new AnsiScreen().draw(screen(['a'], { blinks }, attribute), 80, 24))?.[1] ?? '';
  t.deepEqual([0x07, 0x1e, 0x4f, 0x20].map((attribute) => sequence(attribute, true)), ['0;37;40', '0;93;44', '0;97;41', '0;30;42']);
  t.deepEqual([sequence(0x9f, true), sequence(0x9f, false)], ['0;5;97;44', '0;97;104'], 'blinking, or a light background');
  t.end();
});

test('ANSI screen: of a larger one the part around the cursor', (t) => {
  const drawn = new AnsiScreen().draw(screen(['abc', 'def', 'ghi'], { cursor: { row: 2, column: 1 } }), 2, 2);
  t.equal(drawn, '\x1b[0m\x1b[2J\x1b[1;1H\x1b[0;37;40mde\x1b[2;1Hgh\x1b[0m\x1b[2;2H\x1b[?25h');
  t.end();
});
