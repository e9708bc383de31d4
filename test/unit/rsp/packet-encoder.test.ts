import test from 'tape';
import { encodedSize, encodePacket, plainText } from '../../../src/rsp/packet-encoder.js';
import type { Reply } from '../../../src/rsp/packet-encoder.js';
import { PacketDecoder } from '../../../src/rsp/packet-decoder.js';
import { frame } from './wire.js';

function encode(reply: Reply): string {
  return encodePacket(reply, Buffer.alloc(encodedSize(reply))).toString('latin1');
}

/** Every byte value, in an order in which each also follows each special one. */
const EVERY_BYTE = Uint8Array.from({ length: 256 }, (_, i) => i);

test('encoder: text, hex and binary replies', (t) => {
  t.equal(encode(''), '$#00');
  t.equal(encode('OK'), '$OK#9a');
  t.equal(encode({ hex: Uint8Array.of(0x00, 0x0f, 0xf0, 0xff) }), frame('000ff0ff'));
  t.equal(encode({ prefix: 'b', bytes: Uint8Array.of(1, 0x23, 0x24, 0x7d, 0x2a, 2) }), frame('b\x01}\x03}\x04}]}\x0a\x02'));
  t.equal(encode({ prefix: 'l', bytes: new Uint8Array(0) }), frame('l'));
  t.equal(encode({ hex: new Uint8Array(0) }), '$#00');
  t.equal(encode('a#b'), frame('a}\x03b'), 'framing characters cannot break the stream');
  t.end();
});

test('encoder: a view in the middle of a larger array', (t) => {
  const bytes = EVERY_BYTE.subarray(3, 6);
  t.equal(encode({ hex: bytes }), frame('030405'));
  const scratch = Buffer.alloc(64, 0x55);
  t.equal(encodePacket({ hex: bytes }, scratch).toString('latin1'), frame('030405'));
  t.equal(scratch[0], 0x55, 'nothing is written in front of the packet');
  t.end();
});

test('encoder: what it escapes, a decoder reads back', (t) => {
  const packets: Buffer[] = [];
  const decoder = new PacketDecoder(
    {
      packet: (payload) => packets.push(Buffer.from(payload)),
      interrupt: () => t.fail('no interrupt'),
      ack: () => t.fail('no ack'),
      nack: () => t.fail('no nack'),
      refused: (why) => t.fail(why),
    },
    1024,
  );
  decoder.feed(Buffer.from(encode({ prefix: 'X', bytes: EVERY_BYTE }), 'latin1'));
  t.deepEqual([...packets[0].subarray(1)], [...EVERY_BYTE]);
  decoder.feed(Buffer.from(encode({ hex: EVERY_BYTE }), 'latin1'));
  t.equal(packets[1].toString('latin1'), Buffer.from(EVERY_BYTE).toString('hex'));
  t.end();
});

test('encoder: each byte at each place among others, from any offset', (t) => {
  const wrong: string[] = [];
  for (const around of [0x00, 0x7f, 0x80, 0xff]) {
    for (let place = 0; place < 19; place++) {
      for (let byte = 0; byte < 256; byte++) {
        const bytes = new Uint8Array(22).fill(around);
        bytes[place] = byte;
        const data = bytes.subarray(place % 4, 19);
        const escaped = [...data].map((code) => ('#$}*'.includes(String.fromCharCode(code)) ? `}${String.fromCharCode(code ^ 0x20)}` : String.fromCharCode(code)));
        if (encode({ prefix: 'b', bytes: data }) !== frame(`b${escaped.join('')}`)) wrong.push(`${byte} at ${place} among ${around}`);
      }
    }
  }
  t.deepEqual(wrong, []);
  t.end();
});

test('encoder: the checksum of a long reply', (t) => {
  const bytes = new Uint8Array(0x40000).fill(0xff);
  t.equal(encode({ hex: bytes }), frame('ff'.repeat(bytes.length)));
  t.equal(encode({ prefix: 'b', bytes }), frame('b' + '\xff'.repeat(bytes.length)));
  t.end();
});

test('encoder: plain text for E. replies', (t) => {
  t.equal(plainText('#GP: cr0 cannot have PG without PE.'), 'GP: cr0 cannot have PG without PE.');
  t.equal(plainText('a*b}\n…$pc'), 'axb)??pc');
  t.end();
});
