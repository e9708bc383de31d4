import test from 'tape';
import { PlantedPatches } from '../../../src/breakpoints/patches.js';

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
  t.ok(patches.plant({ mechanism: 'int3', physical: 3 }));
  t.ok(patches.plant({ mechanism: 'hlt', physical: 4 }));
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
  patches.plant({ mechanism: 'int3', physical: 3 });
  patches.plant({ mechanism: 'hlt', physical: 3 });
  t.equal(bytes[3], 0xcc);
  patches.liftAll();
  t.equal(bytes[3], 3);
  t.end();
});

test('patches: what the guest wrote over a patch stays', (t) => {
  const { bytes, patches } = setUp();
  patches.plant({ mechanism: 'int3', physical: 3 });
  bytes[3] = 0x90;
  t.notOk(patches.standsAt(3));
  patches.liftAll();
  t.equal(bytes[3], 0x90);
  t.end();
});

test('patches: outside memory nothing is planted', (t) => {
  const { patches } = setUp();
  t.notOk(patches.plant({ mechanism: 'int3', physical: 99 }));
  t.equal(patches.count, 0);
  t.end();
});
