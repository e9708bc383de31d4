import test from 'tape';
import { WriteOrder } from '../../../src/debugger/write-order.js';

test('write order: what was written since a vCPU entered the guest, byte by byte', (t) => {
  const order = new WriteOrder();
  order.enters(0);
  t.notOk(order.overlaps(0, 100, 4), 'nothing yet');
  order.wrote(100, 4);
  t.ok(order.overlaps(0, 103, 2));
  t.notOk(order.overlaps(0, 104, 2), 'beside it');
  t.notOk(order.overlaps(0, 96, 4));
  order.enters(0);
  t.notOk(order.overlaps(0, 100, 4), 'it has seen that one');
  order.enters(1);
  order.wrote(200, 1);
  t.ok(order.overlaps(0, 200, 1));
  t.ok(order.overlaps(1, 196, 8));
  t.end();
});

test('write order: a vCPU that was away for long is told of a write anywhere', (t) => {
  const order = new WriteOrder();
  order.enters(0);
  for (let i = 0; i < 5000; i++) {
    order.wrote(1000, 1);
    order.enters(1);
  }
  t.ok(order.overlaps(0, 5, 1));
  t.notOk(order.overlaps(1, 1000, 1));
  t.end();
});
