/** The built-in BIOS: boot sectors that print, read sectors, ask for memory, wait for a key, and ask for what is not there. */
import test from 'tape';
import { MachineTarget } from '../../../src/debugger/machine-target.js';
import { textRows, textScreen } from '../../../src/vmm/display/text-screen.js';
import { Machine } from '../../../src/vmm/machine.js';
import type { StopEvent } from '../../../src/target.js';
import { hostCapabilities } from '../debugger/guest-under-debug.js';
import { patience } from '../../time-scale.js';
import { memoryImage } from './memory-image.js';

const SECTOR = 512;
const DATA = 0x7d00;
const INT = (vector: number): number[] => [0xcd, vector];
const MOV_AX = (value: number): number[] => [0xb8, value & 0xff, value >> 8];
const MOV_BX = (value: number): number[] => [0xbb, value & 0xff, value >> 8];
const MOV_CX = (value: number): number[] => [0xb9, value & 0xff, value >> 8];
const MOV_DX = (value: number): number[] => [0xba, value & 0xff, value >> 8];
const MOV_SI = (value: number): number[] => [0xbe, value & 0xff, value >> 8];
const MOV_DI = (value: number): number[] => [0xbf, value & 0xff, value >> 8];
/** mov [address], ax; pushf; pop word [address + 2] */
const STORE = (address: number): number[] => [0xa3, address & 0xff, address >> 8, 0x9c, 0x8f, 0x06, (address + 2) & 0xff, (address + 2) >> 8];
/** Ends the guest by isa-debug-exit. */
const END = [0xb0, 0, 0xe6, 0xf4];

interface Ran {
  readonly machine: Machine;
  readonly stop: StopEvent;
  readonly log: readonly string[];
  readonly word: (address: number) => number;
  readonly screen: () => string;
}

interface Setting {
  readonly disk?: Uint8Array;
  readonly data?: string;
  readonly readOnly?: boolean;
  readonly keys?: string;
  /** Milliseconds. */
  readonly keysAfter?: number;
  readonly irqchip?: 'none' | 'kernel';
}

async function run(
  code: readonly number[], { disk = new Uint8Array(64 * SECTOR), data = '', readOnly = false, keys = '', keysAfter = 30, irqchip = 'none' }: Setting = {},
): Promise<Ran> {
  const log: string[] = [];
  const image = new Uint8Array(DATA - 0x7c00 + data.length);
  image.set(code);
  image.set(Buffer.from(data, 'latin1'), DATA - 0x7c00);
  const machine = Machine.create({
    memory: 4 << 20, irqchip, guest: { bytes: image, name: 'test', boot: 'flat', mode: 'real' }, bios: { disks: [memoryImage(disk, readOnly)] },
    log: (sentence) => log.push(sentence),
  });
  const target = new MachineTarget(machine, { capabilities: hostCapabilities, version: 'test' });
  const stop = await new Promise<StopEvent>((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error(`no end; ${log.join(' ')}`)), patience(10_000));
    target.onStop((event) => {
      clearTimeout(timer);
      resolve(event);
    });
    if (keys !== '') setTimeout(() => machine.keys(keys), keysAfter);
    target.resume([{ kind: 'continue', thread: 1 }]);
  });
  const word = (address: number): number => {
    const [low, high] = machine.memory.read(address, 2);
    return low | (high << 8);
  };
  const screen = (): string => textRows(textScreen(machine.video)!).join('\n').trimEnd();
  return { machine, stop, log, word, screen };
}

test('BIOS: a boot sector that prints by INT 10h', async (t) => {
  // lodsb; test al, al; jz; mov ah, 0eh; int 10h; jmp
  const print = [0xac, 0x84, 0xc0, 0x74, 0x06, 0xb4, 0x0e, ...INT(0x10), 0xeb, 0xf5];
  const { machine, stop, log, screen, word } = await run([...MOV_AX(3), ...INT(0x10), ...MOV_SI(DATA), ...print, ...END], { data: 'Hello,\r\nBIOS world\b!\0' });
  t.deepEqual(stop.reason.kind, 'exited');
  t.equal(screen(), 'Hello,\nBIOS worl!');
  t.equal(word(0x450), 0x010a, 'the cursor in the BIOS data area');
  t.deepEqual(log, []);
  machine.close();
});

