/** What starts: a guest, firmware, or firmware with the guest as its disk. */
import test from 'tape';
import { chooseStart, type StartArguments, type StartOptions } from '../../../src/cli/firmware-options.js';
import { readRunOptions, type ParsedArguments } from '../../../src/cli/run-options.js';
import type { GuestLook } from '../../../src/vmm/boot/guest-look.js';
import { refusedInOneSentence } from './usage-errors.js';

function start(argv: ParsedArguments): unknown {
  const { guest, firmware, drives, irqchip } = readRunOptions(argv);
  return { guest, firmware, irqchip, drives: drives.map(({ path, mode, kind, channel, unit }) => `${kind} ${path} ${mode} ${channel}.${unit}`) };
}

test('firmware options: what starts', (t) => {
  const rows: readonly (readonly [ParsedArguments, unknown])[] = [
    [{ guest: 'k.elf' }, { guest: 'k.elf', firmware: undefined, irqchip: undefined, drives: [] }],
    [{ guest: 'k.elf', firmware: 'none', disk: ['d,write'] }, { guest: 'k.elf', firmware: undefined, irqchip: undefined, drives: ['disk d write 0.0'] }],
    [{ guest: 'k.elf', cpus: '2' }, { guest: 'k.elf', firmware: undefined, irqchip: 'kernel', drives: [] }],
    [{ guest: 'k.elf', cpus: '2', irqchip: 'split' }, { guest: 'k.elf', firmware: undefined, irqchip: 'split', drives: [] }],
    [{ guest: 'k.elf', cpus: '1' }, { guest: 'k.elf', firmware: undefined, irqchip: undefined, drives: [] }],
    [{ firmware: 'seabios' }, { guest: undefined, firmware: 'seabios', irqchip: 'kernel', drives: [] }],
    [{ firmware: './rom.bin', irqchip: 'kernel' }, { guest: undefined, firmware: './rom.bin', irqchip: 'kernel', drives: [] }],
    [{ firmware: 'seabios', guest: 'a.img,write', disk: ['b,readonly'] },
      { guest: undefined, firmware: 'seabios', irqchip: 'kernel', drives: ['disk a.img,write snapshot 0.0', 'disk b readonly 0.1'] }],
    [{ firmware: 'builtin', guest: 'a.img', disk: ['b'] }, { guest: 'a.img', firmware: undefined, irqchip: 'kernel', drives: ['disk a.img snapshot 0.0', 'disk b snapshot 0.1'] }],
    [{ cdrom: 'g.iso' }, { guest: undefined, firmware: 'seabios', irqchip: 'kernel', drives: ['cdrom g.iso readonly 1.0'] }],
    [{ disk: ['a'] }, { guest: undefined, firmware: 'seabios', irqchip: 'kernel', drives: ['disk a snapshot 0.0'] }],
  ];
  for (const [argv, expected] of rows) t.deepEqual(start(argv), expected, JSON.stringify(argv));
  t.end();
});

