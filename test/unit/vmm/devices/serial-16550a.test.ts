import test from 'tape';
import { INPUT_LIMIT, Serial16550A } from '../../../../src/vmm/devices/serial-16550a.js';

const DATA = 0, IER = 1, IIR = 2, FCR = 2, LCR = 3, MCR = 4, LSR = 5, MSR = 6, SCRATCH = 7;

function makeSerial(): { uart: Serial16550A; sent: number[]; irq: boolean[]; read: (r: number) => number; write: (r: number, v: number) => void } {
  const sent: number[] = [];
  const irq: boolean[] = [];
  const uart = new Serial16550A('serial0', { write: (bytes) => sent.push(...bytes) }, (level) => irq.push(level));
  return { uart, sent, irq, read: (r) => uart.readPort(r, 1), write: (r, v) => uart.writePort(r, 1, v) };
}

test('transmits, and the transmitter is always empty', (t) => {
  const { sent, read, write } = makeSerial();
  t.equal(read(LSR), 0x60);
  write(DATA, 0x41);
  write(DATA, 0x42);
  t.deepEqual(sent, [0x41, 0x42]);
  t.equal(read(LSR), 0x60);
  t.end();
});

test('the divisor latch hides data and IER', (t) => {
  const { sent, read, write } = makeSerial();
  write(LCR, 0x83);
  write(DATA, 0x01);
  write(IER, 0x02);
  t.deepEqual([read(DATA), read(IER), sent.length], [1, 2, 0]);
  write(LCR, 0x03);
  t.equal(read(IER), 0);
  write(SCRATCH, 0xa5);
  t.equal(read(SCRATCH), 0xa5);
  t.end();
});

test('receives: one byte without FIFO, sixteen with, the rest waits', (t) => {
  const { uart, read, write } = makeSerial();
  t.equal(uart.receive(Uint8Array.from({ length: 20 }, (_, i) => i)), 20);
  t.equal(read(LSR) & 1, 1);
  t.deepEqual(Array.from({ length: 20 }, () => read(DATA)), Array.from({ length: 20 }, (_, i) => i), 'in order, none lost');
  t.equal(read(LSR) & 3, 0, 'no data, no overrun');
  write(FCR, 0x01);
  t.equal(read(IIR) & 0xc0, 0xc0, 'FIFOs are there');
  t.equal(uart.receive(new Uint8Array(INPUT_LIMIT + 100)), INPUT_LIMIT, 'what waits is bounded');
  write(FCR, 0x03);
  t.equal(read(LSR) & 1, 1, 'clearing the FIFO lets the waiting in');
  t.end();
});

test('interrupts by priority, and the line follows', (t) => {
  const { uart, irq, read, write } = makeSerial();
  t.equal(read(IIR), 0x01, 'none');
  write(IER, 0x02);
  t.deepEqual(irq, [true], 'enabling THRE raises it');
  t.equal(read(IIR), 0x02);
  t.equal(read(IIR), 0x01, 'reading IIR clears it');
  write(DATA, 0x30);
  t.equal(read(IIR), 0x02, 'a byte sent raises it again');
  write(IER, 0x03);
  uart.receive(Uint8Array.of(9));
  t.equal(read(IIR), 0x04, 'received data comes first');
  t.equal(read(DATA), 9);
  t.equal(read(IIR), 0x01);
  t.deepEqual(irq, [true, false, true, false, true, false], 'the line went up and down with each');
  write(FCR, 0xc1);
  uart.receive(Uint8Array.of(1));
  t.equal(read(IIR), 0xcc, 'below the trigger: character time-out');
  uart.receive(new Uint8Array(13));
  t.equal(read(IIR), 0xc4, 'fourteen: the trigger level');
  t.end();
});

test('loopback: data, modem lines, overrun', (t) => {
  const { sent, read, write } = makeSerial();
  t.equal(read(MSR) & 0xf0, 0xb0, 'a terminal is there');
  write(MCR, 0x10);
  t.equal(read(MSR) & 0xf0, 0, 'lines follow MCR');
  write(MCR, 0x1f);
  t.equal(read(MSR), 0xfb, 'all four up, deltas of three; RI only counts its fall');
  t.equal(read(MSR), 0xf0, 'reading clears the deltas');
  write(DATA, 0x11);
  t.deepEqual(sent, [], 'nothing leaves');
  write(DATA, 0x22);
  write(IER, 0x04);
  t.equal(read(IIR), 0x06, 'line status interrupt');
  t.equal(read(LSR) & 3, 3, 'data and overrun');
  t.equal(read(LSR) & 2, 0, 'reading clears the overrun');
  t.equal(read(DATA), 0x22, 'the new byte replaced the old');
  t.end();
});
