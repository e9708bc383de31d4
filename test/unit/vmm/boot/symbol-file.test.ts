import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'tape';
import { findSymbols } from '../../../../src/vmm/boot/symbol-file.js';
import { bzImage } from './bzimage.js';

test('symbols: the vmlinux that belongs to a kernel', (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'kvm-gdbserver-test-'));
  const put = (path: string, bytes: Uint8Array): string => {
    mkdirSync(join(folder, path, '..'), { recursive: true });
    writeFileSync(join(folder, path), bytes);
    return join(folder, path);
  };
  const elf = Uint8Array.of(0x7f, 0x45, 0x4c, 0x46, 2, 1);
  const linux = { name: 'k', bytes: bzImage() };
  const of = (path: string, given?: string): string | undefined => findSymbols({ ...linux, path: join(folder, path) }, given);
  try {
    t.equal(of('boot/bzImage'), undefined, 'nothing there');
    put('boot/vmlinux', Uint8Array.of(0x1f, 0x8b));
    t.equal(of('boot/bzImage'), undefined, 'nothing but a compressed one');
    put('boot/vmlinux', elf);
    t.equal(of('boot/bzImage'), join(folder, 'boot/vmlinux'));
    put('boot/vmlinux-6.1', elf);
    t.equal(of('boot/vmlinuz-6.1'), join(folder, 'boot/vmlinux-6.1'), 'the same version first');
    t.equal(of('boot/vmlinuz-6.2'), join(folder, 'boot/vmlinux'));
    put('linux/vmlinux', elf);
    t.equal(of('linux/arch/x86/boot/bzImage'), join(folder, 'linux/vmlinux'), 'a build tree');
    t.equal(of('linux/arch/arm/boot/zImage'), undefined);
    t.equal(findSymbols({ bytes: Uint8Array.of(0xf4), name: 'a', path: join(folder, 'boot/a.img') }), undefined, 'only for Linux');
    t.equal(findSymbols(linux), undefined, 'bytes without a path');

    t.equal(findSymbols({ bytes: Uint8Array.of(0xf4) }, join(folder, 'boot/vmlinux')), join(folder, 'boot/vmlinux'), 'given, for anything');
    t.throws(() => of('boot/bzImage', join(folder, 'none')), /--symbols takes an ELF file, and .*none cannot be read \(ENOENT\)\.$/);
    t.throws(() => of('boot/bzImage', folder), /cannot be read \(EISDIR\)/);
    t.throws(() => of('boot/bzImage', put('text', Uint8Array.of(0x61))), /text is not one\.$/);
  } finally {
    rmSync(folder, { recursive: true });
  }
  t.end();
});