test('firmware options: what a file starts with when nobody says', (t) => {
  type Row = readonly [GuestLook, boolean, Partial<StartArguments>, Partial<StartOptions>];
  const disk = [{ kind: 'disk', path: 'g', mode: 'snapshot', channel: 0, unit: 0 }] as const;
  const dDisk = { ...disk[0], path: 'd' };
  const rows: readonly Row[] = [
    ['program', true, {}, { guest: 'g', builtinBios: false, drives: [] }],
    ['linux', true, {}, { guest: 'g', builtinBios: false, drives: [] }],
    ['bytes', true, {}, { guest: 'g', builtinBios: false, drives: [] }],
    ['linux', true, { firmware: 'rom', given: new Set(['append', 'module']) }, { firmware: 'rom', kernel: 'g', builtinBios: false, drives: [], irqchip: 'kernel' }],
    ['linux', true, { firmware: 'rom', disk: ['d'], bootOrder: 'disk,kernel' },
      { firmware: 'rom', kernel: 'g', builtinBios: false, drives: [dDisk], bootOrder: [dDisk, 'kernel'], irqchip: 'kernel' }],
    ['linux', true, { firmware: 'builtin' }, { guest: 'g', builtinBios: true, drives: disk, irqchip: 'kernel' }],
    ['bytes', true, { firmware: 'rom' }, { firmware: 'rom', builtinBios: false, drives: disk, irqchip: 'kernel' }],
    ['cdrom', true, { firmware: 'rom' }, { firmware: 'rom', builtinBios: false, drives: [{ kind: 'cdrom', path: 'g', mode: 'readonly', channel: 1, unit: 0 }], irqchip: 'kernel' }],
    ['boot-sector', true, {}, { guest: 'g', builtinBios: true, drives: disk, irqchip: 'none' }],
    ['boot-sector', true, { irqchip: 'kernel' }, { guest: 'g', builtinBios: true, drives: disk, irqchip: 'kernel' }],
    ['disk', true, {}, { firmware: 'seabios', builtinBios: false, drives: disk, irqchip: 'kernel' }],
    ['disk', false, {}, { guest: 'g', builtinBios: true, drives: disk, irqchip: 'kernel' }],
    ['disk', true, { irqchip: 'none' }, { guest: 'g', builtinBios: true, drives: disk, irqchip: 'none' }],
    ['disk', true, { firmware: 'none' }, { guest: 'g', builtinBios: false, drives: [] }],
    ['disk', true, { given: new Set(['load']) }, { guest: 'g', builtinBios: false, drives: [] }],
    ['cdrom', true, {}, { firmware: 'seabios', builtinBios: false, drives: [{ kind: 'cdrom', path: 'g', mode: 'readonly', channel: 1, unit: 0 }], irqchip: 'kernel' }],
  ];
  for (const [look, seabios, typed, expected] of rows) {
    const start = chooseStart({ guest: 'g', firmware: undefined, irqchip: undefined, given: new Set(), ...typed }, { lookAt: () => look, hasSeabios: () => seabios });
    const { choice, ...rest } = start;
    t.deepEqual(rest, expected, `${look} ${JSON.stringify(typed)}${seabios ? '' : ' without SeaBIOS'}`);
    t.equal(choice?.startsWith('g is a disk'), look === 'disk' && typed.given === undefined && typed.firmware === undefined && typed.irqchip === undefined ? true : undefined);
  }
  for (const [typed, sentence] of [
    [{ given: new Set(['mode']) }, /^UsageError: --mode is for a guest that is started without firmware/],
    [{ bootOrder: 'disk', given: new Set<string>() }, /^UsageError: --boot-order names disk, and this machine has none; add --disk FILE\.$/],
  ] as const) {
    t.throws(() => chooseStart({ guest: 'g', firmware: 'rom', irqchip: undefined, ...typed }, { lookAt: () => 'linux', hasSeabios: () => true }), sentence);
  }
  t.throws(() => chooseStart({ guest: 'g', firmware: 'rom', irqchip: undefined, given: new Set() }, { lookAt: () => 'program', hasSeabios: () => true }),
    /^UsageError: g is an ELF or Multiboot kernel, and firmware boots disks, CD-ROMs and Linux kernels; leave --firmware out\.$/);
  t.throws(() => chooseStart({ guest: 'g', cdrom: 'h', firmware: undefined, irqchip: undefined, given: new Set() }, { lookAt: () => 'cdrom', hasSeabios: () => true }),
    /^UsageError: g is a CD-ROM image, and --cdrom h is another; there is one drive\.$/);
  t.end();
});

test('firmware options: what cannot be is one sentence', (t) => {
  const rows: readonly (readonly [ParsedArguments, RegExp])[] = [
    [{ firmware: 'none' }, /^Which guest\?/],
    [{ firmware: '' }, /^--firmware takes a ROM file, seabios, builtin or none\.$/],
    [{ firmware: 'seabios', guest: '' }, /^Which disk\?/],
    [{ firmware: 'builtin' }, /^Which disk\? The built-in BIOS/],
    [{ firmware: 'builtin', guest: 'a', entry: '0' }, /^--entry is for a guest that is started without firmware/],
    [{ firmware: 'seabios', irqchip: 'none' }, /^Firmware needs the interrupt controllers of a PC; leave --irqchip none out\.$/],
    ...['boot', 'load', 'entry', 'mode', 'append'].map((name) =>
      [{ firmware: 'seabios', guest: 'a', [name]: '0' }, new RegExp(`^--${name} is for a guest that is started without firmware`)] as const),
    [{ disk: ['a'], module: ['m'] }, /^--module is for a guest that is started without firmware/],
    [{ firmware: 'seabios', guest: 'a', disk: ['a'] }, /^a is given twice; a file can be only one drive\.$/],
    [{ firmware: 'seabios', disk: ['a', 'b', 'c', 'd'], cdrom: 'e' }, /are too many/],
    [{ guest: 'a', disk: ['b,wriet'] }, /"wriet" is not a way to open a disk/],
    [{ floppy: 'f.img' }, /there is no floppy controller/],
    [{ guest: 'a', 'boot-order': 'disk' }, /^--boot-order is for firmware, and this guest is started without/],
    [{ firmware: 'seabios', guest: 'a', 'boot-order': 'cdrom' }, /^--boot-order names cdrom, and this machine has none; add --cdrom FILE\.$/],
    [{ firmware: 'seabios', guest: 'a', 'boot-order': 'disk2' }, /^--boot-order names disk2, and this machine has none; add --disk FILE\.$/],
    [{ firmware: 'seabios', guest: 'a', 'boot-order': 'kernel' }, /names kernel, and this machine has none; give a bzImage as the guest\.$/],
    [{ firmware: 'seabios', guest: 'a', 'boot-order': 'disk,net' }, /^--boot-order takes disk, disk2, disk3, disk4, cdrom, kernel, menu with commas between, not "net"\.$/],
    [{ firmware: 'seabios', guest: 'a', 'boot-order': 'disk,disk' }, /names disk twice/],
  ];
  refusedInOneSentence(t, rows);
  t.end();
});
