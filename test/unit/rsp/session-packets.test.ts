/** Each packet against a fake target: what is asked, what is answered. Resumes are in session-resume.test.ts. */
import test from 'tape';
import { SessionClient } from './session-client.js';
import type { FakeOptions } from './fake-target.js';
import { MEMORY_SIZE } from './fake-target.js';
import { ALL_COMMANDS } from '../../../src/rsp/dispatch.js';

interface Row {
  readonly ask: string;
  readonly expect: string | RegExp;
  readonly options?: FakeOptions;
  readonly features?: string;
}

const END = MEMORY_SIZE.toString(16);
const BEFORE_END = (MEMORY_SIZE - 2).toString(16);
const MODERN = 'error-message+';
const hex = (text: string): string => Buffer.from(text).toString('hex');

const ROWS: readonly Row[] = [
  { ask: 'vMustReplyEmpty', expect: '' },
  { ask: 'vUnknown;x', expect: '' },
  { ask: 'qOffsets', expect: '' },
  { ask: 'qTStatus', expect: '' },
  { ask: 'qSupported', expect: /^PacketSize=[0-9a-f]+;QStartNoAckMode\+;vContSupported\+;binary-upload\+;qXfer:features:read\+/ },
  { ask: 'vFile:open:2f,0,0', expect: '' },
  { ask: 'QNonStop:1', expect: '' },
  { ask: '', expect: '' },
  { ask: '\xff', expect: '' },
  { ask: 'qSymbol::', expect: 'OK' },
  { ask: 'qAttached:1', expect: '1' },
  { ask: '!', expect: 'OK' },
  { ask: '?', expect: 'T05thread:p1.1;10:007c000000000000;07:0000000000000000;' },
  { ask: '?', features: '', expect: 'T05thread:1;10:007c000000000000;07:0000000000000000;' },
  // Threads.
  { ask: 'qC', expect: 'QCp1.1' },
  { ask: 'qC', features: '', expect: 'QC1' },
  { ask: 'qfThreadInfo', expect: 'mp1.1,p1.2' },
  { ask: 'qfThreadInfo', features: '', expect: 'm1,2' },
  { ask: 'qsThreadInfo', expect: 'l' },
  { ask: 'qThreadExtraInfo,p1.2', expect: hex('cpu1 (waiting for SIPI)') },
  { ask: 'qThreadExtraInfo,p1.9', expect: 'E22' },
  { ask: 'Hg0', expect: 'OK' },
  { ask: 'Hgp0.0', expect: 'OK' },
  { ask: 'Hgp1.2', expect: 'OK' },
  { ask: 'Hc-1', expect: 'OK' },
  { ask: 'Hcp1.-1', expect: 'OK' },
  { ask: 'Hg3', expect: 'E22' },
  { ask: 'Hgp2.1', expect: 'E22' },
  { ask: 'Hx1', expect: 'E22' },
  { ask: 'Tp1.2', expect: 'OK' },
  { ask: 'Tp1.3', expect: 'E22' },
  // Registers.
  { ask: 'p10', expect: '007c000000000000' },
  { ask: 'pfffffff0', expect: 'E22' },
  { ask: 'p', expect: 'E22' },
  { ask: 'P0=0100000000000000', expect: 'OK' },
  { ask: 'P0=01', expect: /^E\.Register rax has 8 bytes, the packet 1\.$/ },
  { ask: 'P12=ff000000', expect: /^E\.cs cannot be 0xff/ },
  { ask: 'Pffff=00', expect: /^E\.There is no register/ },
  { ask: 'G00', expect: 'E22' },
  { ask: 'Gzz', expect: 'E22' },
  // Memory.
  { ask: 'm7c00,4', expect: '90909090' },
  { ask: `m${BEFORE_END},10`, expect: '9090' },
  { ask: `m${END},1`, expect: 'E14' },
  { ask: `m${END},1`, features: MODERN, expect: `E.No memory can be read at 0x${END}.` },
  { ask: 'm0,0', expect: 'E22' },
  { ask: 'mffffffffffffffff,1', expect: 'E14' },
  { ask: 'm10000000000000000,1', expect: 'E22' },
  { ask: 'm0', expect: 'E22' },
  { ask: 'mzz,1', expect: 'E22' },
  { ask: 'x7c00,2', expect: 'b\x90\x90' },
  { ask: 'x0,0', expect: 'b' },
  { ask: `x${END},1`, expect: 'E14' },
  { ask: 'M500,2:abcd', expect: 'OK' },
  { ask: 'M500,2:ab', expect: 'E22' },
  { ask: `M${END},1:00`, expect: 'E14' },
  { ask: 'X0,0:', expect: 'OK' },
  { ask: 'X500,3:}\x03*a', expect: 'OK' },
  { ask: 'X500,2:a', expect: 'E22' },
  { ask: 'qCRC:7c00,3', expect: /^C[0-9a-f]+$/ },
  { ask: `qCRC:${BEFORE_END},3`, expect: 'E14' },
  { ask: 'qCRC:0,fffffffff', expect: 'E22' },
  { ask: 'qSearch:memory:0;1000;zz', expect: '0' },
  { ask: 'qSearch:memory:0;1000;\x90\x90', expect: '1,0' },
  { ask: `qSearch:memory:${BEFORE_END};10;zz`, expect: 'E14' },
  { ask: 'qSearch:files:0;1;a', expect: 'E22' },
  // Breakpoints.
  { ask: 'Z0,7c00,1', expect: 'OK' },
  { ask: 'Z1,7c00,1', expect: 'OK' },
  { ask: 'Z2,7c00,1', expect: '' },
  { ask: 'Z2,7c00,4', expect: 'OK', options: { kinds: ['write'] } },
  { ask: 'z0,7c00,1', expect: 'OK' },
  { ask: 'Z0,bad,1', expect: 'E.No mechanism can stop at 0xbad.' },
  { ask: 'Z0,7c00,1;X3,220027', expect: /^E\.Conditions and commands/ },
  { ask: 'z0,7c00,1;X3,220027', expect: 'OK' },
  { ask: 'Z0,7c00,1;X3,220027X3,220127', expect: 'OK', options: { withAgentExpressions: true } },
  { ask: 'Z1,7c00,1;X1,27;cmds:1,X1,27', expect: 'OK', options: { withAgentExpressions: true } },
  { ask: 'Z0,7c00,1;X1,ff', expect: 'E.The agent expression is not valid.', options: { withAgentExpressions: true } },
  { ask: 'Z0,7c00,1;X4,220027', expect: /^E\.The expression is shorter/, options: { withAgentExpressions: true } },
  { ask: 'Z2,7c00,1;X3,220027', expect: '', options: { withAgentExpressions: true } },
  { ask: 'Z9,7c00,1', expect: /^E\.Breakpoint types/ },
  { ask: 'Z0,7c00,1', expect: '', options: { without: ['breakpoints'] } },
  { ask: 'z0,7c00,1', expect: '', options: { without: ['breakpoints'] } },
  // Objects.
  { ask: 'qXfer:features:read:target.xml:0,5', expect: 'm<?xml' },
  { ask: 'qXfer:features:read:other.xml:0,5', expect: 'E00' },
  { ask: 'qXfer:features:read:target.xml:ffffff,5', expect: 'E22' },
  { ask: 'qXfer:features:write:target.xml:0:00', expect: /^(|E22)$/ },
  { ask: 'qXfer:threads:read::0,1000', expect: /^l<\?xml version="1.0"\?>\n<threads>\n<thread id="p1.1" name="cpu0">halted<\/thread>/ },
  { ask: 'qXfer:memory-map:read::0,1000', expect: '' },
  { ask: 'qXfer:exec-file:read:1:0,1000', expect: '' },
  // QEMU's.
  { ask: 'qqemu.sstepbits', expect: 'ENABLE=1,NOIRQ=2,NOTIMER=4' },
  { ask: 'Qqemu.sstepbits', expect: 'ENABLE=1,NOIRQ=2,NOTIMER=4' },
  { ask: 'qqemu.sstep', expect: '0x7' },
  { ask: 'Qqemu.sstep=1', expect: 'OK' },
  { ask: 'Qqemu.sstep=8', expect: 'E22' },
  { ask: 'Qqemu.sstep', expect: 'E22' },
  { ask: 'qqemu.PhyMemMode', expect: '0' },
  { ask: 'Qqemu.PhyMemMode:1', expect: 'OK' },
  { ask: 'qqemu.sstepbits', expect: '', options: { without: ['stepOptions'] } },
  { ask: 'Qqemu.PhyMemMode:1', expect: '', options: { without: ['physicalMemory'] } },
  { ask: 'qRcmd,00', expect: '', options: { without: ['monitor'] } },
  // lldb's.
  { ask: 'qMemoryRegionInfo:7c00', expect: `start:0;size:${END};permissions:rx;name:${hex('ROM')};` },
  { ask: `qMemoryRegionInfo:${END}`, expect: `start:${END};size:${(0xffff_ffff_ffff_ffffn - BigInt(MEMORY_SIZE)).toString(16)};` },
  { ask: 'qMemoryRegionInfo:', expect: 'E22' },
  { ask: 'qMemoryRegionInfo:0,1', expect: 'E22' },
  { ask: 'qMemoryRegionInfo:7c00', expect: '', options: { without: ['memoryRegion'] } },
  {
    // `}` is escaped as in binary replies; lldb undoes that.
    ask: 'jThreadsInfo',
    expect: JSON.stringify([
      { tid: 1, name: 'cpu0', registers: { 7: '0000000000000000', 16: '007c000000000000' }, signal: 5 },
      { tid: 2, name: 'cpu1', registers: { 7: '0000000000000000', 16: '007c000000000000' } },
    ]).replaceAll('}', '}]'),
  },
  // Resuming that is refused.
  { ask: 'vCont?', expect: 'vCont;c;C;s;S;t;r' },
  { ask: 'kill', expect: 'E22' },
  { ask: 'vCont;x', expect: /^E\.vCont takes/ },
  { ask: 'vCont;c:7', expect: /^E\.This vCont names no thread/ },
  { ask: 'vCont;t', expect: /^E\.The action t of vCont is for non-stop/ },
  { ask: 'bs', expect: '' },
  { ask: 'bc', expect: '' },
  { ask: 'vAttach;9', expect: /^E\.The guest is process 1/ },
  { ask: 'D;9', expect: 'E22' },
];

