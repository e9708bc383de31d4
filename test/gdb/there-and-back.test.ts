/** One session from real mode through protected and compatibility to long mode and back, whatever file gdb has loaded. */
import test from 'tape';
import { withAttachedGdb } from './support/gdb-console.js';
import { GDB_HELPER } from './support/gdb-session.js';
import { testGuest } from './support/test-guest.js';

const { image, elf } = testGuest('tour');
const FILES = { 'an ELF64 file': elf, 'an ELF32 file': testGuest('tour-elf32').elf, 'no file': undefined };

/** In the order of execution: the label, the mode there, the instruction, and whether a call stands there. */
const STATIONS = [
  ['in_real16', 'real16', /call +0x7c/, true],
  ['in_protected16', 'protected16', /ljmp +\$0x10,\$0x7c/, false],
  ['at_near32', 'protected32', /call +0x7c/, true],
  ['in_real32', 'real32', /or +\$0x1,%al/, false],
  ['in_compat32', 'compat32', /ljmp +\$0x8,\$0x7c/, false],
  ['in_compat16', 'compat16', /ljmp +\$0x20,\$0x7c/, false],
  ['at_near64', 'long64', /call +0x7c/, true],
  ['back_compat16', 'compat16', /mov +%cr0,%eax/, false],
  ['back_protected16', 'protected16', /mov +\$0x28,%ax/, false],
  ['back_real16', 'real16', /xor +%ax,%ax/, false],
  ['back_call', 'real16', /call +0x7c/, true],
  ['end', 'real16', /hlt/, false],
] as const;

for (const [name, file] of Object.entries(FILES)) {
  test(`there and back with ${name}`, async (t) => {
    const addresses = new Map<string, string>();
    await withAttachedGdb([image], async (gdb) => {
      for (const [label] of STATIONS) addresses.set(label, /0x[0-9a-f]+/.exec(await gdb.run(`info address ${label}`))?.[0] ?? '');
    }, elf);

    await withAttachedGdb([image], async (gdb) => {
      await gdb.run(`source ${GDB_HELPER}`);
      for (const [label, mode, instruction, isCall] of STATIONS) {
        const address = addresses.get(label) as string;
        await gdb.runAll(`tbreak *${address}`, 'continue');
        t.match(await gdb.run('kvm mode'), new RegExp(`^${mode}, .*, linear ${address}[,\\n]`), label);
        t.match(await gdb.run('x/i $pc'), new RegExp(`^=> ${address}.*:\\t${instruction.source}`), `${label}: its instruction`);
        if (!isCall) continue;
        const behind = Number(address) + Number(/length': (\d)/.exec(await gdb.run('python print(gdb.selected_frame().architecture().disassemble(gdb.selected_frame().pc()))'))?.[1] ?? 0);
        const stack = await gdb.run('output/x $rsp');
        await gdb.run('stepi');
        t.match(await gdb.run('bt 2'), /^#0 [^]*\n#1 +0x0*7c/, `${label}: a caller`);
        await gdb.run('finish');
        t.equal(Number(await gdb.run('output/x $pc')), behind, `${label}: finish`);
        // Once more, over it.
        await gdb.run(`set var $pc = ${address}`);
        await gdb.run('nexti');
        t.equal(Number(await gdb.run('output/x $pc')), behind, `${label}: nexti`);
        t.equal(await gdb.run('output/x $rsp'), stack, `${label}: the stack is as before`);
      }
    }, file);
  });
}
