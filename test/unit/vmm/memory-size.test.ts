import test from 'tape';
import { checkRamSize, formatSize, parseSize } from '../../../src/vmm/memory-size.js';

test('parseSize', (t) => {
  for (const [text, bytes] of [['128M', 2 ** 27], ['2g', 2 ** 31], ['64KiB', 65536], ['0x100000', 2 ** 20], ['1.5M', 1572864], ['4096', 4096], [' 1 MB ', 2 ** 20]] as const) {
    t.equal(parseSize(text), bytes, text);
  }
  for (const text of ['', 'M', '12Q', '-1M', '1e9', '0.3', 'lots']) t.throws(() => parseSize(text), /is not a memory size; write/, `"${text}"`);
  t.end();
});

test('checkRamSize', (t) => {
  t.doesNotThrow(() => checkRamSize(2 ** 20, 2 ** 30));
  t.throws(() => checkRamSize(4096, 2 ** 30), /at least 1 MiB/);
  t.throws(() => checkRamSize(0, 2 ** 30), /at least 1 MiB/);
  t.throws(() => checkRamSize(2 ** 20 + 1, 2 ** 30), /4 KiB pages/);
  t.throws(() => checkRamSize(2 ** 40, 2 ** 30), /1024 GiB of guest memory is more than this host has \(1024 MiB\)/);
  t.equal(formatSize(2 ** 27), '128 MiB');
  t.equal(formatSize(5), '5 bytes');
  t.end();
});
