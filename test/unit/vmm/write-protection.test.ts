import test from 'tape';
import { GuestMemory } from '../../../src/vmm/guest-memory.js';
import { WriteProtection } from '../../../src/vmm/write-protection.js';
import { fakeHost } from './fake-memory.js';

const GIB = 1024 ** 3;
const READ_ONLY = 2;

/** RAM of `size` bytes over a VM that knows its slots; `failOnce(n)` lets setMemorySlot fail after n further calls, once. */
function setUp(size: number, slotLimit = 1000): { protection: WriteProtection; memory: GuestMemory; layout: () => string; failOnce: (after: number) => void; calls: () => number } {
  const { allocator } = fakeHost();
  const slots = new Map<number, { address: number; size: number; flags: number }>();
  let left = Infinity;
  let calls = 0;
  const vm = {
    setMemorySlot(slot: number, flags: number, address: bigint, _memory: unknown, _offset: number, length: number): void {
      if (left-- === 0) throw new Error('ENOMEM');
      calls++;
      const begin = Number(address);
      for (const other of slots.values()) {
        if (begin < other.address + other.size && other.address < begin + length) throw new Error('slots overlap');
      }
      slots.set(slot, { address: begin, size: length, flags });
    },
    removeMemorySlot(slot: number): void {
      calls++;
      if (!slots.delete(slot)) throw new Error(`no slot ${slot}`);
    },
  };
  const memory = new GuestMemory(allocator, vm);
  memory.addRam(size);
  const layout = (): string => [...slots.values()].sort((a, b) => a.address - b.address)
    .map(({ address, size: length, flags }) => `${(address / 4096).toString()}+${length / 4096}${flags === READ_ONLY ? 'r' : ''}`).join(' ');
  return { protection: new WriteProtection(vm, memory, READ_ONLY, slotLimit), memory, layout, failOnce: (after) => { left = after; calls = 0; }, calls: () => calls };
}

test('write protection: slots cut at the pages, whole again afterwards', (t) => {
  const { protection, layout } = setUp(16 * 4096);
  t.equal(layout(), '0+16');
  protection.set([0x3000]);
  t.equal(layout(), '0+3 3+1r 4+12');
  t.ok(protection.has(0x3fff));
  t.notOk(protection.has(0x4000));
  protection.set([0x4000, 0x3000, 0]);
  t.equal(layout(), '0+1r 1+2 3+2r 5+11', 'neighbours are one slot');
  protection.set([0xf000]);
  t.equal(layout(), '0+15 15+1r');
  protection.set([]);
  t.equal(layout(), '0+16');
  t.end();
});

test('write protection: nothing changes, nothing is done; only the chunk that changes is touched', (t) => {
  const { protection, layout, failOnce, calls } = setUp(GIB + 4 * 4096);
  protection.set([0x3000, GIB]);
  t.equal(layout(), `0+3 3+1r 4+156 192+${GIB / 4096 - 192} ${GIB / 4096}+1r ${GIB / 4096 + 1}+3`);
  failOnce(Infinity);
  protection.set([GIB, 0x3000]);
  t.equal(calls(), 0, 'the same pages');
  protection.set([0x3000]);
  t.equal(calls(), 3, 'two slots of the second chunk away, its own back');
  t.end();
});

test('write protection: pages outside RAM are left out', (t) => {
  const { protection, layout } = setUp(16 * 4096);
  protection.set([0x100000, 0x3000]);
  t.deepEqual([...protection.pages], [0x3000]);
  t.equal(layout(), '0+3 3+1r 4+12');
  t.end();
});

test('write protection: more slots than KVM has are refused before anything changes', (t) => {
  const { protection, layout } = setUp(64 * 4096, 256 + 5);
  protection.set([0x1000, 0x3000]);
  const before = layout();
  t.throws(() => protection.set([0x1000, 0x3000, 0x5000]), /5 memory slots .* 7 would be needed/);
  t.equal(layout(), before);
  t.end();
});

test('write protection: when KVM refuses a slot, all memory is there and nothing is protected', (t) => {
  for (let after = 0; after < 3; after++) {
    const { protection, layout, failOnce } = setUp(16 * 4096);
    protection.set([0x8000]);
    failOnce(after);
    t.throws(() => protection.set([0x2000]), /ENOMEM/);
    t.equal(layout(), '0+16');
    t.equal(protection.pages.size, 0);
    protection.set([0x2000]);
    t.equal(layout(), '0+2 2+1r 3+13', 'and it works again');
  }
  t.end();
});

test('write protection: pages of a window that goes are protected when it comes again', (t) => {
  const { protection, memory, layout } = setUp(16 * 4096);
  const window = memory.addWindow('video', memory.addDeviceMemory(0x8000), 0x8000);
  window.show(0xb_8000, 0);
  protection.set([0xb_9000, 0x3000]);
  t.equal(layout(), '0+3 3+1r 4+12 184+1 185+1r 186+6');
  window.hide();
  t.equal(layout(), '0+3 3+1r 4+12');
  t.notOk(protection.has(0xb_9000), 'no memory, no protection');
  window.show(0xb_8000, 0);
  t.equal(layout(), '0+3 3+1r 4+12 184+1 185+1r 186+6', 'again');
  window.hide();
  protection.set([]);
  window.show(0xb_8000, 0);
  t.equal(layout(), '0+16 184+8', 'not when nobody wants it any more');
  t.end();
});
