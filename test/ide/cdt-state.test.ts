/** What VS Code shows at a stop and lets its user change, through cdt-gdb-adapter. */
import test from 'tape';
import { GDB_HELPER } from '../gdb/support/gdb-session.js';
import { lineOf, source, withCdt } from './support/cdt.js';

const KERNEL = 'kernel64/kernel.c';
const GUEST = ['build/kernel64.elf'];
const PROGRAM = { program: 'build/kernel64.elf' };
const RETURN = lineOf(KERNEL, 'return node->value + below');

test('the stack, locals of each frame, members of a struct', async (t) => {
  await withCdt(GUEST, PROGRAM, async (session) => {
    await session.breakpoints(source(KERNEL), [{ line: RETURN, condition: 'node == &leaf_b' }]);
    await session.client.configurationDoneRequest();
    await session.stop();
    const frames = await session.frames();
    t.deepEqual(frames.map(({ name }) => name), ['tree_sum', 'tree_sum', 'tree_sum', 'kernel_main', '_start']);
    const names: string[] = [];
    for (const { id } of frames.slice(0, 3)) {
      const { variables } = await session.scope(id, /Local/);
      t.ok(variables.has('below'), 'below');
      const node = await session.variables(variables.get('node')?.variablesReference ?? 0);
      names.push(/"(\w+)"/.exec(node.get('name')?.value ?? '')?.[1] ?? '');
    }
    t.deepEqual(names, ['b', 'branch', 'root'], 'the node of each frame');
  });
});

test('registers, the system\'s among them', async (t) => {
  await withCdt(GUEST, PROGRAM, async (session) => {
    await session.breakpoints(source(KERNEL), [{ line: RETURN }]);
    await session.client.configurationDoneRequest();
    const { place } = await session.stop();
    const { variables } = await session.scope(place.frameId, /Registers/);
    const value = (name: string): string => variables.get(name)?.value ?? 'missing';
    t.equal(BigInt(value('rip')), place.address);
    t.equal(Number(value('cs')), 8);
    t.match(value('xmm1'), /v4_float/);
    for (const name of ['cr0', 'cr3', 'cr4', 'efer', 'gdtr', 'idtr', 'tr', 'cs_base', 'dr7', 'mode']) t.ok(variables.has(name), name);
    t.equal(Number(value('cr0')) >>> 0, 0x80000033, 'PE, MP, ET, NE, PG');
    t.equal(await session.evaluate('$efer', place.frameId), '[ LME LMA ]', 'a watch shows its bits');
    t.match(await session.evaluate('$gdtr', place.frameId), /\{\.\.\.\}/);
  });
});

test('set a local, a register and memory; the guest goes on with them', async (t) => {
  await withCdt(GUEST, PROGRAM, async (session, server) => {
    await session.breakpoints(source(KERNEL), [{ line: RETURN, condition: 'node == &root' }]);
    await session.client.configurationDoneRequest();
    const { place } = await session.stop();
    const locals = await session.scope(place.frameId, /Local/);
    t.equal(locals.variables.get('below')?.value, '17');
    const set = await session.client.setVariableRequest({ variablesReference: locals.reference, name: 'below', value: '900' });
    t.equal(set.body.value, '900');
    const address = (await session.evaluate('&root.value', place.frameId)).split(' ').find((word) => word.startsWith('0x')) ?? '';
    t.deepEqual([...await session.readMemory(address, 4)], [100, 0, 0, 0], 'as it was linked');
    await session.client.customRequest('writeMemory', { memoryReference: address, data: Buffer.from([42]).toString('base64') });
    t.deepEqual([...await session.readMemory(address, 4)], [42, 0, 0, 0]);

    const registers = await session.scope(place.frameId, /Registers/);
    await session.client.setVariableRequest({ variablesReference: registers.reference, name: 'r15', value: '0x1234' });
    t.equal(await session.evaluate('$r15', place.frameId), '4660');
    await session.continue();
    await session.take('terminated');
    t.match(server.output.stdout, /sum = 942/, 'both changes count');
  });
});

test('the memory view: across pages, at 0, and what is not mapped', async (t) => {
  await withCdt(GUEST, PROGRAM, async (session) => {
    await session.breakpoints(source(KERNEL), [{ line: RETURN }]);
    await session.client.configurationDoneRequest();
    await session.stop();
    t.equal((await session.readMemory('0x100000', 0x3000)).length, 0x3000);
    t.equal((await session.readMemory('0', 16)).length, 16);
    await session.readMemory('0xffff800000000000', 16).then(() => t.fail('is mapped'), (error: Error) => t.match(error.message, /Unable to read memory/));
    t.equal((await session.readMemory('&root', 8)).length, 8, 'an expression');
  });
});

test('the disassembly and the memory view in 16-, 32- and 64-bit code', async (t) => {
  await withCdt(['build/modes.img'], { initCommands: [`source ${GDB_HELPER}`] }, async (session) => {
    const stops = [
      [0x7c1an, ['mov    %eax,%cr0', 'ljmp   $0x8,$0x7c27'], '0f22c0ea277c0800'],
      [0x7c27n, ['mov    $0x10,%eax', 'mov    %eax,%ds'], 'b8100000008ed8'],
      [0x7cc9n, ['push   %rbp', 'mov    %rsp,%rbp'], '554889e5'],
    ] as const;
    await session.client.customRequest('setInstructionBreakpoints', {
      breakpoints: stops.map(([address]) => ({ instructionReference: `0x${address.toString(16)}` })),
    });
    await session.client.configurationDoneRequest();
    for (const [address, expected, bytes] of stops) {
      const { place } = await session.stop();
      t.equal(place.address, address);
      const shown = await session.disassemble(`0x${address.toString(16)}`, 2);
      t.deepEqual(shown.map(({ instruction }) => instruction.trim()), expected);
      t.equal((await session.readMemory(`0x${address.toString(16)}`, bytes.length / 2)).toString('hex'), bytes, 'the memory there');
      await session.continue();
    }
  });
});
