import test from 'tape';
import { LineLog } from '../../../src/cli/line-log.js';

test('line log: bytes that come one by one, line by line', (t) => {
  const lines: string[] = [];
  const log = new LineLog((line) => lines.push(line));
  for (const byte of Buffer.from('SeaBIOS\r\n\nno end')) log.write(Uint8Array.of(byte));
  t.deepEqual(lines, ['SeaBIOS', ''], 'not before its end');
  log.write(Buffer.from(' \x1b[31m\xff\n', 'latin1'));
  t.equal(lines.at(-1), 'no end .[31m.', 'a terminal is not told what firmware thinks it is');
  lines.length = 0;
  log.write(new Uint8Array(2500).fill(0x61));
  t.deepEqual(lines.map(({ length }) => length), [1000, 1000], 'a line without end in pieces');
  t.end();
});