for (const { ask, expect, options, features } of ROWS) {
  const title = `packet ${JSON.stringify(ask)}${options ? ` with ${JSON.stringify(options)}` : ''}${features === undefined ? '' : ` for "${features}"`}`;
  test(title, (t) => {
    const client = new SessionClient(options).connect(features);
    const replies = client.ask(ask);
    t.equal(replies.length, 1, 'one reply');
    if (typeof expect === 'string') t.equal(replies[0], expect);
    else t.match(replies[0], expect);
    t.ok(client.ask('qC').length === 1, 'the session goes on');
    t.end();
  });
}

test('what is written is read back', (t) => {
  const client = new SessionClient().connect();
  client.ask('M500,2:abcd');
  t.deepEqual(client.ask('m500,2'), ['abcd']);
  client.ask('X500,3:}\x03*a');
  t.deepEqual(client.ask('m500,3'), ['232a61']);
  client.ask('P1=8877665544332211');
  t.deepEqual(client.ask('p1'), ['8877665544332211']);
  const block = client.ask('g')[0];
  t.equal(block.length, 2 * client.target.description.size);
  t.equal(block.slice(16, 32), '8877665544332211');
  t.deepEqual(client.ask(`G${'01'.repeat(client.target.description.size)}`), ['OK']);
  t.deepEqual(client.ask('g'), ['01'.repeat(client.target.description.size)]);
  client.ask('Qqemu.PhyMemMode:1');
  t.deepEqual(client.ask('qqemu.PhyMemMode'), ['1']);
  client.ask('Qqemu.sstep=3');
  t.deepEqual(client.ask('qqemu.sstep'), ['0x3']);
  t.end();
});

