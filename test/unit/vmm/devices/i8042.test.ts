/** The keyboard controller through its two ports, with keyboard and mouse behind it. */
import test from 'tape';
import type { MachineEvent } from '../../../../src/vmm/device.js';
import { I8042 } from '../../../../src/vmm/devices/i8042.js';
import { KeyDecoder } from '../../../../src/vmm/bios/key-decoder.js';
import { keystrokes, setOneSequence } from '../../../../src/vmm/devices/scan-codes.js';

function bench() {
  const events: MachineEvent[] = [];
  const edges: string[] = [];
  const levels = { keyboard: false, mouse: false };
  const line = (name: 'keyboard' | 'mouse') => (level: boolean): void => {
    if (level && !levels[name]) edges.push(name);
    levels[name] = level;
  };
  const i8042 = new I8042({ raise: (event) => { events.push(event); }, keyboardIrq: line('keyboard'), mouseIrq: line('mouse') });
  const status = (): number => i8042.readPort(4, 1);
  const data = (value: number): void => i8042.writePort(0, 1, value);
  const command = (value: number, ...bytes: number[]): void => {
    i8042.writePort(4, 1, value);
    bytes.forEach(data);
  };
  /** Everything that waits, `m` before what the mouse sent. */
  const drain = (): string => {
    let text = '';
    for (let i = 0; (status() & 1) !== 0 && i < 1000; i++) text += ` ${(status() & 0x20) !== 0 ? 'm' : ''}${i8042.readPort(0, 1).toString(16)}`;
    return text.trim();
  };
  return { i8042, events, edges, status, data, command, drain };
}

test('i8042: commands of the controller', (t) => {
  const rows: readonly (readonly [name: string, command: readonly number[], answer: string])[] = [
    ['self test', [0xaa], '55'], ['keyboard line test', [0xab], '0'], ['mouse line test', [0xa9], '0'],
    ['command byte', [0x20], '64'], ['input port', [0xc0], '80'], ['output port', [0xd0], '3'],
    ['as if from the keyboard', [0xd2, 0x41], '41'], ['as if from the mouse', [0xd3, 0x42], 'm42'], ['unknown', [0x99], ''],
  ];
  for (const [name, [first, ...rest], answer] of rows) {
    const { command, drain, status } = bench();
    t.equal(status(), 0x14, 'ready, not locked');
    command(first, ...rest);
    t.equal(drain(), answer, name);
  }
  const { command, drain, events } = bench();
  command(0x60, 0x47);
  command(0x20);
  t.equal(drain(), '47', 'command byte written');
  command(0xdd);
  command(0xd0);
  t.equal(drain(), '1', 'A20 is remembered');
  command(0xd1, 0x02);
  command(0xfe);
  t.deepEqual(events.map((event) => event.cause), ['i8042 output port', 'i8042 command 0xfe']);
  t.end();
});

test('i8042: a keyboard with interrupts, as a BIOS sets it up', (t) => {
  const { i8042, command, data, drain, edges, status } = bench();
  command(0x60, 0x65); // keyboard interrupt, translation, mouse off
  data(0xff);
  t.equal(drain(), 'fa aa', 'reset');
  data(0xf0); data(0x02);
  t.equal(drain(), 'fa fa', 'scan code set 2');
  data(0xf0); data(0x00);
  t.equal(drain(), 'fa fa 41', 'which set: the controller translates answers too');
  data(0xed); data(0x07);
  t.equal(drain(), 'fa fa');
  t.equal(i8042.keyboard.leds, 7);
  data(0xf2);
  t.equal(drain(), 'fa ab 41', 'identification, translated');
  data(0xee);
  t.equal(drain(), 'ee');
  data(0x77);
  t.equal(drain(), 'fe', 'what is no command');
  edges.length = 0;
  i8042.type('aA');
  t.equal(status() & 1, 1);
  t.equal(drain(), '1e 9e 2a 1e 9e aa', 'set 1, make and break');
  t.equal(edges.length, 6, 'an edge for every byte');
  i8042.type('<up>\n');
  t.equal(drain(), 'e0 48 e0 c8 1c 9c');
  command(0x60, 0x25);
  i8042.type('a');
  t.equal(drain(), '1c f0 1c', 'without translation');
  command(0xad);
  i8042.type('b');
  t.equal(drain(), '', 'the clock is off');
  command(0xae);
  t.equal(drain(), '32 f0 32', 'and nothing was lost');
  data(0xf5);
  t.equal(drain(), 'fa');
  i8042.type('a');
  t.equal(drain(), '', 'scanning is off');
  data(0xf4);
  t.equal(drain(), 'fa 1c f0 1c');
  data(0xf0); data(0x01);
  drain();
  i8042.type('A<up>');
  t.equal(drain(), '2a 1e 9e aa e0 48 e0 c8', 'set 1 from the keyboard itself');
  t.end();
});

