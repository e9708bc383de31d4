/** The 8259A by its ports and pins (datasheet, December 1988). */
import test from 'tape';
import { ELCR, I8259 } from '../../../../src/vmm/devices/i8259.js';

function chip(cascade?: number): I8259 {
  const made = new I8259('pic', { levelInputs: 0xf8, changed: () => undefined, ...(cascade !== undefined && { cascade }) });
  for (const [offset, value] of [[0, 0x11], [1, 0x20], [1, 0x04], [1, 0x01], [1, 0x00]] as const) made.writePort(offset, 1, value);
  return made;
}

function pulse(pic: I8259, ...inputs: number[]): void {
  for (const input of inputs) {
    pic.setInput(input, true);
    pic.setInput(input, false);
  }
}

const isr = (pic: I8259): number => {
  pic.writePort(0, 1, 0x0b);
  return pic.readPort(0, 1);
};

test('8259: the highest priority first, and what is in service keeps the lower ones back', (t) => {
  const pic = chip();
  t.notOk(pic.output);
  pulse(pic, 5, 1);
  t.ok(pic.output);
  t.deepEqual(pic.acknowledge(), { input: 1, vector: 0x21 });
  t.notOk(pic.output, 'input 5 waits');
  pulse(pic, 0);
  t.deepEqual(pic.acknowledge(), { input: 0, vector: 0x20 }, 'a higher one nests');
  t.equal(isr(pic), 0x03);
  pic.writePort(0, 1, 0x20);
  t.equal(isr(pic), 0x02, 'an end of interrupt ends the highest');
  pic.writePort(0, 1, 0x61);
  t.equal(isr(pic), 0, 'or the one it names');
  t.equal(pic.acknowledge().input, 5);
  pic.writePort(0, 1, 0x20);
  t.deepEqual(pic.acknowledge(), { input: 7, vector: 0x27 }, 'nothing is requested: input 7');
  t.equal(isr(pic), 0, 'which is not in service');
  t.end();
});

test('8259: masks, edges and levels', (t) => {
  const pic = chip();
  pic.writePort(1, 1, 0x08);
  pic.setInput(3, true);
  t.deepEqual([pic.output, pic.readPort(1, 1)], [false, 0x08]);
  pic.writePort(1, 1, 0);
  pic.acknowledge();
  pic.writePort(0, 1, 0x20);
  t.notOk(pic.output, 'an edge is one interrupt, however long the line is high');
  pic.setInput(3, false);
  pic.writePort(ELCR, 1, 0xff);
  t.equal(pic.readPort(ELCR, 1), 0xf8, 'timer, keyboard and cascade are edges for good');
  pic.setInput(3, true);
  pic.acknowledge();
  pic.writePort(0, 1, 0x20);
  t.ok(pic.output, 'a level comes again');
  pic.setInput(3, false);
  t.notOk(pic.output);
  pic.setInput(4, true);
  pic.writePort(0, 1, 0x11);
  for (const value of [0x50, 0x04, 0x01]) pic.writePort(1, 1, value);
  t.deepEqual([pic.output, pic.acknowledge().vector], [true, 0x54], 'a level outlives the initialization, which unmasks');
  t.end();
});

test('8259: rotation, automatic end, special mask, poll', (t) => {
  const pic = chip();
  pulse(pic, 0, 1);
  pic.acknowledge();
  pic.writePort(0, 1, 0xa0);
  pulse(pic, 0);
  t.equal(pic.acknowledge().input, 1, 'what was served is the lowest now');
  pic.writePort(0, 1, 0x21 | 0x40);
  pic.writePort(0, 1, 0xc7);
  t.equal(pic.view.highest, 0, 'set priority');
  pic.acknowledge();
  pic.writePort(1, 1, 0x01);
  pulse(pic, 6);
  t.notOk(pic.output);
  pic.writePort(0, 1, 0x68);
  t.ok(pic.output, 'special mask: one that is masked in service keeps nobody back');
  pic.writePort(0, 1, 0x0c);
  t.equal(pic.readPort(0, 1), 0x86, 'a poll acknowledges');
  pic.writePort(0, 1, 0x0c);
  t.equal(pic.readPort(0, 1), 0, 'or says that there is nothing');
  pic.writePort(0, 1, 0x20);
  t.equal(isr(pic), 0x01, 'an end of interrupt that names none ends one that is not masked');
  pic.writePort(0, 1, 0x20);
  t.equal(isr(pic), 0x01, 'or none');
  pic.writePort(0, 1, 0x60);
  t.equal(isr(pic), 0);

  for (const [offset, value] of [[0, 0x13], [1, 0x40], [1, 0x03]] as const) pic.writePort(offset, 1, value);
  pic.writePort(1, 1, 0);
  pulse(pic, 2, 3);
  t.deepEqual([pic.acknowledge().vector, pic.acknowledge().vector, isr(pic)], [0x42, 0x43, 0], 'a single one with automatic end');
  t.end();
});

test('8259: special fully nested lets the slave in twice; a saved one goes on as it was', (t) => {
  const master = chip(2);
  pulse(master, 2);
  master.acknowledge();
  pulse(master, 2);
  t.notOk(master.output);
  for (const [offset, value] of [[0, 0x11], [1, 0x20], [1, 0x04], [1, 0x11]] as const) master.writePort(offset, 1, value);
  pulse(master, 2);
  master.acknowledge();
  pulse(master, 2);
  t.ok(master.output);
  const saved = master.save();
  const other = new I8259('other', { levelInputs: 0xf8, cascade: 2, changed: () => undefined });
  other.restore(saved);
  t.deepEqual([other.view, other.acknowledge()], [master.view, master.acknowledge()]);
  t.throws(() => other.restore({}), /^TypeError: A saved 8259 has no "irr"\.$/);
  other.reset();
  t.notOk(other.output);
  t.end();
});

test('8259: an acknowledge that is undone is a request again', (t) => {
  const pic = chip();
  pulse(pic, 3);
  pic.setInput(5, true);
  const { vector } = pic.acknowledge();
  t.notOk(pic.unacknowledge(vector + 1), 'another one is not in service');
  t.notOk(pic.unacknowledge(0x1f), 'nor one that is none of its vectors');
  t.equal(isr(pic), 0x08);
  t.ok(pic.unacknowledge(vector));
  t.equal(isr(pic), 0);
  t.deepEqual(pic.acknowledge(), { input: 3, vector }, 'its turn is the same');
  t.ok(pic.unacknowledge(vector));
  t.notOk(pic.unacknowledge(vector), 'once');
  t.end();
});

test('8259: a level is a request as long as it lasts, also when its acknowledge is undone', (t) => {
  const pic = chip();
  pic.writePort(ELCR, 1, 0x20);
  pic.setInput(5, true);
  const { vector } = pic.acknowledge();
  pic.setInput(5, false);
  t.ok(pic.unacknowledge(vector));
  t.notOk(pic.output, 'it is over');
  pic.setInput(5, true);
  t.equal(pic.acknowledge().vector, vector);
  t.end();
});

test('8259: with automatic EOI there is no record of what is in service, and each of its vectors may be', (t) => {
  const pic = new I8259('pic', { levelInputs: 0xf8, changed: () => undefined });
  for (const [offset, value] of [[0, 0x11], [1, 0x20], [1, 0x04], [1, 0x03], [1, 0x00]] as const) pic.writePort(offset, 1, value);
  pulse(pic, 1);
  const { vector } = pic.acknowledge();
  t.notOk(pic.output);
  t.notOk(pic.unacknowledge(0x28));
  t.ok(pic.unacknowledge(vector));
  t.ok(pic.output);
  t.end();
});