test('Hg chooses whose registers are meant', (t) => {
  const client = new SessionClient().connect();
  client.ask('Hgp1.2');
  client.ask('P0=0200000000000000');
  t.deepEqual(client.ask('p0'), ['0200000000000000']);
  client.ask('Hgp1.1');
  t.deepEqual(client.ask('p0'), ['0000000000000000']);
  client.ask('Hg0');
  t.deepEqual(client.ask('qC'), ['QCp1.1'], 'any keeps the choice');
  t.end();
});

test('the target description arrives whole in pieces of 0x40', (t) => {
  const client = new SessionClient().connect();
  let xml = '';
  for (let last = false; !last; ) {
    const reply = client.ask(`qXfer:features:read:target.xml:${xml.length.toString(16)},40`)[0];
    last = reply.startsWith('l');
    xml += reply.slice(1).replace(/\}([\s\S])/g, (_, code: string) => String.fromCharCode(code.charCodeAt(0) ^ 0x20));
  }
  t.equal(xml, client.target.description.xml);
  t.end();
});

test('exec-file is offered when the target knows one', (t) => {
  const client = new SessionClient();
  client.target.executable = '/tmp/kernel.elf';
  t.match(client.connect().ask('qSupported')[0], /qXfer:exec-file:read\+/);
  t.deepEqual(client.ask('qXfer:exec-file:read:1:0,1000'), ['l/tmp/kernel.elf']);
  t.end();
});

test('crc and search agree with an independent calculation', (t) => {
  const client = new SessionClient().connect();
  client.target.memory.set(Buffer.from('123456789'), 0x500);
  // The published check value of CRC-32/MPEG-2, which has the same parameters.
  t.deepEqual(client.ask('qCRC:500,9'), ['C376e6e7']);
  client.target.memory.set(Buffer.from('needle'), 0xfffd);
  t.deepEqual(client.ask('qSearch:memory:0;20000;needle'), ['1,fffd'], 'over the end of a chunk');
  t.end();
});

