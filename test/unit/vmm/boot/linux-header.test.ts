import test from 'tape';
import { GuestError } from '../../../../src/vmm/boot/boot-options.js';
import { parseLinuxHeader } from '../../../../src/vmm/boot/linux-header.js';
import { loaderWishes } from '../../../../src/vmm/boot/linux-command-line.js';
import { bzImage } from './bzimage.js';
import { damage, loadIntoRam, refusals } from './damage.js';
import { OPTIONS } from './loaded-memory.js';

const KERNEL = bzImage({ code64: [0xf4] });

function changed(offset: number, ...bytes: number[]): Uint8Array {
  const file = KERNEL.slice();
  file.set(bytes, offset);
  return file;
}

test('Linux header: what it says', (t) => {
  t.deepEqual(parseLinuxHeader(KERNEL, 'k'), {
    version: 0x20f, kernelVersion: '6.1.0-test (tape)', setupSize: 2560, codeSize: 528, end: 0x26c, loadsHigh: true, relocatable: true,
    alignment: 0x20_0000, preferredAddress: 0x40_0000, initSize: 0x10_0000, has64BitEntry: true, has32BitEntry: true, initrdAddrMax: 0x7fff_ffff, commandLineSize: 2047,
  });
  const at = (offset: number, ...bytes: number[]): ReturnType<typeof parseLinuxHeader> => parseLinuxHeader(changed(offset, ...bytes), 'k');
  t.equal(at(0x1f1, 0).setupSize, 2560, 'setup_sects 0 is 4');
  t.equal(at(0x236, 2).has64BitEntry, false, 'xloadflags');
  t.equal(at(0x214, 0, 0, 0, 0).has32BitEntry, false, 'code32_start');
  t.equal(at(0x201, 0xff).end, 0x290, 'not beyond the hole in boot_params');
  for (const version of [0x206, 0x209, 0x20b]) {
    const old = at(0x206, version & 0xff, version >> 8);
    t.deepEqual([old.has64BitEntry, old.preferredAddress !== 0, old.initSize !== 0], [false, version >= 0x20a, version >= 0x20a], `fields of ${version.toString(16)}`);
  }
  for (const bytes of [[0, 0], [0, 8], [0xff, 0xff]]) t.equal(at(0x20e, ...bytes).kernelVersion, undefined, `kernel_version at ${bytes.join()}`);
  t.equal(parseLinuxHeader(bzImage({ kernelVersion: '6.1\n\u0007' }), 'k').kernelVersion, undefined, 'not plain text');
  t.equal(parseLinuxHeader(KERNEL.slice(0, -15), 'k').codeSize, 513, 'the last paragraph need not be whole');
  t.end();
});

test('Linux header: what is wrong is one sentence', (t) => {
  const rows: readonly (readonly [string, Uint8Array, RegExp])[] = [
    ['no HdrS', changed(0x202, 0), /k is no Linux kernel: it has no "HdrS"/],
    ['boot flag', changed(0x1fe, 0, 0), /ends with 0x0 instead of 0xaa55/],
    ['protocol 2.05', changed(0x206, 5, 2), /follows boot protocol 2\.05, and kernels are started from 2\.06/],
    ['protocol 0.00', changed(0x206, 0, 0), /boot protocol 0\.00/],
    ['jump', changed(0x200, 0xe9), /the jump at 0x200 is 0xe9/],
    ['short header', changed(0x201, 0x60), /header ends at 0x262, and that of protocol 2\.15 reaches 0x26c/],
    ['setup_sects', changed(0x1f1, 200), /truncated: the setup code \(200 sectors\) should reach byte 102912, and the file has 3088/],
    ['syssize 0', changed(0x1f4, 0, 0, 0, 0), /no protected-mode code/],
    ['syssize', changed(0x1f4, 0xff, 0xff, 0xff, 0xff), /truncated: the protected-mode code should reach byte 68719479280/],
    ['no code behind the 64-bit entry', changed(0x1f4, 0x20), /512 bytes of code end before its 64-bit entry/],
    ['alignment', changed(0x230, 3), /alignment 0x200003 is not a power of two/],
    ['alignment 0', changed(0x230, 0, 0, 0, 0), /alignment 0x0 is not/],
  ];
  for (const [what, file, message] of rows) {
    t.throws(() => parseLinuxHeader(file, 'k'), (error: unknown) => error instanceof GuestError && message.test(error.message) && !error.message.includes('\n'), what);
  }
  t.end();
});

test('Linux header: no length and no damage brings anything but a sentence', (t) => {
  for (const mode of [undefined, 'real', 'protected'] as const) {
    const load = (file: Uint8Array): void => loadIntoRam(file, { ...OPTIONS, boot: 'linux', commandLine: 'a', ...(mode !== undefined && { mode }) });
    const cut = refusals(Array.from({ length: KERNEL.length }, (_, length) => KERNEL.subarray(0, length)), load);
    t.deepEqual([cut.astray, cut.accepted], [[], 15], `${mode}: each length; up to 15 bytes may be missing`);
    const { astray, refused } = refusals(damage(KERNEL, 0x1f1, 0x270, 3000), load);
    t.deepEqual(astray, [], `${mode}: random damage`);
    t.ok(refused > 300, `${refused} of 3000 refused`);
  }
  t.end();
});

test('Linux command line: the words that are for the loader', (t) => {
  const rows: readonly (readonly [string, number, number])[] = [
    ['', 0xffff, Infinity], ['vga=normal', 0xffff, Infinity], ['vga=ext x', 0xfffe, Infinity], ['vga=791 vga=ask', 0xfffd, Infinity],
    ['vga=0x317', 0x317, Infinity], ['vga=01417', 0o1417, Infinity], ['vga=70000 vga=x', 0xffff, Infinity], ['quiet mem=64M', 0xffff, 64 * 1024 ** 2],
    ['mem=0x1e00000', 0xffff, 0x1e0_0000], ['mem=1e', 0xffff, 1024 ** 6], ['mem=0', 0xffff, Infinity], ['mem', 0xffff, Infinity], ['amem=1M', 0xffff, Infinity],
  ];
  for (const [text, vidMode, memoryEnd] of rows) t.deepEqual(loaderWishes(text), { vidMode, memoryEnd }, text);
  t.end();
});
