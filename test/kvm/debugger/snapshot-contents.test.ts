/** What a snapshot holds and what it costs: memory by whoever wrote it, watched pages, patches, disks; and what is refused. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { type Test } from 'tape';
import { setStandardMode, standardMode } from '../../../src/vmm/devices/vga/standard-modes.js';
import { screenPicture } from '../../../src/vmm/display/screen-picture.js';
import { textRows, textScreen } from '../../../src/vmm/display/text-screen.js';
import { closeDrives, openDrives } from '../../../src/vmm/storage/open-drives.js';
import { withMachine, type MachineUnderDebug } from './machine-under-debug.js';

const MIB = 1 << 20;
const START = 0x10_0000;
const DATA = 0x20_0000;
/** inc dword [DATA]; inc dword [DATA + 4096]; out 80h, al; jmp back */
const LOOP = Uint8Array.of(0xff, 0x05, 0, 0, 0x20, 0, 0xff, 0x05, 0, 0x10, 0x20, 0, 0xe6, 0x80, 0xeb, 0xf0);
const OUT = 12;
const GUEST = { name: 'loop', bytes: LOOP, boot: 'flat' as const, mode: 'protected' as const };

function counters({ machine }: MachineUnderDebug): [number, number] {
  const at = (gpa: number): number => new DataView(machine.memory.read(gpa, 4).buffer).getUint32(0, true);
  return [at(DATA), at(DATA + 4096)];
}

/** Once round the loop, to its OUT. */
async function rounds(guest: MachineUnderDebug, count: number): Promise<void> {
  const breakpoint = { kind: 'software' as const, address: BigInt(START + OUT), length: 1 };
  for (let i = 0; i < count; i++) {
    await guest.run({ kind: 'step', thread: 1 });
    guest.target.breakpoints.insert(breakpoint);
    await guest.continue();
    guest.target.breakpoints.remove(breakpoint);
  }
}

/** Pages in a reply; a processor may also have marked a descriptor or a page table entry as used. */
function pagesIn(reply: string): number {
  const [, size, unit] = /: ([\d.]+) (\w+) of RAM/.exec(reply) ?? [];
  return (Number(size) * (unit === 'MiB' ? MIB : unit === 'KiB' ? 1024 : 1)) / 4096;
}

function isAbout(t: Test, reply: string, pages: number, what: string): void {
  const found = pagesIn(reply);
  t.ok(found >= pages && found <= pages + 2, `${what}: ${found} pages, about ${pages}`);
}

test('guest, debugger and devices: whoever wrote, it is put back, and only that', (t) => withMachine({ guest: GUEST, memory: 8 * MIB }, async (guest) => {
  const { machine, target } = guest;
  await rounds(guest, 1);
  machine.memory.write(0x70_0000, Uint8Array.of(7));
  guest.monitor('snapshot save one');
  t.equal(pagesIn(guest.monitor('snapshot load one')), 0, 'nothing has changed');

  await rounds(guest, 3);
  t.deepEqual(counters(guest), [4, 4]);
  isAbout(t, guest.monitor('snapshot save four'), 2, 'those that the guest wrote to');
  target.writeMemory(1, 0x70_0000n, Uint8Array.of(8, 9));
  machine.memory.writeByte(0x40_0000, 0x55);
  machine.memory.write(DATA - 2, Uint8Array.of(1, 2, 3, 4));
  isAbout(t, guest.monitor('snapshot load one'), 5, 'those that are not as they were');
  t.deepEqual(counters(guest), [1, 1]);
  t.deepEqual([...machine.memory.read(0x70_0000, 2), machine.memory.readByte(0x40_0000), machine.memory.readByte(DATA - 1)], [7, 0, 0, 0]);
  isAbout(t, guest.monitor('snapshot load four'), 2, 'those that differ in the two');
  t.deepEqual(counters(guest), [4, 4]);
  await rounds(guest, 1);
  t.deepEqual(counters(guest), [5, 5], 'and on from there');

  guest.monitor('reset');
  t.deepEqual(counters(guest), [0, 0]);
  guest.monitor('snapshot load one');
  t.deepEqual(counters(guest), [1, 1], 'a reset is no end of it');
  t.deepEqual([...machine.memory.read(START, LOOP.length)], [...LOOP]);
}));

