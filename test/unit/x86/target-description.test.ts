import test from 'tape';
import { descriptionXml } from '../../../src/x86/description-xml.js';
import { buildTargetDescription, DESCRIPTION_VARIANTS, type X86TargetDescription } from '../../../src/x86/target-description.js';

const everything = { avx: true, avx512: true, pkru: true };

function names(description: X86TargetDescription): string[] {
  return description.registers.map(({ name }) => name);
}

test('description: XML, numbers and offsets agree in every variant', (t) => {
  for (const variant of DESCRIPTION_VARIANTS) {
    for (const options of [{}, { avx: true }, everything]) {
      const description = buildTargetDescription({ variant, ...options });
      const inXml = [...description.xml.matchAll(/<reg name="(\w+)" bitsize="(\d+)" type="(\w+)" regnum="(\d+)"/g)];
      t.deepEqual(
        inXml.map(([, name, bits, , regnum]) => [name, Number(bits) / 8, Number(regnum)]),
        description.registers.map(({ name, size, regnum }) => [name, size, regnum]),
        `${variant}: the XML lists the registers in order`,
      );
      let offset = 0;
      const wrong = description.registers.filter((register, index) => {
        const bad = register.regnum !== index || register.offset !== offset;
        offset += register.size;
        return bad;
      });
      t.deepEqual(wrong, [], 'regnums are contiguous and offsets leave no gap');
      t.equal(description.size, offset);
      t.equal(new Set(names(description)).size, description.registers.length, 'no name twice');
      t.doesNotMatch(description.xml, /code_ptr|data_ptr/, 'no type whose size follows the architecture');
      t.match(description.xml, /<osabi>none<\/osabi>/);
      const types = new Set([...description.xml.matchAll(/ id="(\w+)"/g)].map((match) => match[1]));
      const builtin = /^(u?int(8|16|32|64|128)|i387_ext|ieee_(single|double)|bool)$/;
      const unknown = [...description.xml.matchAll(/ type="(\w+)"/g)].map((match) => match[1])
        .filter((type) => !types.has(type) && !builtin.test(type));
      t.deepEqual(unknown, [], 'every type is defined');
    }
  }
  t.end();
});

test('description: the core names that gdb insists on', (t) => {
  const amd64 = ['rax', 'rbx', 'rcx', 'rdx', 'rsi', 'rdi', 'rbp', 'rsp', 'r8', 'r9', 'r10', 'r11', 'r12', 'r13', 'r14', 'r15', 'rip'];
  const i386 = ['eax', 'ecx', 'edx', 'ebx', 'esp', 'ebp', 'esi', 'edi', 'eip'];
  const rest = ['eflags', 'cs', 'ss', 'ds', 'es', 'fs', 'gs', ...Array.from({ length: 8 }, (_, i) => `st${i}`),
    'fctrl', 'fstat', 'ftag', 'fiseg', 'fioff', 'foseg', 'fooff', 'fop'];
  t.deepEqual(names(buildTargetDescription()).slice(0, 49), [...amd64, ...rest, ...i386], 'superset');
  t.deepEqual(names(buildTargetDescription({ variant: 'x86-64' })).slice(0, 40), [...amd64, ...rest]);
  t.deepEqual(names(buildTargetDescription({ variant: 'i8086' })).slice(0, 32), [...i386, ...rest]);
  t.notOk(names(buildTargetDescription({ variant: 'x86-64' })).includes('eax'));
  t.notOk(names(buildTargetDescription({ variant: 'i386' })).includes('rax'));
  t.end();
});

test('description: architecture, pc and what stop replies carry', (t) => {
  const shape = (description: X86TargetDescription): string => {
    const name = (regnum: number): string => description.registers[regnum]?.name ?? '?';
    const architecture = /<architecture>(.*)<\/architecture>/.exec(description.xml)?.[1] ?? '';
    return [architecture, name(description.pc), ...description.expedited.map(name)].join(' ');
  };
  t.equal(shape(buildTargetDescription()), 'i386:x86-64 rip rip eip rsp esp rbp ebp eflags cs_base mode');
  t.equal(shape(buildTargetDescription({ variant: 'x86-64' })), 'i386:x86-64 rip rip rsp rbp eflags cs_base mode');
  t.equal(shape(buildTargetDescription({ variant: 'i386' })), 'i386 eip eip esp ebp eflags cs_base mode');
  t.equal(shape(buildTargetDescription({ variant: 'i8086' })), 'i8086 eip eip esp ebp eflags cs_base mode');
  t.end();
});

test('description: vector state only where the host has it', (t) => {
  const has = (options: object, name: string): boolean => names(buildTargetDescription(options)).includes(name);
  t.ok(has({}, 'xmm15') && !has({}, 'ymm0h') && !has({}, 'k0') && !has({}, 'pkru'));
  t.ok(has({ avx512: true }, 'ymm0h'), 'gdb refuses AVX-512 without AVX');
  t.ok(has(everything, 'zmm31h') && has(everything, 'xmm31') && has(everything, 'pkru'));
  t.ok(!has({ variant: 'i386', ...everything }, 'xmm8') && has({ variant: 'i386', ...everything }, 'zmm7h'));
  t.ok(has({ variant: 'i386' }, 'fs_base') && has({}, 'fs_base'));
  t.end();
});

test('description: a field that gdb would choke on is refused while building', (t) => {
  const feature = (start: number, end: number): string => descriptionXml('i386', [{
    name: 'x', registers: [], types: [{ kind: 'flags', id: 'f', size: 8, fields: [['F', start, end]] }],
  }]);
  t.throws(() => feature(60, 64), /field F does not fit/);
  t.throws(() => feature(5, 4), /field F does not fit/);
  t.match(feature(60, 63), /start="60" end="63"/);
  t.end();
});
