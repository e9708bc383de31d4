import test from 'tape';
import { terminalKeys } from '../../../src/cli/terminal-keys.js';
import { keystrokes } from '../../../src/vmm/devices/scan-codes.js';

test('terminal keys: characters, control characters, sequences', (t) => {
  t.deepEqual(terminalKeys('aZ<\r\x7f\t').keys, ['a', 'Z', '<', '\n', '\b', '\t']);
  t.deepEqual(terminalKeys('\x03\x1b[A\x1bOP\x1b[24~\x1b[3~\x1bx').keys, ['<ctrl-c>', '<up>', '<f1>', '<f12>', '<delete>', '<alt-x>']);
  t.deepEqual(terminalKeys('\x1b').keys, ['\x1b'], 'ESC alone');
  t.deepEqual(terminalKeys('é\x1b[99zx').keys, ['x'], 'what has no key is left out');
  t.deepEqual(terminalKeys('a\x1db'), { keys: ['a'], leaves: true });
  for (let code = 1; code < 0x80; code++) {
    for (const prefix of ['', '\x1b']) for (const key of terminalKeys(prefix + String.fromCharCode(code)).keys) t.ok(keystrokes(key).length > 0, JSON.stringify(key));
  }
  t.end();
});
