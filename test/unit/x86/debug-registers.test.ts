import test from 'tape';
import { coverWithDebugRegisters, decodeDr7, encodeDr7, type DebugRegisterSlot } from '../../../src/x86/debug-registers.js';

test('DR7: encoding of each type and length', (t) => {
  const cases: [DebugRegisterSlot, bigint][] = [
    [{ index: 0, address: 0x7c01n, type: 'execute', length: 1 }, 0x402n],
    [{ index: 1, address: 0x1000n, type: 'write', length: 1 }, 0x10_0408n],
    [{ index: 2, address: 0x1002n, type: 'write', length: 2 }, 0x500_0420n],
    [{ index: 3, address: 0x1004n, type: 'access', length: 4 }, 0xf000_0480n],
    [{ index: 0, address: 0x1008n, type: 'access', length: 8 }, 0xb_0402n],
  ];
  for (const [slot, dr7] of cases) {
    t.equal(encodeDr7([slot]), dr7, `${slot.type} ${slot.length}`);
    const addresses = [0n, 0n, 0n, 0n];
    addresses[slot.index] = slot.address;
    t.deepEqual(decodeDr7(dr7, addresses), [slot], 'and back');
  }
  t.equal(encodeDr7([]), 0x400n);
  t.deepEqual(decodeDr7(0x401n, [5n]), [{ index: 0, address: 5n, type: 'execute', length: 1 }], 'a local enable counts');
  t.end();
});

test('DR7: what the processor would not accept is refused', (t) => {
  const base = { index: 0, address: 0x1001n, type: 'write', length: 2 } as const;
  t.throws(() => encodeDr7([base]), /not aligned to 2/);
  t.throws(() => encodeDr7([{ ...base, address: 0n, type: 'execute' }]), /length 1/);
  t.throws(() => encodeDr7([{ ...base, index: 4 }]), /no debug register 4/);
  t.throws(() => encodeDr7([{ ...base, address: 0n }, { ...base, address: 0n }]), /used twice/);
  t.throws(() => encodeDr7([{ ...base, length: 3 as 4 }]), /3 bytes/);
  t.end();
});

test('coverWithDebugRegisters: aligned pieces that cover exactly', (t) => {
  const shape = (address: bigint, length: number, available?: number): string | undefined =>
    coverWithDebugRegisters(address, length, available)?.map((p) => `${p.address.toString(16)}+${p.length}`).join(' ');
  t.equal(shape(0x1000n, 8), '1000+8');
  t.equal(shape(0x1001n, 4), '1001+1 1002+2 1004+1');
  t.equal(shape(0x1004n, 12), '1004+4 1008+8');
  t.equal(shape(0x1000n, 32), '1000+8 1008+8 1010+8 1018+8');
  t.equal(shape(0x1001n, 7), '1001+1 1002+2 1004+4');
  t.equal(shape(0x1001n, 8), '1001+1 1002+2 1004+4 1008+1');
  t.equal(shape(0x1001n, 16), undefined, 'five pieces');
  t.equal(shape(0x1000n, 33), undefined);
  t.equal(shape(0x1000n, 16, 1), undefined, 'one register left');
  t.equal(shape(0x1000n, 0), undefined);
  for (let start = 0; start < 8; start++) {
    for (let length = 1; length <= 16; length++) {
      const pieces = coverWithDebugRegisters(BigInt(start), length, 8);
      let at = BigInt(start);
      for (const piece of pieces ?? []) {
        if (piece.address !== at || piece.address % BigInt(piece.length) !== 0n) t.fail(`${start}+${length}`);
        at += BigInt(piece.length);
      }
      if (at !== BigInt(start + length)) t.fail(`${start}+${length} is not covered`);
    }
  }
  t.end();
});
