import test from 'tape';
import { OUTPUT_LIMIT, OutputQueue } from '../../../../src/vmm/serial/output-queue.js';

test('bytes keep their order through a far end that takes a few at a time', (t) => {
  const got: number[] = [];
  let room = 0;
  const queue = new OutputQueue((bytes) => {
    const taken = Math.min(room, bytes.length);
    got.push(...bytes.subarray(0, taken));
    room -= taken;
    return taken;
  }, () => t.fail('nothing is dropped'));
  const byte = new Uint8Array(1);
  for (let i = 0; i < 10000; i++) {
    byte[0] = i;
    queue.write(byte);
    if (i % 7 === 0) room += 3;
    if (i % 500 === 0) queue.flush();
  }
  room = Infinity;
  t.ok(queue.flush());
  t.deepEqual(got, Array.from({ length: 10000 }, (_, i) => i & 0xff));
  t.equal(queue.length, 0);
  t.end();
});

test('what waits is bounded: the oldest bytes go, and that is said once', (t) => {
  let said = 0, open = false;
  const got: number[] = [];
  const take = (bytes: Uint8Array): number => {
    for (const byte of bytes) got.push(byte);
    return bytes.length;
  };
  const queue = new OutputQueue((bytes) => (open ? take(bytes) : 0), () => said++);
  for (let i = 0; i < 3; i++) queue.write(new Uint8Array(OUTPUT_LIMIT / 2).fill(i));
  t.equal(queue.length, OUTPUT_LIMIT);
  queue.write(Uint8Array.of(9, 9));
  t.deepEqual([queue.length, queue.dropped, said], [OUTPUT_LIMIT, OUTPUT_LIMIT / 2 + 2, 1]);
  open = true;
  t.ok(queue.flush());
  t.deepEqual([got.length, got[0], got.at(-1), got.filter((value) => value === 1).length], [OUTPUT_LIMIT, 1, 9, OUTPUT_LIMIT / 2 - 2]);
  t.end();
});