test('BIOS: the screen scrolls', async (t) => {
  // mov cx, 30: print 'a' + n, CR, LF
  const line = (character: number): number[] => [0xb0, character, 0xb4, 0x0e, ...INT(0x10)];
  const code = [...MOV_AX(3), ...INT(0x10), 0xb3, 0x61, ...MOV_CX(26), 0x88, 0xd8, 0xb4, 0x0e, ...INT(0x10), ...line(13), ...line(10), 0xfe, 0xc3, 0x49, 0x75, 0xe9];
  const { machine, screen } = await run([...code, ...END]);
  t.equal(screen(), Array.from({ length: 24 }, (_, i) => String.fromCharCode(0x63 + i)).join('\n'));
  machine.close();
});

test('BIOS: a page number that the guest has spoilt is none beyond the last', async (t) => {
  // mov byte [462h], 0ffh; then INT 10h AH=06h over the whole screen, in the last page
  const code = [0xc6, 0x06, 0x62, 0x04, 0xff, ...MOV_AX(0x0600), ...MOV_BX(0x1f00), ...MOV_CX(0), ...MOV_DX(0xffff), ...INT(0x10)];
  const { machine, stop } = await run([...code, ...END]);
  t.equal(stop.reason.kind, 'exited');
  t.equal(machine.memory.readByte(0xb8000 + 7 * 0x1000 + 1), 0x1f, 'the last page is cleared with the attribute');
  t.equal(machine.memory.readByte(0xb8000 + 255 * 0x1000 + 1), 0, 'and nothing behind the screen');
  machine.close();
});

test('BIOS: sectors by CHS and by LBA, written ones too; beyond the end is an error', async (t) => {
  const disk = new Uint8Array(64 * SECTOR).map((_, i) => Math.floor(i / SECTOR));
  const packet = [16, 0, 2, 0, 0x00, 0xa0, 0, 0, 40, 0, 0, 0, 0, 0, 0, 0];
  const code = [
    ...MOV_AX(0x0203), ...MOV_BX(0x9000), ...MOV_CX(0x0002), ...MOV_DX(0x0080), ...INT(0x13), ...STORE(0x600),
    ...MOV_AX(0x4200), ...MOV_SI(DATA), ...MOV_DX(0x0080), ...INT(0x13), ...STORE(0x604),
    ...MOV_AX(0x0301), ...MOV_BX(0x9000), ...MOV_CX(0x000a), ...MOV_DX(0x0080), ...INT(0x13), ...STORE(0x608),
    ...MOV_AX(0x02ff), ...MOV_CX(0x0001), ...INT(0x13), ...STORE(0x60c),
    ...MOV_AX(0x0201), ...MOV_DX(0x0081), ...INT(0x13), ...STORE(0x610),
  ];
  const { machine, word, log } = await run([...code, ...END], { disk, data: String.fromCharCode(...packet) });
  t.ok(Buffer.compare(machine.memory.read(0x9000, 3 * SECTOR), disk.subarray(SECTOR, 4 * SECTOR)) === 0, 'CHS 0/0/2, 3 sectors');
  t.equal(word(0x600), 0x0003);
  t.deepEqual([...machine.memory.read(0xa000, 2)], [40, 40], 'LBA 40');
  t.deepEqual([word(0x604) >> 8, word(0x606) & 1], [0, 0]);
  t.equal(disk[9 * SECTOR], 1, 'sector 10 has what sector 2 had');
  t.deepEqual([word(0x60c) >> 8, word(0x60e) & 1], [4, 1], 'sector not found, carry');
  t.deepEqual([word(0x610) >> 8, word(0x612) & 1], [0x80, 1], 'no such drive, carry');
  t.deepEqual(log, []);
  machine.close();
});

test('BIOS: a read-only disk refuses writes', async (t) => {
  const { machine, word } = await run([...MOV_AX(0x0301), ...MOV_BX(0x9000), ...MOV_CX(1), ...MOV_DX(0x80), ...INT(0x13), ...STORE(0x600), ...END], { readOnly: true });
  t.deepEqual([word(0x600) >> 8, word(0x602) & 1], [3, 1]);
  machine.close();
});

