/** The card's registers, its colours and Bochs VBE, save and restore, and any register value at all. */
import test from 'tape';
import { retraceStatus } from '../../../../../src/vmm/devices/vga/retrace.js';
import { screenPicture } from '../../../../../src/vmm/display/screen-picture.js';
import { testCard } from './card-fixture.js';
import { randomNumbers } from '../../../../random-numbers.js';

test('VGA: registers behind their indices, the flip-flop, protection, mono and colour ports', (t) => {
  const { ports, out, set } = testCard();
  const read = (port: number, index: number): number => {
    ports.write(port, 1, index);
    return ports.read(port + 1, 1);
  };
  t.deepEqual([read(0x3d4, 0x01), read(0x3d4, 0x12), read(0x3c4, 4), read(0x3ce, 6)], [0x4f, 0x8f, 0x02, 0x0e], 'mode 3');
  set(0x3d4, 0x01, 0x27);
  t.equal(read(0x3d4, 0x01), 0x4f, 'CRTC 0 to 7 are protected');
  set(0x3d4, 0x11, 0x0e);
  set(0x3d4, 0x01, 0x27);
  t.equal(read(0x3d4, 0x01), 0x27);
  ports.read(0x3da, 1);
  out(0x3c0, 0x02, 0x15);
  ports.read(0x3da, 1);
  out(0x3c0, 0x02);
  t.equal(ports.read(0x3c1, 1), 0x15, 'a palette register');
  ports.read(0x3da, 1);
  out(0x3c0, 0x22, 0x11);
  ports.read(0x3da, 1);
  out(0x3c0, 0x22);
  t.equal(ports.read(0x3c1, 1), 0x15, 'which does not change while the screen has it');
  t.equal(ports.read(0x3b4, 1), 0xff, 'no monochrome CRTC');
  out(0x3c2, 0x66);
  t.deepEqual([ports.read(0x3d4, 1), ports.read(0x3b4, 1)], [0xff, 0x01], 'until it is moved there');
  t.deepEqual([ports.read(0x3cc, 1), ports.read(0x3ca, 1)], [0x66, 0]);
  t.end();
});

test('VGA: the DAC counts through red, green, blue', (t) => {
  const { ports, out, card } = testCard();
  out(0x3c8, 5);
  out(0x3c9, 0x3f, 0x20, 0xff, 1, 2, 3);
  t.equal(card.vga.dac.rgb(5), 0xff82ff, '6 bits; two more are cut off');
  out(0x3c7, 5);
  t.deepEqual([ports.read(0x3c9, 1), ports.read(0x3c9, 1), ports.read(0x3c9, 1), ports.read(0x3c9, 1)], [0x3f, 0x20, 0x3f, 1]);
  t.equal(ports.read(0x3c7, 1), 3, 'last was a read');
  out(0x3c6, 0x0f);
  t.equal(card.vga.dac.rgb(0xf5), 0xff82ff, 'the pixel mask');
  t.end();
});

test('VGA: retrace bits by the time of a 70 Hz picture', (t) => {
  const line = (number: number, part = 0.1): bigint => BigInt(Math.round(((number + part) * 1e9) / 31_469));
  t.equal(retraceStatus(400, line(0)), 0);
  t.equal(retraceStatus(400, line(100, 0.9)), 1, 'between two lines');
  t.equal(retraceStatus(400, line(405)), 1, 'below the picture');
  t.equal(retraceStatus(400, line(412, 0.5)), 9, 'vertical retrace');
  t.equal(retraceStatus(400, line(449)), 0, 'the next picture');
  t.equal(retraceStatus(480, line(493)), 9);
  t.end();
});

