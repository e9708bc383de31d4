/** Tiny guests, one for each way to boot: each writes a letter to COM1 and ends by port 0xf4. */
import test from 'tape';
import { elfImage, elfNote, multibootHeader } from '../../unit/vmm/boot/elf-image.js';
import { run } from './run-guest.js';

/** mov dx,3f8; mov al,LETTER; out dx,al; mov al,VALUE; out f4,al; hlt: in 16-bit code, and in 32- and 64-bit code. */
const code16 = (letter: number, value: number): number[] => [0xba, 0xf8, 0x03, 0xb0, letter, 0xee, 0xb0, value, 0xe6, 0xf4, 0xf4];
const code32 = (letter: number, value: number): number[] => [0x66, ...code16(letter, value)];

test('flat images in each mode', async (t) => {
  for (const irqchip of ['none', 'kernel'] as const) {
    t.deepEqual(await run(t, { bytes: Uint8Array.from(code16(0x52, 1)), boot: 'flat' }, { irqchip }), { output: 'R', status: 3 }, `real, irqchip ${irqchip}`);
    t.deepEqual(await run(t, { bytes: Uint8Array.from(code32(0x50, 2)), mode: 'protected' }, { irqchip }), { output: 'P', status: 5 }, `protected, irqchip ${irqchip}`);
    t.deepEqual(await run(t, { bytes: Uint8Array.from(code32(0x4c, 3)), mode: 'long' }, { irqchip }), { output: 'L', status: 7 }, `long, irqchip ${irqchip}`);
  }
});

test('a boot sector', async (t) => {
  const sector = new Uint8Array(512);
  sector.set(code16(0x4d, 4));
  sector.set([0x55, 0xaa], 510);
  t.deepEqual(await run(t, { bytes: sector }), { output: 'M', status: 9 });
  // mov al,dl; out f4,al
  const drive = new Uint8Array(512);
  drive.set([0x88, 0xd0, 0xe6, 0xf4, 0xf4]);
  drive.set([0x55, 0xaa], 510);
  t.equal((await run(t, { bytes: drive })).status, (0x80 << 1 | 1) & 0xff, 'DL is 80h');
});

test('ELF by entry point, Multiboot and PVH', async (t) => {
  const high = 0xffff_ffff_8000_0000n;
  const elf64 = elfImage({ bits: 64, entry: high + 0x10_0000n, segments: [{ virtual: high + 0x10_0000n, physical: 0x10_0000n, bytes: Uint8Array.from(code32(0x45, 5)) }] });
  t.deepEqual(await run(t, { bytes: elf64 }), { output: 'E', status: 11 }, 'ELF64 in the higher half');
  const elf32 = elfImage({ bits: 32, entry: 0x10_0000n, segments: [{ physical: 0x10_0000n, bytes: Uint8Array.from(code32(0x65, 6)) }] });
  t.deepEqual(await run(t, { bytes: elf32 }), { output: 'e', status: 13 }, 'ELF32');

  // Multiboot: cmp eax,2badb002; jne +5; then ebx must point at flags with bit 6 (the memory map).
  const check = [0x3d, 0x02, 0xb0, 0xad, 0x2b, 0x75, 0x11, 0xf6, 0x03, 0x40, 0x74, 0x0c];
  const multiboot = elfImage({ bits: 32, entry: 0x10_0040n, segments: [{ physical: 0x10_0000n, bytes: Uint8Array.from([...multibootHeader(3), ...check, ...code32(0x42, 7), 0xf4, 0xf4]) }] });
  t.deepEqual(await run(t, { bytes: multiboot }), { output: 'B', status: 15 }, 'Multiboot 1');

  // PVH: cmp dword [ebx],336ec578; jne over the letter.
  const pvhCode = [0x81, 0x3b, 0x78, 0xc5, 0x6e, 0x33, 0x75, 0x0c, ...code32(0x56, 8), 0xf4, 0xf4];
  const pvh = elfImage({ bits: 64, entry: 0n, segments: [{ physical: 0x10_0000n, bytes: Uint8Array.from(pvhCode) }, { physical: 0n, bytes: elfNote('Xen', 18, [0, 0, 0x10, 0]), type: 4 }] });
  t.deepEqual(await run(t, { bytes: pvh }), { output: 'V', status: 17 }, 'PVH');
});