test('BIOS: memory by INT 12h, 15h E820, E801 and 88h; A20', async (t) => {
  const code = [
    ...INT(0x12), ...STORE(0x600),
    0x66, 0x31, 0xdb, 0x66, 0xba, 0x50, 0x41, 0x4d, 0x53, 0x66, 0xb9, 20, 0, 0, 0, ...MOV_AX(0xe820), ...MOV_DI(0x9000), ...INT(0x15), ...STORE(0x604),
    ...MOV_AX(0xe801), ...INT(0x15), ...STORE(0x608), ...MOV_AX(0x8800), ...INT(0x15), ...STORE(0x60c), ...MOV_AX(0x2401), ...INT(0x15), ...STORE(0x610),
  ];
  const { machine, word } = await run([...code, ...END]);
  t.equal(word(0x600), 639);
  t.equal(word(0x606) & 1, 0);
  t.equal(machine.memory.read64(0x9008), 0x9fc00n, 'the first entry of the map');
  t.equal(word(0x608), 3 * 1024, 'KiB above 1 MiB');
  t.equal(word(0x60c), 3 * 1024);
  t.deepEqual([word(0x610) >> 8, word(0x612) & 1], [0, 0]);
  machine.close();
});

test('BIOS: INT 16h waits for a key; AH=01h looks', async (t) => {
  const { machine, word } = await run([...MOV_AX(0x0100), ...INT(0x16), ...STORE(0x600), ...MOV_AX(0), ...INT(0x16), ...STORE(0x604), ...END], { keys: 'a' });
  t.equal(word(0x602) & 0x40, 0x40, 'ZF: no key yet');
  t.equal(word(0x604), 0x1e61);
  machine.close();
});

test('BIOS: the timer ticks at 40:6C and by INT 1Ch, also while INT 16h waits', async (t) => {
  const code = [
    0xc7, 0x06, 0x70, 0x00, DATA & 0xff, DATA >> 8, 0xc7, 0x06, 0x72, 0x00, 0, 0, 0xfb, // INT 1Ch is ours; sti
    ...MOV_AX(0), ...INT(0x16), // a key that comes in 150 ms
    0xff, 0x36, 0x00, 0x07, 0x8f, 0x06, 0x02, 0x07, // push word [700h]; pop word [702h]
    0xa1, 0x6c, 0x04, 0x05, 2, 0, 0x39, 0x06, 0x6c, 0x04, 0x75, 0xfa, // two ticks from now
    ...MOV_AX(0), ...INT(0x1a), 0x89, 0x16, 0x04, 0x07, // mov [704h], dx
  ];
  const { machine, stop, word, log } = await run([...code, ...END], { data: '\xff\x06\x00\x07\xcf', irqchip: 'kernel', keys: 'x', keysAfter: 150 }); // inc word [700h]; iret
  t.equal(stop.reason.kind, 'exited');
  t.ok(word(0x702) >= 1, `${word(0x702)} ticks while it waited for a key`);
  t.ok(word(0x700) >= word(0x702) + 2, `INT 1Ch was called ${word(0x700)} times`);
  t.ok((word(0x46c) - word(0x704)) % 0x1_0000 <= 1, 'INT 1Ah says what 40:6C says');
  t.ok(Math.abs(machine.memory.read32(0x46c)! - (Date.now() % 86_400_000) * 0.018_206_5) < 60, 'it is the time of day, in UTC as the CMOS clock has it');
  t.deepEqual(log, []);
  machine.close();
});

test('BIOS: INT 1Ah has the time and date of the CMOS clock, wherever the host is', async (t) => {
  const cmos = (register: number, address: number): number[] => [0xb0, register, 0xe6, 0x70, 0xe4, 0x71, 0xa2, address & 0xff, address >> 8];
  const code = [
    ...MOV_AX(0x0200), ...INT(0x1a), 0x89, 0x0e, 0x00, 0x06, ...cmos(4, 0x604), // mov [600h], cx: hour and minute
    ...MOV_AX(0x0400), ...INT(0x1a), 0x89, 0x16, 0x02, 0x06, ...cmos(7, 0x605), ...cmos(8, 0x606), // mov [602h], dx: month and day
  ];
  const before = process.env['TZ'];
  try {
    for (const zone of ['Asia/Tokyo', 'America/Los_Angeles']) {
      process.env['TZ'] = zone;
      const { machine } = await run([...code, ...END]);
      const [minute, hour, day, month, cmosHour, cmosDay, cmosMonth] = machine.memory.read(0x600, 7);
      // At the turn of an hour one of the two may be later.
      if (minute !== 0) t.deepEqual([hour, day, month], [cmosHour, cmosDay, cmosMonth], zone);
      t.ok(hour < 0x24 && minute < 0x60 && day >= 1 && month >= 1, `${zone}: month, day, hour, minute ${[month, day, hour, minute].map((value) => value.toString(16)).join(' ')}`);
      machine.close();
    }
  } finally {
    if (before === undefined) delete process.env['TZ'];
    else process.env['TZ'] = before;
  }
});