test('Bochs VBE: a mode, its banks, its framebuffer', (t) => {
  const { card, ports, dispi, memory, said, poke } = testCard();
  const read = (index: number): number => {
    ports.write(0x1ce, 2, index);
    return ports.read(0x1cf, 2);
  };
  t.deepEqual([read(0), read(10)], [0xb0c5, 256], '16 MiB');
  dispi(4, 2);
  t.deepEqual([read(1), read(2), read(3)], [2560, 1600, 32], 'the most there is');
  dispi(4, 0);
  dispi(1, 640);
  dispi(2, 480);
  dispi(3, 32);
  dispi(4, 0x41);
  t.deepEqual([card.dispi.isOn, card.dispi.pitch, read(6), read(7)], [true, 2560, 640, 6553]);
  dispi(5, 3);
  poke(0xa_0000 + 8, 0x10, 0x20, 0x30);
  t.deepEqual([...card.memory.bytes.subarray(0x3_0008, 0x3_000b)], [0x10, 0x20, 0x30], 'bank 3 is plain memory at A0000');
  card.memory.placeFramebuffer(0xe000_0000);
  memory.write(0xe000_0000 + 4 * (640 * 2 + 1), Uint8Array.of(1, 2, 3, 0));
  const { rgb, width, height } = screenPicture(card);
  t.deepEqual([width, height, [...rgb.subarray(3 * (640 * 2 + 1), 3 * (640 * 2 + 1) + 3)]], [640, 480, [3, 2, 1]]);
  dispi(5, 0xffff);
  t.equal(read(5), 3, 'no bank beyond the memory');
  dispi(9, 0xffff);
  t.equal(read(9), 0, 'no offset beyond the memory');
  card.memory.placeFramebuffer(0);
  t.match(said.at(-1) ?? '', /The video card's memory is not there: .* overlaps the RAM/);
  dispi(4, 0);
  t.equal(card.dispi.isOn, false);
  t.equal(screenPicture(card).width, 720, 'text again');
  t.end();
});

test('VGA: saved and restored, it shows the same', (t) => {
  for (const number of [3, 0x12, 0x13]) {
    const one = testCard();
    one.mode(number);
    for (let i = 0; i < 2000; i++) one.poke((number === 3 ? 0xb_8000 : 0xa_0000) + i, (i * 7) & 0xff);
    const saved = JSON.parse(JSON.stringify(one.card.devices.map((device) => device.save()))) as ReturnType<typeof one.card.dispi.save>[];
    const other = testCard();
    other.mode(0x13);
    other.poke(0xa_0000, 1, 2, 3);
    other.card.devices.forEach((device, i) => device.restore(saved[i]));
    // Its memory is saved with all memory, once everything is in it.
    one.memory.onSettle?.();
    other.card.memory.bytes.set(one.card.memory.bytes);
    t.deepEqual(screenPicture(other.card), screenPicture(one.card), `mode ${number.toString(16)}h`);
    t.deepEqual(other.card.devices.map((device) => device.save()), saved);
  }
  t.end();
});

test('VGA: any values in any registers, and any access to its memory', (t) => {
  const random = randomNumbers(20_261_121);
  const { card, ports, poke, peek } = testCard();
  for (let round = 0; round < 60; round++) {
    for (let i = 0; i < 300; i++) {
      const port = random(8) === 0 ? 0x1ce + random(3) : 0x3b0 + random(0x30);
      const size = ([1, 1, 2, 4] as const)[random(4)];
      if (random(4) === 0) ports.read(port, size);
      else ports.write(port, size, random(4) === 0 ? random(0x1_0000) : random(0x20));
      if (random(4) === 0) poke(0xa_0000 + random(0x2_0000), random(256));
      if (random(4) === 0) peek(0xa_0000 + random(0x2_0000));
    }
    if (card.dispi.isOn && random(3) > 0) {
      ports.write(0x1ce, 2, 4);
      ports.write(0x1cf, 2, 0);
    }
    const { width, height, rgb } = screenPicture(card);
    if (width < 1 || height < 1 || rgb.length !== 3 * width * height) t.fail(`round ${round}: a picture of ${width}x${height}`);
    const saved = card.devices.map((device) => device.save());
    card.devices.forEach((device, i) => device.restore(saved[i]));
  }
  card.devices.forEach((device) => device.reset());
  t.equal(screenPicture(card).width, 720, 'after a reset it shows text');
  t.end();
});