test('a register that was set and not run with is in the snapshot', (t) => withMachine({ guest: GUEST, memory: 8 * MIB }, async (guest) => {
  await rounds(guest, 1);
  guest.machine.vcpus[0].regs.rbx = 0x1234n;
  guest.monitor('snapshot save set');
  guest.machine.vcpus[0].regs.rbx = 0n;
  guest.monitor('snapshot load set');
  t.equal(guest.machine.vcpus[0].regs.rbx, 0x1234n);
  await rounds(guest, 1);
  t.equal(guest.machine.vcpus[0].regs.rbx, 0x1234n);
}));

for (const mechanisms of [['read-only', 'step'], ['debug-register', 'step'], ['step']] as const) {
  test(`with watchpoints by ${mechanisms.join(', ')}`, (t) => withMachine({ guest: GUEST, memory: 8 * MIB }, async (guest) => {
    const watch = { kind: 'write' as const, address: BigInt(DATA), length: 4 };
    guest.target.breakpoints.insert(watch);
    t.equal((await guest.continue()).reason.kind, 'watchpoint');
    guest.monitor('snapshot save watched');
    for (let i = 0; i < 3; i++) await guest.continue();
    t.deepEqual(counters(guest), [4, 3]);
    guest.target.breakpoints.remove(watch);
    await rounds(guest, 2);
    guest.monitor('snapshot load watched');
    t.deepEqual(counters(guest), [1, 0]);
    guest.target.breakpoints.insert(watch);
    t.equal((await guest.continue()).reason.kind, 'watchpoint', 'the watchpoint is the debugger\'s, not the snapshot\'s');
    t.deepEqual(counters(guest), [2, 1]);
  }, { mechanisms: new Set(mechanisms) }));
}

test('a patch is never in a snapshot', (t) => withMachine({ guest: GUEST, memory: 8 * MIB }, async (guest) => {
  for (const offset of [0, 6, OUT]) guest.target.breakpoints.insert({ kind: 'software', address: BigInt(START + offset), length: 1 });
  await guest.run({ kind: 'step', thread: 1 });
  await guest.continue();
  guest.monitor('snapshot save stopped');
  guest.target.breakpoints.clear();
  guest.machine.memory.write(START, new Uint8Array(LOOP.length));
  guest.monitor('snapshot load stopped');
  t.deepEqual([...guest.machine.memory.read(START, LOOP.length)], [...LOOP]);
}));

test('a disk\'s overlay is put back, and an image that is written to is told', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'snapshot-'));
  const paths = ['kept.img', 'written.img'].map((name) => join(folder, name));
  for (const path of paths) writeFileSync(path, new Uint8Array(64 * 512).fill(0x11));
  const drives = openDrives([
    { path: paths[0], kind: 'disk', mode: 'snapshot', channel: 0, unit: 0 }, { path: paths[1], kind: 'disk', mode: 'write', channel: 0, unit: 1 },
  ]);
  const sector = (drive: number): number => {
    const bytes = new Uint8Array(512);
    drives[drive].image.read(512, bytes);
    return bytes[0];
  };
  await withMachine({ guest: GUEST, memory: 8 * MIB, drives }, (guest) => {
    t.match(guest.monitor('snapshot save disks'), /What the guest writes to written\.img goes into the image and is not taken back by a load\.\n$/);
    for (const { image } of drives) image.write(512, new Uint8Array(512).fill(0x22));
    t.deepEqual([sector(0), sector(1)], [0x22, 0x22]);
    guest.monitor('snapshot load disks');
    t.deepEqual([sector(0), sector(1)], [0x11, 0x22]);
    return Promise.resolve();
  });
  closeDrives(drives);
  t.equal(readFileSync(paths[0])[512], 0x11, 'the image itself was not touched');
  rmSync(folder, { recursive: true });
});