test('i8042: a mouse that nobody moves', (t) => {
  const { command, drain, edges } = bench();
  command(0x60, 0x47);
  command(0xa8);
  command(0xd4, 0xff);
  t.equal(drain(), 'mfa maa m0', 'reset');
  command(0xd4, 0xf2);
  t.equal(drain(), 'mfa m0', 'a standard mouse');
  command(0xd4, 0xf3); command(0xd4, 200); command(0xd4, 0xe8); command(0xd4, 3); command(0xd4, 0xf4); command(0xd4, 0xe9);
  t.equal(drain(), 'mfa mfa mfa mfa mfa mfa m20 m3 mc8', 'rate, resolution, status');
  command(0xd4, 0xeb);
  t.equal(drain(), 'mfa m8 m0 m0', 'a report when asked');
  t.ok(edges.every((edge) => edge === 'mouse') && edges.length === 18, `IRQ 12 for each of its bytes: ${edges.length}`);
  t.end();
});

test('i8042: save and restore in the middle of things', (t) => {
  const { i8042, command, data, drain } = bench();
  command(0x60, 0x47);
  i8042.type('ab');
  i8042.readPort(0, 1);
  command(0xd4);
  const state = JSON.parse(JSON.stringify(i8042.save())) as ReturnType<typeof i8042.save>;
  data(0xf2);
  const expected = drain();
  i8042.reset();
  t.equal(drain(), '');
  i8042.restore(state);
  data(0xf2);
  t.equal(drain(), expected);
  t.end();
});

test('scan codes: every printable character has a key; others are refused', (t) => {
  for (let code = 0x20; code < 0x7f; code++) t.ok(keystrokes(String.fromCharCode(code)).length >= 3, String.fromCharCode(code));
  t.deepEqual(keystrokes('<f1><f12><delete>'), [0x05, 0xf0, 0x05, 0x07, 0xf0, 0x07, 0xe0, 0x71, 0xe0, 0xf0, 0x71]);
  t.deepEqual(keystrokes('<'), [0x12, 0x41, 0xf0, 0x41, 0xf0, 0x12], 'a lone < is a character');
  t.throws(() => keystrokes('ü'), /^RangeError: There is no key for "ü" on a US keyboard\.$/);
  t.throws(() => keystrokes('<warp9>'), /There is no key for "<warp9>"/);
  t.throws(() => bench().i8042.type('a'.repeat(30_000)), /type less, or wait/);
  t.end();
});

/** What the controller gives of a text, translated. */
function setOneBytes(text: string): number[] {
  const bytes: number[] = [];
  let sequence: number[] = [];
  for (const code of keystrokes(text)) {
    sequence.push(code);
    if (code === 0xe0 || code === 0xf0) continue;
    bytes.push(...setOneSequence(sequence));
    sequence = [];
  }
  return bytes;
}

test('keys by name, and together', (t) => {
  t.deepEqual(keystrokes('<ctrl-alt-delete>'), [0x14, 0x11, 0xe0, 0x71, 0xe0, 0xf0, 0x71, 0xf0, 0x11, 0xf0, 0x14]);
  t.deepEqual(keystrokes('<ctrl-c>'), [0x14, 0x21, 0xf0, 0x21, 0xf0, 0x14]);
  t.deepEqual(keystrokes('<ctrl-A>'), [0x14, 0x12, 0x1c, 0xf0, 0x1c, 0xf0, 0x12, 0xf0, 0x14], 'a character that needs Shift');
  t.deepEqual(keystrokes('<enter><space><esc>'), keystrokes('\n \x1b'));
  t.deepEqual(keystrokes('a<b>c'), keystrokes('a').concat(keystrokes('<'), keystrokes('b>c')), 'a letter in angle brackets is three characters');
  t.throws(() => keystrokes('<ctrl-hello>'), /^RangeError: There is no key for "<ctrl-hello>" on a US keyboard\.$/);
  t.throws(() => keystrokes('<hello-a>'), /no key/);
  t.throws(() => keystrokes('é'), /no key for "é"/);
  t.end();
});

test('BIOS keys from scan codes', (t) => {
  const decode = (text: string): (number | 'reset')[] => {
    const decoder = new KeyDecoder();
    return setOneBytes(text).map((code) => decoder.take(code)).filter((key) => key !== undefined);
  };
  t.deepEqual(decode('aA1!\n'), [0x1e61, 0x1e41, 0x0231, 0x0221, 0x1c0d]);
  t.deepEqual(decode('<f1><up><ctrl-c><alt-x><esc>'), [0x3b00, 0x4800, 0x2e03, 0x2d00, 0x011b]);
  t.deepEqual(decode('<ctrl-alt-del>'), ['reset']);
  const decoder = new KeyDecoder();
  decoder.take(0x2a);
  t.equal(decoder.flags, 2, 'left Shift is held');
  decoder.take(0xaa);
  t.equal(decoder.flags, 0);
  t.end();
});
