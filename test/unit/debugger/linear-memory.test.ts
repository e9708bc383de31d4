import test from 'tape';
import { PlantedPatches } from '../../../src/breakpoints/patches.js';
import { LinearMemory } from '../../../src/debugger/linear-memory.js';
import { GuestMemory } from '../../../src/vmm/guest-memory.js';
import { fakeHost } from '../vmm/fake-memory.js';

const PAGING = 0x8000_0001n;
const TABLES = 0x1000;
/** Present, writable. */
const ENTRY = 3;

const word = (value: number): Uint8Array => new Uint8Array(Uint32Array.of(value).buffer);

test('linear memory: two pages that lie apart, under patches', (t) => {
  const { allocator, vm } = fakeHost();
  const memory = new GuestMemory(allocator, vm);
  memory.addRam(0x1_0000);
  memory.write(TABLES, word(0x2000 | ENTRY));
  memory.write(0x2000, word(0x5000 | ENTRY));
  memory.write(0x2004, word(0x4000 | ENTRY));
  const patches = new PlantedPatches(memory);
  memory.overlay = patches;
  const linear = new LinearMemory(memory, { cr0: PAGING, cr3: BigInt(TABLES), cr4: 0n, efer: 0n });
  linear.write(0xffen, Uint8Array.of(1, 2, 3, 4));
  for (const physical of [0x5fff, 0x4000]) patches.plant({ mechanism: 'hlt', physical }, patches);
  t.deepEqual([memory.readByte(0x5fff), memory.readByte(0x4000)], [0xf4, 0xf4]);
  t.deepEqual([...linear.read(0xffen, 4)], [1, 2, 3, 4], 'a copy');
  t.deepEqual([...linear.peek(0xffen, 4)], [1, 2, 3, 4], 'a look');
  t.end();
});