test('qSupported names only what the client and the target can do', (t) => {
  const all = new SessionClient({ withReverse: true }).ask('qSupported:multiprocess+;swbreak+;hwbreak+;error-message+').at(-1)!;
  for (const feature of ['multiprocess+', 'swbreak+', 'hwbreak+', 'error-message+', 'ReverseStep+', 'ReverseContinue+']) {
    t.ok(all.split(';').includes(feature), feature);
  }
  const none = new SessionClient({ without: ['breakpoints'] }).ask('qSupported:swbreak-;xmlRegisters=i386').at(-1)!;
  t.doesNotMatch(none, /multiprocess|swbreak|hwbreak|error-message|Reverse|ConditionalBreakpoints/);
  const plain = new SessionClient().ask('qSupported:swbreak+').at(-1)!;
  t.doesNotMatch(plain, /ConditionalBreakpoints|BreakpointCommands/);
  const agent = new SessionClient({ withAgentExpressions: true }).ask('qSupported:swbreak+').at(-1)!;
  t.match(agent, /;ConditionalBreakpoints\+;BreakpointCommands\+;/);
  const noHardware = new SessionClient({ kinds: ['software'] }).ask('qSupported:swbreak+;hwbreak+').at(-1)!;
  t.match(noHardware, /swbreak\+/);
  t.doesNotMatch(noHardware, /hwbreak/);
  t.end();
});

test('conditions and commands reach the target as bytes', (t) => {
  const client = new SessionClient({ withAgentExpressions: true }).connect();
  client.ask('Z0,7c20,1;X2,2827;cmds:1,X1,27X1,28');
  const request = [...client.target.planted.values()][0];
  t.deepEqual(request, {
    kind: 'software', address: 0x7c20n, length: 1,
    conditions: [Uint8Array.of(0x28, 0x27)], commands: [Uint8Array.of(0x27), Uint8Array.of(0x28)], persistCommands: true,
  });
  client.ask('Z0,7c20,1');
  t.deepEqual([...client.target.planted.values()], [{ kind: 'software', address: 0x7c20n, length: 1 }]);
  t.end();
});

test('no packet is listed twice', (t) => {
  const names = ALL_COMMANDS.map(({ name }) => name);
  t.equal(new Set(names).size, names.length);
  t.end();
});

test('monitor: text, then OK, and errors as text', (t) => {
  const client = new SessionClient().connect();
  t.deepEqual(client.ask(`qRcmd,${hex('two')}`), [`O${hex('one ')}`, `O${hex('two\n')}`, 'OK']);
  t.deepEqual(client.ask(`qRcmd,${hex('gone')}`), [`O${hex('The machine is gone.\n')}`, 'OK']);
  t.deepEqual(client.ask('qRcmd,6'), ['E22']);
  client.target.say('late');
  t.deepEqual(client.take(), ['E22'], 'no text outside a monitor command or a resume');
  t.end();
});

test('acknowledgements: +, -, and the last packet again', (t) => {
  const client = new SessionClient();
  t.equal(client.sendRaw('$qAttached#8f'), '+$1#31');
  t.equal(client.sendRaw('-'), '$1#31');
  t.equal(client.sendRaw('$qAttached#00'), '-', 'a wrong checksum');
  t.equal(client.sendRaw('$QStartNoAckMode#b0'), '+$OK#9a');
  t.equal(client.sendRaw('+'), '');
  t.equal(client.sendRaw('-'), '', 'no acknowledgements any more');
  t.equal(client.sendRaw('$qAttached#00'), '', 'a wrong checksum is dropped');
  t.equal(client.sendRaw('$qAttached#8f'), '$1#31');
  t.end();
});

test('an over-long packet is refused in words and the session goes on', (t) => {
  const client = new SessionClient().connect(MODERN);
  t.match(client.ask(`M0,0:${'0'.repeat(0x50000)}`)[0], /^E\.The packet is longer than the 262144 bytes/);
  t.deepEqual(client.ask('qAttached'), ['1']);
  t.end();
});

test('a fault in a handler answers E01 and leaves a trace in the log', (t) => {
  const client = new SessionClient().connect();
  client.target.readMemory = () => {
    throw new Error('broken');
  };
  t.deepEqual(client.ask('m0,1'), ['E01']);
  t.ok(client.log.some((line) => line.includes('Error: broken')));
  t.end();
});

test('the packet log is one short line a packet', (t) => {
  const client = new SessionClient().connect();
  client.log.length = 0;
  client.ask('m0,100');
  t.equal(client.log[0], '<- m0,100');
  t.match(client.log[1], /^-> \$9090.*… \(516 bytes\)$/);
  t.end();
});
