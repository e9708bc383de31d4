import test from 'tape';
import { PlantedPatches } from '../../../src/breakpoints/patches.js';

const JOB = {};

function setUp(): { bytes: Uint8Array; patches: PlantedPatches } {
  const bytes = new Uint8Array(16).map((_, i) => i);
  const patches = new PlantedPatches({
    readByte: (gpa) => bytes[gpa],
    writeByte: (gpa, value) => { bytes[gpa] = value; },
  });
  return { bytes, patches };
}

test('patches: planted and lifted, memory is as before', (t) => {
  const { bytes, patches } = setUp();
  t.ok(patches.plant({ mechanism: 'int3', physical: 3 }, JOB));
  t.ok(patches.plant({ mechanism: 'hlt', physical: 4 }, JOB));
  t.equal(bytes[3], 0xcc);
  t.equal(bytes[4], 0xf4);
  t.ok(patches.standsAt(3));
  patches.liftAll();
  t.deepEqual([...bytes], Array.from({ length: 16 }, (_, i) => i));
  t.notOk(patches.standsAt(3));
  t.equal(patches.count, 0);
  t.end();
});

test('patches: the same byte twice keeps the first original', (t) => {
  const { bytes, patches } = setUp();
  patches.plant({ mechanism: 'int3', physical: 3 }, JOB);
  patches.plant({ mechanism: 'hlt', physical: 3 }, JOB);
  t.equal(bytes[3], 0xcc);
  patches.liftAll();
  t.equal(bytes[3], 3);
  t.end();
});

test('patches: what the guest wrote over a patch stays', (t) => {
  const { bytes, patches } = setUp();
  patches.plant({ mechanism: 'int3', physical: 3 }, JOB);
  bytes[3] = 0x90;
  t.notOk(patches.standsAt(3));
  patches.plant({ mechanism: 'int3', physical: 4 }, JOB);
  const seen = bytes.slice(2, 6);
  patches.hide(2, seen);
  t.deepEqual([...seen], [2, 0x90, 4, 5], 'and is seen, as no patch is');
  patches.liftAll();
  t.equal(bytes[3], 0x90);
  t.end();
});

test('patches: what a device writes comes beneath them, and what it reads has none', (t) => {
  const { bytes, patches } = setUp();
  patches.plant({ mechanism: 'int3', physical: 3 }, JOB);
  patches.plant({ mechanism: 'int3', physical: 9 }, JOB);
  const written = Uint8Array.of(0x20, 0x30, 0x40);
  t.equal(patches.covering(4, written), written, 'where none stands it is the same');
  bytes.set(patches.covering(2, written), 2);
  t.deepEqual([...written], [0x20, 0x30, 0x40], 'the device keeps its own');
  t.ok(patches.standsAt(3));
  const read = bytes.slice(2, 10);
  patches.hide(2, read);
  t.deepEqual([...read], [0x20, 0x30, 0x40, 5, 6, 7, 8, 9]);
  patches.liftAll();
  t.deepEqual([...bytes.subarray(2, 10)], [0x20, 0x30, 0x40, 5, 6, 7, 8, 9]);
  t.end();
});

test('patches: outside memory nothing is planted', (t) => {
  const { patches } = setUp();
  t.notOk(patches.plant({ mechanism: 'int3', physical: 99 }, JOB));
  t.equal(patches.count, 0);
  t.end();
});

test('patches: of two owners each keeps the patch alive', (t) => {
  const { bytes, patches } = setUp();
  const other = {};
  patches.plant({ mechanism: 'int3', physical: 3 }, JOB);
  patches.plant({ mechanism: 'int3', physical: 3 }, other);
  patches.plant({ mechanism: 'int3', physical: 5 }, other);
  patches.lift(JOB);
  t.ok(patches.standsAt(3));
  patches.lift(other);
  t.deepEqual([...bytes.subarray(3, 6)], [3, 4, 5]);
  t.equal(patches.count, 0);
  t.end();
});

test('patches: one that is suspended is out until it is restored, and what the guest writes meanwhile is kept', (t) => {
  const { bytes, patches } = setUp();
  patches.plant({ mechanism: 'int3', physical: 3 }, JOB);
  patches.plant({ mechanism: 'int3', physical: 4 }, JOB);
  patches.suspend(3);
  t.deepEqual([...bytes.subarray(3, 5)], [3, 0xcc]);
  t.notOk(patches.standsAt(3));
  patches.write(3, Uint8Array.of(0x33));
  t.equal(bytes[3], 0x33, 'a write to it goes to memory');
  patches.restore();
  t.ok(patches.standsAt(3));
  patches.liftAll();
  t.deepEqual([...bytes.subarray(3, 5)], [0x33, 4]);
  t.end();
});

test('patches: one that the guest has written over is planted again on what it wrote', (t) => {
  const { bytes, patches } = setUp();
  patches.plant({ mechanism: 'int3', physical: 3 }, JOB);
  bytes[3] = 0x90;
  patches.plant({ mechanism: 'int3', physical: 3 }, JOB);
  t.ok(patches.standsAt(3));
  patches.liftAll();
  t.equal(bytes[3], 0x90);
  t.end();
});
