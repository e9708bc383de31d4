/** What example guests draw, pixel by pixel; and the same guests on QEMU's VGA, where QEMU is installed. */
import { spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'tape';
import { findVideoBios, requireSeabios } from '../../../src/vmm/boot/seabios.js';
import type { Picture } from '../../../src/vmm/display/picture.js';
import { screenPicture } from '../../../src/vmm/display/screen-picture.js';
import { textRows, textScreen } from '../../../src/vmm/display/text-screen.js';
import { Machine, type MachineOptions } from '../../../src/vmm/machine.js';
import { runUntilEnd } from '../../../src/vmm/run-machine.js';
import type { BlockImage } from '../../../src/vmm/storage/block-image.js';
import { buildGuests, GUESTS_FOLDER } from '../../gdb/support/gdb-session.js';
import { patience } from '../../time-scale.js';

const PATIENCE_SECONDS = patience(40_000) / 1000;
buildGuests();

function guestFile(name: string): Uint8Array {
  return readFileSync(join(GUESTS_FOLDER, name));
}

/** Runs until `done` or the guest's end, and gives the screen then. */
async function drawn(options: MachineOptions, done: (machine: Machine) => boolean = () => false): Promise<Picture> {
  const machine = Machine.create({ memory: 32 << 20, ...options });
  try {
    for (const deadline = Date.now() + PATIENCE_SECONDS * 1000; Date.now() < deadline;) {
      const end = await runUntilEnd(machine, 100);
      if (end.kind === 'exit') throw new Error(`the guest ended with ${end.exit.reason}`);
      if (end.kind === 'event' || done(machine)) return screenPicture(machine.video);
    }
    throw new Error('the guest has not drawn it');
  } finally {
    machine.close();
  }
}

function colour({ rgb, width }: Picture, x: number, y: number): readonly number[] {
  const at = 3 * (y * width + x);
  return [...rgb.subarray(at, at + 3)];
}

/** Six bits as eight. */
function level(value: number): number {
  return (value << 2) | (value >> 4);
}

const picture13h: MachineOptions = { guest: { name: 'picture', bytes: guestFile('build/picture.img'), boot: 'mbr' }, bios: { disks: [] } };

test('example picture: every pixel of mode 13h', async (t) => {
  const picture = await drawn(picture13h);
  t.deepEqual([picture.width, picture.height], [320, 200]);
  let wrong = 0;
  for (let y = 0; y < 200; y++) {
    for (let x = 0; x < 320; x++) {
      const n = y === 0 || y === 199 || x === 0 || x === 319 ? 63 : Math.floor(x / 5);
      const expected = n === 0 ? [0, 0, 0] : [level(n), 0, level(63 - n)];
      if (colour(picture, x, y).join() !== expected.join()) wrong++;
    }
  }
  t.equal(wrong, 0, 'pixels that are not as the guest draws them');
});

for (const name of ['prompt', 'prompt2']) {
  test(`example ${name}: its font in the framebuffer, and what is typed`, async (t) => {
    const font = guestFile('prompt/font.bin');
    const isTyped = new Set<Machine>();
    const picture = await drawn({
      guest: {
        name, bytes: guestFile(`build/${name}.elf`),
        modules: [{ text: 'font.bin', bytes: font }, { text: 'motd.txt', bytes: guestFile('prompt/motd.txt') }],
      },
    }, (machine) => {
      const isWaiting = colour(screenPicture(machine.video), 0, 0).join() === '32,32,64';
      if (isWaiting && !isTyped.has(machine)) {
        isTyped.add(machine);
        machine.keys('bars\n');
      }
      return colour(screenPicture(machine.video), 639, 479).join() === '255,255,255';
    });
    t.deepEqual([picture.width, picture.height], [640, 480]);
    const glyph = Array.from({ length: 16 * 8 }, (_, i) => (font['T'.charCodeAt(0) * 16 + (i >> 3)] & (0x80 >> (i & 7))) !== 0);
    t.deepEqual(glyph.map((_, i) => colour(picture, i & 7, i >> 3).join() === '85,255,85'), glyph, 'the T of "Type help." in green');
    t.deepEqual([0, 1, 2, 4].map((bar) => colour(picture, 300, 480 - 64 + 8 * bar)), [[0, 0, 0], [0, 0, 255], [0, 255, 0], [255, 0, 0]], 'bars');
  });
}

/** A screendump of QEMU with a disk, taken again and again until it is `expected`. */
async function qemuScreen(disk: string, isExpected: (picture: Picture) => boolean): Promise<Picture | undefined> {
  const folder = mkdtempSync(join(tmpdir(), 'kvm-gdbserver-screens-'));
  const file = join(folder, 'screen.ppm');
  const qemu = spawn('qemu-system-x86_64', ['-accel', 'tcg', '-m', '32', '-display', 'none', '-vga', 'std', '-snapshot', '-drive', `file=${disk},format=raw`, '-monitor', 'stdio'],
    { stdio: ['pipe', 'ignore', 'ignore'] });
  let last: Picture | undefined;
  try {
    for (const deadline = Date.now() + PATIENCE_SECONDS * 1000; Date.now() < deadline && qemu.exitCode === null;) {
      qemu.stdin.write(`screendump ${file}\n`);
      await new Promise((resolve) => setTimeout(resolve, 300));
      last = readPpm(file) ?? last;
      if (last !== undefined && isExpected(last)) break;
    }
    return last;
  } finally {
    qemu.kill('SIGKILL');
    rmSync(folder, { recursive: true });
  }
}

function readPpm(file: string): Picture | undefined {
  try {
    const bytes = readFileSync(file);
    const [, width, height] = /^P6\n(\d+) (\d+)\n255\n/.exec(bytes.subarray(0, 32).toString('latin1')) ?? [];
    const rgb = bytes.subarray(`P6\n${width} ${height}\n255\n`.length);
    return rgb.length === 3 * Number(width) * Number(height) ? { width: Number(width), height: Number(height), rgb } : undefined;
  } catch {
    return undefined;
  }
}

/**
 * Pixels of ours that QEMU has otherwise, where its picture is perhaps larger by a whole factor. Six bits become eight in
 * another way there, which is at most 3 of 255. Both may have a cursor, that blinks in QEMU: `except` says where.
 */
function differences(ours: Picture, theirs: Picture, except: (x: number, y: number) => boolean): number {
  const [sx, sy] = [theirs.width / ours.width, theirs.height / ours.height];
  if (!Number.isInteger(sx) || !Number.isInteger(sy)) return Infinity;
  let count = 0;
  for (let y = 0; y < ours.height; y++) {
    for (let x = 0; x < ours.width; x++) {
      const other = colour(theirs, x * sx, y * sy);
      if (!except(x, y) && colour(ours, x, y).some((value, i) => Math.abs(value - other[i]) > 3)) count++;
    }
  }
  return count;
}

const hasQemu = spawnSync('qemu-system-x86_64', ['--version']).status === 0;

test('QEMU shows the same picture in mode 13h', { skip: hasQemu ? false : 'QEMU is not installed' }, async (t) => {
  const ours = await drawn(picture13h);
  const theirs = await qemuScreen(join(GUESTS_FOLDER, 'build/picture.img'), (picture) => differences(ours, picture, () => false) === 0);
  t.equal(theirs === undefined ? undefined : differences(ours, theirs, () => false), 0, `pixels that differ from QEMU's ${theirs?.width}x${theirs?.height}`);
});

/** A disk in memory. */
function disk(bytes: Uint8Array): BlockImage {
  return {
    name: 'disk', size: bytes.length, readOnly: true,
    read: (offset, target) => target.set(bytes.subarray(offset, offset + target.length)),
    write: () => undefined, flush: () => undefined, save: () => ({}), restore: () => undefined, close: () => undefined,
  };
}

test('QEMU shows the same text, with the same video BIOS', { skip: hasQemu ? false : 'QEMU is not installed' }, async (t) => {
  const ours = await drawn({
    irqchip: 'kernel', firmwareConsole: null,
    firmware: { name: 'SeaBIOS', bytes: readFileSync(requireSeabios()), videoRom: readFileSync(findVideoBios() ?? '') },
    drives: [{ path: 'disk', mode: 'snapshot', kind: 'disk', channel: 0, unit: 0, image: disk(guestFile('build/printing.img')) }],
  }, ({ video }) => textRows(textScreen(video)!).includes('DX = 0xcafe'));
  const cursor = (x: number, y: number): boolean => x >= 9 * 11 && x < 9 * 12 && y >= 3 * 16 && y < 4 * 16;
  const theirs = await qemuScreen(join(GUESTS_FOLDER, 'build/printing.img'), (picture) => differences(ours, picture, cursor) === 0);
  t.deepEqual([ours.width, ours.height], [720, 400]);
  t.equal(theirs === undefined ? undefined : differences(ours, theirs, cursor), 0, `pixels that differ from QEMU's ${theirs?.width}x${theirs?.height}`);
});
