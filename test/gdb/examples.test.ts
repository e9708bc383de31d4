/** Every example guest, debugged by the real gdb as its session.gdb says, prints what its expected.txt says. */
import test from 'tape';
import { compareWithExpected, exampleNames, FORCED_MECHANISMS, runExample, splitCommandLine } from './support/example-session.js';
import { buildGuests } from './support/gdb-session.js';

const EXAMPLES = [
  'bios', 'bootsector', 'faults', 'hello', 'kernel32', 'kernel64', 'modes', 'multiboot2', 'picture', 'printing', 'prompt', 'prompt2', 'protected', 'reading',
  'smp', 'workers',
];

test('a session\'s server line is split as a shell would', (t) => {
  t.deepEqual(splitCommandLine('build/a.elf --append \'root=/dev/ram verbose\' --x="b c"'),
    ['build/a.elf', '--append', 'root=/dev/ram verbose', '--x=b c']);
  t.end();
});

test('every example has a session', (t) => {
  buildGuests();
  t.deepEqual(exampleNames(), EXAMPLES);
  t.end();
});

for (const name of EXAMPLES) {
  for (const options of [[], ...FORCED_MECHANISMS.map((mechanisms) => ['--mechanisms', mechanisms])]) {
    test(`the session of ${name} ${options.join(' ')}`, async (t) => {
      const difference = compareWithExpected(name, await runExample(name, options));
      t.equal(difference, undefined, 'prints what expected.txt says');
    });
  }
}
