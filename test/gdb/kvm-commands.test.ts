/** The helper's `kvm` commands: in every CPU mode, with firmware and without, and wrongly used. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { type Test } from 'tape';
import { checkAnswers, withAttachedGdb, withGdb, type GdbConsole } from './support/gdb-console.js';
import { buildGuests, GDB_HELPER } from './support/gdb-session.js';
import { testGuest } from './support/test-guest.js';

buildGuests();
const LOAD = `source ${GDB_HELPER}`;
const COMMANDS = ['bda', 'e820', 'gdt', 'idt', 'ivt', 'keys', 'mode', 'pagetable', 'pci', 'screen', 'x'];
const PLAIN = COMMANDS.filter((name) => name !== 'keys' && name !== 'x');

/** Runs each command that needs no argument: each says something, and nothing that Python says. */
async function allSpeak(t: Test, gdb: GdbConsole, where: string): Promise<void> {
  for (const name of [...PLAIN, 'keys a', 'x/2xb $ss:$sp', 'pagetable $pc']) {
    const answer = await gdb.run(`kvm ${name}`);
    t.ok(answer.trim() !== '' && !/Traceback|Python|Error|unknown command/i.test(answer), `${where}: kvm ${name}: ${answer.split('\n', 1)[0]}`);
  }
}