test('BIOS: INT 15h moves blocks above 1 MiB, and nothing where no memory is', async (t) => {
  const descriptors = (from: number, to: number): number[] => [...new Array<number>(16).fill(0),
    ...[from, to].flatMap((base) => [0xff, 0xff, base & 0xff, (base >> 8) & 0xff, (base >> 16) & 0xff, 0x93, 0, base / 0x100_0000])];
  const move = (table: number): number[] => [...MOV_AX(0x8700), ...MOV_CX(4), ...MOV_SI(table), ...INT(0x15)];
  const code = [...move(DATA), ...STORE(0x600), ...move(DATA + 32), ...STORE(0x604)];
  const data = Buffer.from([...descriptors(0x7c00, 0x20_0000), ...descriptors(0x7c00, 0x4000_0000)]).toString('latin1');
  const { machine, word } = await run([...code, ...END], { data });
  t.deepEqual(machine.memory.read(0x20_0000, 8), machine.memory.read(0x7c00, 8));
  t.deepEqual([word(0x600) >> 8, word(0x602) & 1], [0, 0]);
  t.deepEqual([word(0x604) >> 8, word(0x606) & 1], [2, 1]);
  machine.close();
});

test('BIOS: INT 19h boots the first disk again by whatever INT 13h is; memory and vectors stay; INT 18h is the end', async (t) => {
  const disk = new Uint8Array(64 * SECTOR);
  // The boot sector: inc word [602h]; mov [604h], dx; cmp word [602h], 2; je to INT 18h; int 19h
  disk.set([0xff, 0x06, 0x02, 0x06, 0x89, 0x16, 0x04, 0x06, 0x83, 0x3e, 0x02, 0x06, 2, 0x74, 2, ...INT(0x19), ...INT(0x18)]);
  disk.set([0x55, 0xaa], 510);
  // INT 13h leads over: inc word [600h]; jmp to what it was
  const hook = [0x2e, 0xff, 0x06, 0x00, 0x06, 0xea, 0, 0, 0, 0];
  const code = [
    ...MOV_SI(DATA), ...MOV_DI(0x700), ...MOV_CX(hook.length), 0xf3, 0xa4, // rep movsb: out of the way of the sector
    0xa1, 0x4c, 0x00, 0xa3, 0x06, 0x07, 0xa1, 0x4e, 0x00, 0xa3, 0x08, 0x07, // the old vector into the hook
    0xc7, 0x06, 0x4c, 0x00, 0x00, 0x07, 0xc7, 0x06, 0x4e, 0x00, 0, 0, ...INT(0x19),
  ];
  const { machine, stop, word, log } = await run(code, { disk, data: String.fromCharCode(...hook) });
  t.deepEqual([stop.reason.kind, stop.reason.kind === 'exited' && stop.reason.status], ['exited', 1]);
  t.deepEqual([word(0x600), word(0x602), word(0x604)], [2, 2, 0x80], 'two reads by the hook, two boots with DL = 80h');
  t.deepEqual(log.filter((sentence) => !sentence.includes('INT 18h')), []);
  machine.close();
  disk[510] = 0;
  const blank = await run(INT(0x19), { disk });
  t.deepEqual([blank.stop.reason.kind, blank.word(0x602)], ['exited', 0], 'without 55 AA there is nothing to boot');
  blank.machine.close();
});

test('BIOS: what is not there is said once, with carry', async (t) => {
  const { machine, word, log } = await run([...MOV_AX(0x5300), ...INT(0x15), ...STORE(0x600), ...MOV_AX(0x5300), ...INT(0x15), ...END]);
  t.equal(word(0x602) & 1, 1);
  t.deepEqual(log, ['INT 15h with AX=5300h, called before 0000:7c05, is no service of the built-in BIOS; carry is set.']);
  machine.close();
});
