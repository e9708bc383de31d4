/** The decoder must not care how the bytes are cut: every row is fed whole, byte by byte, and at every split point. */
import test from 'tape';
import { PacketDecoder } from '../../../src/rsp/packet-decoder.js';
import { decodedEvents } from './decoded-events.js';
import { frame } from './wire.js';

const LIMIT = 64;

const ROWS: readonly { name: string; bytes: string; expected: readonly string[] }[] = [
  { name: 'one packet', bytes: frame('g'), expected: ['packet g'] },
  { name: 'an empty packet', bytes: '$#00', expected: ['packet '] },
  { name: 'acks around packets', bytes: `+${frame('g')}+-${frame('?')}`, expected: ['+', 'packet g', '+', '-', 'packet ?'] },
  { name: 'a checksum in capitals', bytes: '$?#3F', expected: ['packet ?'] },
  { name: 'wrong checksum, then a good packet', bytes: `$g#00${frame('g')}`, expected: ['refused checksum', 'packet g'] },
  { name: 'a checksum that is not hex', bytes: `$g#zz${frame('g')}`, expected: ['refused checksum', 'packet g'] },
  { name: 'interrupts between packets', bytes: `\x03${frame('g')}\x03`, expected: ['interrupt', 'packet g', 'interrupt'] },
  { name: '0x03 inside a packet is data', bytes: frame('X0,1:\x03'), expected: ['packet X0,1:\x03'] },
  { name: '+ and - inside a packet are data', bytes: frame('Hg-1+'), expected: ['packet Hg-1+'] },
  { name: 'noise between packets', bytes: `abc\n#12${frame('g')}zz`, expected: ['packet g'] },
  { name: 'escapes', bytes: frame('X0,4:}\x03}\x04}]}\x0a'), expected: ['packet X0,4:#$}*'] },
  { name: 'an escape at the very end', bytes: frame('X0,1:}'), expected: ['packet X0,1:'] },
  { name: 'run lengths', bytes: frame('P0=0*"12*&'), expected: [`packet P0=${'0'.repeat(6)}1${'2'.repeat(10)}`] },
  { name: '* is data in binary packets', bytes: frame('X0,2:**'), expected: ['packet X0,2:**'] },
  { name: 'a run of nothing', bytes: frame('*"'), expected: ['refused run-length'] },
  { name: 'a run without a count', bytes: frame('P0=0*'), expected: ['refused run-length'] },
  { name: 'a run that is too short', bytes: frame('P0=0*\x1f'), expected: ['refused run-length'] },
  { name: 'a run that outgrows the limit', bytes: frame('P0=0*~'), expected: ['refused run-length'] },
  { name: 'a packet begun anew', bytes: `$m0,${frame('g')}`, expected: ['packet g'] },
  { name: 'exactly the limit', bytes: frame('m'.repeat(LIMIT)), expected: [`packet ${'m'.repeat(LIMIT)}`] },
  { name: 'one byte over the limit', bytes: `${frame('m'.repeat(LIMIT + 1))}${frame('g')}`, expected: ['refused too-long', 'packet g'] },
  { name: 'far over the limit', bytes: `${frame('m'.repeat(5 * LIMIT))}${frame('g')}`, expected: ['refused too-long', 'packet g'] },
  { name: 'over the limit, then begun anew', bytes: `$${'m'.repeat(2 * LIMIT)}${frame('g')}`, expected: ['packet g'] },
  { name: 'two at once', bytes: frame('g') + frame('m0,1'), expected: ['packet g', 'packet m0,1'] },
];

for (const { name, bytes, expected } of ROWS) {
  test(`decoder: ${name}`, (t) => {
    const whole = Buffer.from(bytes, 'latin1');
    t.deepEqual(decodedEvents(LIMIT, [whole]), expected, 'whole');
    t.deepEqual(decodedEvents(LIMIT, [...whole].map((byte) => Buffer.from([byte]))), expected, 'byte by byte');
    const wrong = [];
    for (let split = 0; split <= whole.length; split++) {
      const seen = decodedEvents(LIMIT, [whole.subarray(0, split), whole.subarray(split)]);
      if (JSON.stringify(seen) !== JSON.stringify(expected)) wrong.push({ split, seen });
    }
    t.deepEqual(wrong, [], 'at every split point');
    t.end();
  });
}

test('decoder: a packet without an end takes no more memory than the limit', (t) => {
  const chunk = Buffer.alloc(0x10000, 0x6d);
  const decoder = new PacketDecoder(
    { packet: () => t.fail('no packet'), interrupt: () => undefined, ack: () => undefined, nack: () => undefined, refused: () => undefined },
    0x40000,
  );
  decoder.feed(Buffer.from('$'));
  const before = process.memoryUsage().arrayBuffers;
  for (let i = 0; i < 4096; i++) decoder.feed(chunk);
  const grown = process.memoryUsage().arrayBuffers - before;
  t.ok(grown < 4 * 0x40000, `256 MiB without an end grew the buffers by ${grown} bytes`);
  t.end();
});