test('names, numbers and words', (t) => withMachine({ guest: GUEST, memory: 8 * MIB }, (guest) => {
  t.equal(guest.monitor('snapshot list'), 'There are no snapshots.\n');
  t.equal(guest.monitor('snapshot load a'), 'There is no snapshot "a"; there is none yet.\n');
  guest.monitor('snapshot save a');
  guest.monitor('snapshot save b-2.x_');
  t.match(guest.monitor('snapshot list'), /^a +\d\d:\d\d:\d\d +\S.* [KM]iB copied\nb-2\.x_ +.* 0 bytes copied\n[\d.]+ [KM]iB of RAM in all of them\n$/);
  t.equal(guest.monitor('snapshot delete c'), 'There is no snapshot "c"; there are a, b-2.x_.\n');
  t.match(guest.monitor('snapshot delete a'), /^Deleted "a": [\d.]+ [KM]iB of RAM in the others\.\n$/, 'b shares its pages');
  t.equal(guest.monitor('snapshot delete b-2.x_'), 'Deleted "b-2.x_": 0 bytes of RAM in the others.\n');
  for (const name of ['a/b', 'ä', 'x'.repeat(41), '"']) t.equal(guest.monitor(`snapshot save ${name}`), 'A snapshot\'s name has 1 to 40 letters, digits, dots, dashes and underscores.\n', name);
  for (const wrong of ['save', 'load', 'delete', 'save a b']) t.equal(guest.monitor(`snapshot ${wrong}`), 'Say which snapshot: one word after "snapshot save", "load" or "delete".\n', wrong);
  t.equal(guest.monitor('snapshot list all'), 'Say "monitor snapshot list".\n');
  for (const wrong of ['', ' restore x']) t.equal(guest.monitor(`snapshot${wrong}`), 'Say "monitor snapshot save NAME", "load NAME", "list" or "delete NAME".\n');
  for (let i = 0; i < 100; i++) guest.monitor(`snapshot save s${i}`);
  t.equal(guest.monitor('snapshot save another'), 'There are 100 snapshots already; delete one first.\n');
  t.match(guest.monitor('snapshot save s7'), /^Saved "s7"/, 'one of them may be replaced');
  return Promise.resolve();
}));

test('while the guest runs there is nothing to keep', (t) => withMachine({ guest: { ...GUEST, bytes: Uint8Array.of(0xeb, 0xfe) }, memory: 2 * MIB }, async (guest) => {
  const stop = guest.continue();
  for (const command of ['save', 'load']) t.equal(guest.monitor(`snapshot ${command} a`), 'The machine is running; interrupt it first\n');
  guest.target.interrupt();
  t.equal((await stop).reason.kind, 'interrupt');
}));

test('the screen is put back, in text and in graphics', (t) => withMachine({ guest: GUEST, memory: 8 * MIB }, (guest) => {
  const { machine } = guest;
  const text = (): string => textRows(textScreen(machine.video)!)[0];
  const print = (word: string): void => { [...word].forEach((character, i) => machine.memory.writeByte(0xb_8000 + 2 * i, character.charCodeAt(0))); };
  print('first');
  guest.monitor('snapshot save one');
  print('other');
  guest.monitor('snapshot save two');
  print('third');
  guest.monitor('snapshot load one');
  t.equal(text(), 'first');
  guest.monitor('snapshot load two');
  t.equal(text(), 'other');
  setStandardMode(machine.video.vga, standardMode(0x12)!);
  machine.video.memory.writeMmio(100, Uint8Array.of(0xaa));
  const picture = screenPicture(machine.video);
  guest.monitor('snapshot save three');
  machine.video.memory.writeMmio(200, Uint8Array.of(0x55));
  guest.monitor('snapshot load one');
  t.equal(text(), 'first', 'text again');
  guest.monitor('snapshot load three');
  t.deepEqual(screenPicture(machine.video), picture, 'mode 12h again');
  return Promise.resolve();
}));