test('every command works in every CPU mode that a guest goes through, and back', async (t) => {
  const { image, elf } = testGuest('tour');
  await withAttachedGdb([image], async (gdb) => {
    await gdb.run(LOAD);
    for (const [label, mode, rows] of [
      ['in_real16', 'real16', [['kvm idt', /^The processor is in real16, where interrupts go through the interrupt vector table/], ['kvm pagetable', /^Paging is off \(real16\)/]]],
      ['in_protected16', 'protected16', [['kvm gdt', /\n0x0010 {2}CS32 .*\n0x0018 {2}DS .*limit 0xffffffff.*\n0x0020 {2}CS64 .*\n0x0028 {2}DS .*base 0x00020000/]]],
      ['in_protected32', 'protected32', [
        ['kvm gdt', /0x0010 {2}CS32 \[-RA\] +base 0x00000000 limit 0xffffffff DPL=0 <- cs\n/], ['kvm idt', /^IDT at 0x00000000/],
        ['kvm x/i 0x10:0x7c24', /=> 0x7c24 <in_protected32>:\tmov +\$0x18,%eax\n/], ['kvm x/xb 0x28:0x10', /^0x20010:\t0x00\n$/],
        ['kvm x/i 0x40:0', /^Selector 0x40 is beyond the GDT's limit 0x2f\.\n$/], ['kvm x/i 0:0', /^0x0 is the null selector, which names no segment\.\n$/],
        ['kvm x/i 0x14:0', /^Selector 0x14 is in the LDT, and none is loaded\.\n$/],
      ]],
      ['in_real32', 'real32', [['kvm mode', /unreal/]]],
      ['in_compat32', 'compat32', [['kvm pagetable', /^4-level paging, root table at physical 0x1000\n0{16}-0{10}1fffff -> 0{12} {2}2 MiB -rwx\n$/]]],
      ['in_compat16', 'compat16', [['kvm gdt', /0x0008 {2}CS16 .* <- cs\n/]]],
      ['in_long64', 'long64', [
        ['kvm pagetable $pc', /PML4E at 0x00001000: 0x0{12}2[0-9a-f]{3} {2}P W A?.*\nPDPTE .*\nPDE {3}at .* PS\nlinear 0x7c[0-9a-f]+ is physical 0x7c[0-9a-f]+: 2 MiB page, -rwx\n$/],
        ['kvm pagetable 0x40000000', /\n0x40000000 is not mapped: its PDPTE at physical 0x2008 is not present\.\n$/],
        ['kvm pagetable 1ULL<<50', /0x4000000000000 is not a canonical address/],
        ['kvm x/i $cs:$rip', /=> 0x7c.*<in_long64>:\tmov +\$0x7c00,%esp\n/],
        ['kvm mode', /^long64, cpl 0, cs:ip 0020:0{12}7c[0-9a-f]{2}, linear 0x7c[0-9a-f]{2}\n$/],
      ]],
      ['back_compat16', 'compat16', []],
      ['back_protected16', 'protected16', []],
      ['end', 'real16', [['kvm mode', /^real16, .*, unreal \(/], ['kvm x/1xb $ds:0x200000', /^0x200000:\t0x5a\n$/], ['kvm x/xb $es:0', /^0x20000:\t/]]],
    ] as readonly (readonly [string, string, readonly (readonly [string, RegExp])[]])[]) {
      await gdb.runAll(`tbreak *&${label}`, 'continue');
      t.match(await gdb.run('kvm mode'), new RegExp(`^${mode}, cpl 0, cs:ip [0-9a-f:]+, linear 0x7c`), label);
      await allSpeak(t, gdb, mode);
      await checkAnswers(t, gdb, rows);
    }
    t.equal(await gdb.run('complete kvm pagetable in_compat'), 'kvm pagetable in_compat16\nkvm pagetable in_compat32\n');
  }, elf);
});

test('kvm x takes a segment and an offset, as registers, numbers and expressions', async (t) => {
  await withAttachedGdb(['build/modes.img'], async (gdb) => {
    await gdb.runAll(LOAD, 'set var $ds = 0x7c0', 'set var $rsi = 1', 'set var $ss = 0x9000', 'set var $rsp = 0xfff0');
    await checkAnswers(t, gdb, [
      ['kvm x/2xb $ds:$si', /^0x7c01:\t0xfc\t0x31\n$/],
      ['kvm x /2xb $ds : $si+1', /^0x7c02:\t0x31\t0xc0\n$/],
      ['kvm x/xb ds:0', /^0x7c00:\t0xfa\n$/],
      ['kvm x/xb 0x7c0:0x01', /^0x7c01:\t0xfc\n$/],
      ['kvm x/xb (1?0x7c0:0):1', /^0x7c01:\t0xfc\n$/],
      // $sp is 0xfff0; $ax and the like are signed 16-bit numbers to gdb.
      ['kvm x/xb $ss:$sp', /^0x9fff0:\t0x00\n$/],
      ['set var $ax = 0xfffe', /^$/],
      ['kvm x/xb 0:$ax', /^0xfffe:\t0x00\n$/],
      ['kvm x/xb 0:$ax+1', /^0xffff:\t0x00\n$/],
      ['kvm x', /^kvm x needs SEGMENT:OFFSET, such as \$ds:\$si or 0x7c0:0x10\.\n$/],
      ['kvm x/4xb', /^kvm x needs SEGMENT:OFFSET/],
      ['kvm x/4xb $ds', /^kvm x needs SEGMENT:OFFSET/],
      ['kvm x/4xb 1:2:3', /^kvm x needs SEGMENT:OFFSET/],
      ['kvm x/4xb :', /^kvm x needs SEGMENT:OFFSET/],
      ['kvm x/4xb 0x12345:0', /^0x12345 is 0x12345, and a segment has 16 bits\.\n$/],
      ['kvm x/4xb 0:nothing', /^No symbol /],
      ['kvm x/4xb 0:"abc"', /^"abc" is no number\.\n$/],
      ['kvm x/yy 0:0', /Undefined output format "y"\.\n$/],
    ]);
  });
});

/** A boot sector that never ends: jmp . */
function writeDisk(folder: string): string {
  const disk = new Uint8Array(64 * 512);
  disk.set([0xeb, 0xfe]);
  disk.set([0x55, 0xaa], 510);
  const path = join(folder, 'disk.img');
  writeFileSync(path, disk);
  return path;
}

test('with a BIOS the commands show its tables, keys arrive and the bus is there', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'kvm-gdbserver-commands-'));
  try {
    for (const [firmware, rows] of [
      ['builtin', [
        ['kvm e820', /^The built-in BIOS answers to INT 15h, AX=E820h:\n0x0{12}-0x0{7}9fbff +639 KiB {2}RAM\n[^]*reserved\n/],
        ['kvm pci', /^There is no PCI bus/],
        ['kvm keys "ab"', /^Typed\.\n$/],
        ['kvm bda', /\nhard disks +1\n/],
        ['kvm ivt', /\n0x13 {2}f000:8098 linear 0xf8098 {2}disks\n/],
      ]],
      ['seabios', [
        ['kvm e820', /^The firmware was told by fw_cfg \(etc\/e820\):\n0x0{12}-0x0{5}7ffffff +128 MiB {2}RAM\n[^]*reserved\n/],
        ['kvm pci', /^00:00\.0 {2}8086:1237 {2}0600 host bridge: [^]*\n00:01\.1 {2}8086:7010 {2}0101 IDE controller: /],
        ['kvm bda', /serial ports +0x3f8\n[^]*EBDA +segment 9[0-9a-f]{3} \(linear 0x9[0-9a-f]{4}\)\n[^]*timer ticks +\d+ [^]*hard disks +1\n$/],
        ['kvm ivt', /\n0x13 {2}f000:e3fe linear 0xfe3fe {2}disks\n[^]*\n0x19 {2}f000:e6f2 linear 0xfe6f2 {2}boot\n/],
      ]],
    ] as readonly (readonly [string, readonly (readonly [string, RegExp])[]])[]) {
      await withAttachedGdb(['--firmware', firmware, writeDisk(folder)], async (gdb) => {
        await gdb.runAll(LOAD, 'tbreak *0x7c00', 'continue');
        t.match(await gdb.run('kvm mode'), /^real16, cpl 0, cs:ip 0000:7c00, linear 0x7c00\n$/, firmware);
        await allSpeak(t, gdb, firmware);
        await checkAnswers(t, gdb, rows);
      });
    }
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test('e820 is read from where the boot protocol put it, idt and ivt show symbols', async (t) => {
  await withAttachedGdb(['build/multiboot2.elf'], async (gdb) => {
    await gdb.run(LOAD);
    t.match(await gdb.run('kvm e820'), /^The guest was told by the Multiboot 2 information at 0x[0-9a-f]+:\n0x0{12}-0x0{7}9fbff +639 KiB {2}RAM\n[^]*RAM\n$/);
  });
  await withAttachedGdb(['build/kernel32.elf'], async (gdb) => {
    await gdb.run(LOAD);
    t.match(await gdb.run('kvm e820'), /^The guest was told by the Multiboot information at 0x[0-9a-f]+:\n0x0{12}-0x0{7}9fbff +639 KiB {2}RAM\n[^]*RAM\n$/);
  });
  await withAttachedGdb(['build/faults.elf'], async (gdb) => {
    await gdb.runAll(LOAD, 'tbreak choose', 'continue');
    t.match(await gdb.run('kvm idt'), /\n0x0e {2}#PF +interrupt64 DPL=0 [0-9a-f]{4}:0{10}[0-9a-f]{6} <\w+>\n/);
  });
});

test('help and completion know every command, and every key that is offered exists', async (t) => {
  await withGdb(['build/modes.img'], async (gdb, server) => {
    await gdb.run(LOAD);
    t.deepEqual([...(await gdb.run('help kvm')).matchAll(/^kvm (\w+) -- \S/gm)].map(([, name]) => name), COMMANDS);
    t.equal(await gdb.run('complete kvm p'), 'kvm pagetable\nkvm pci\n');
    for (const name of COMMANDS) {
      t.match(await gdb.run(`help kvm ${name}`), /^[A-Z][^]*\.\n/, `help kvm ${name}`);
      if (name !== 'keys') t.match(await gdb.run(name === 'pagetable' ? 'kvm pagetable 1' : `kvm ${name}${name === 'x' ? ' 0:0' : ''}`), /^There is no guest: connect to kvm-gdbserver by `target remote` first\.\n$/, `kvm ${name} without a guest`);
    }
    const keys = (await gdb.run('complete kvm keys ab<')).trim().split('\n').map((line) => line.replace('kvm keys ', ''));
    t.ok(keys.length > 10, `${keys.length} keys`);
    await gdb.run(`target remote ${server.address}`);
    for (const key of keys) t.equal(await gdb.run(`kvm keys ${key}`), 'Typed.\n', key);
    await checkAnswers(t, gdb, [
      ['kvm keys', /^Say what to type: kvm keys "help\\n"\n$/],
      ['kvm keys <nokey>', /^There is no key for "<nokey>" on a US keyboard\.\n$/],
      ['kvm gdt 1', /^kvm gdt takes no arguments\.\n$/],
      ['kvm mode x', /^kvm mode takes no arguments\.\n$/],
      ['kvm pagetable what', /^No symbol /],
      ['kvm nonsense', /^Undefined kvm command: "nonsense"\. {2}Try "help kvm"\.\n$/],
    ]);
  });
});

test('each CPU has tables of its own, and the selected one is shown', async (t) => {
  await withAttachedGdb(['--cpus', '2', '--irqchip', 'kernel', 'build/modes.img'], async (gdb) => {
    await gdb.runAll(LOAD, 'tbreak *0x7cc9', 'continue');
    t.match(await gdb.run('kvm pagetable'), /^4-level paging/);
    await gdb.run('thread 2');
    t.match(await gdb.run('kvm pagetable'), /^Paging is off \(real16\)/);
    t.match(await gdb.run('kvm gdt'), /^No GDT has been loaded/);
  });
});

test('with a description that has no system registers the commands say so', async (t) => {
  await withAttachedGdb(['--description', 'i8086', 'build/modes.img'], async (gdb) => {
    await gdb.run(LOAD);
    for (const name of [...PLAIN, 'x/xb 0:0']) {
      const answer = await gdb.run(`kvm ${name}`);
      t.ok(answer.split('\n').length >= 2 && !/Traceback|Python/.test(answer), `kvm ${name}: ${answer.trim()}`);
    }
  });
});

test('while the guest runs each command is one sentence', async (t) => {
  await withAttachedGdb(['build/modes.img'], async (gdb) => {
    await gdb.runAll(LOAD, 'set var $rip = $rip', 'set {char[2]}0x7c00 = {0xeb, 0xfe}');
    await gdb.run('continue &');
    for (const name of [...PLAIN, 'keys a', 'x/xb 0:0']) {
      t.equal(await gdb.run(`kvm ${name}`), 'The guest is running; interrupt it first.\n', name);
    }
  });
});
