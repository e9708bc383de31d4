import test from 'tape';
import { gdbArguments, gdbLine } from '../../../src/cli/gdb-line.js';

test('gdb line: helper before file before connection, the rest after it', (t) => {
  t.deepEqual(gdbArguments({ address: '127.0.0.1:1234', helper: '/h.py', executable: '/k.elf', extra: ['-ex', 'break main'] }),
    ['-q', '-x', '/h.py', '-ex', 'file /k.elf', '-ex', 'target remote 127.0.0.1:1234', '-ex', 'break main']);
  t.equal(gdbLine({ address: '[::1]:1', helper: '/h.py' }), `gdb -q -x /h.py -ex 'target remote [::1]:1'`);
  t.end();
});

test('gdb line: names with blanks and quotes survive the shell and gdb', (t) => {
  t.equal(gdbLine({ address: '/tmp/s', helper: `/a b/it's.py`, executable: '/my "k".elf' }),
    `gdb -q -x '/a b/it'\\''s.py' -ex 'file "/my \\"k\\".elf"' -ex 'target remote /tmp/s'`);
  t.end();
});
