/** Resumes, stops, interrupts, ends: what is written when, with stops that come at once and later. */
import test from 'tape';
import type { FakeOptions } from './fake-target.js';
import { RAX } from './fake-target.js';
import { nextTurn, SessionClient } from './session-client.js';

const hex = (text: string): string => Buffer.from(text).toString('hex');
const at = (pc: number): string => `${Buffer.from(new BigUint64Array([BigInt(pc)]).buffer).toString('hex')}`;

async function askAndWait(client: SessionClient, payload: string): Promise<string[]> {
  client.ask(payload);
  await nextTurn();
  return client.take();
}

for (const stops of ['at-once', 'later'] as const) {
  const options: FakeOptions = { stops };

  test(`stops ${stops}: steps and ranges`, async (t) => {
    const client = new SessionClient(options).connect();
    t.deepEqual(await askAndWait(client, 'vCont;s:p1.1;c:p1.-1'), [`T05thread:p1.1;10:${at(0x7c01)};07:${at(0)};`]);
    t.equal(client.target.calls.at(-1), 'resume step:1 continue:2');
    t.deepEqual(await askAndWait(client, 'vCont;r7c01,7c10:p1.1'), [`T05thread:p1.1;10:${at(0x7c10)};07:${at(0)};`]);
    t.equal(client.target.calls.at(-1), 'resume range-step:1');
    await askAndWait(client, 'vCont;r7c10,7c10:p1.1');
    t.equal(client.target.calls.at(-1), 'resume step:1', 'an empty range is one step');
    await askAndWait(client, 's7c0f');
    t.deepEqual(await askAndWait(client, 's'), [`T05thread:p1.1;10:${at(0x7c11)};07:${at(0)};`]);
    t.equal(client.target.calls.at(-1), 'resume step:1', 'one thread steps');
    t.deepEqual(await askAndWait(client, 's8000'), [`T05thread:p1.1;10:${at(0x8001)};07:${at(0)};`]);
    t.deepEqual(await askAndWait(client, 'S05'), [`T05thread:p1.1;10:${at(0x8002)};07:${at(0)};`]);
    client.ask('Hcp1.2');
    t.deepEqual(await askAndWait(client, 's'), [`T05thread:p1.2;10:${at(0x7c01)};07:${at(0)};`]);
    t.deepEqual(client.ask('qC'), ['QCp1.2'], 'the thread that stopped is the current one');
    await askAndWait(client, 'vCont;s:p1.2;c:p1.-1');
    t.equal(client.target.calls.at(-1), 'resume step:2 continue:1', 'in the order of the packet');
  });

  test(`stops ${stops}: breakpoints say which kind, if the client asked to be told`, async (t) => {
    const client = new SessionClient(options).connect();
    client.ask('Z0,7c20,1');
    client.ask('Z1,7c30,1');
    t.deepEqual(await askAndWait(client, 'vCont;c'), [`T05thread:p1.1;swbreak:;10:${at(0x7c20)};07:${at(0)};`]);
    t.deepEqual(client.ask('?'), [`T05thread:p1.1;10:${at(0x7c20)};07:${at(0)};`], 'but ? names no breakpoint');
    t.deepEqual(await askAndWait(client, 'c'), [`T05thread:p1.1;hwbreak:;10:${at(0x7c30)};07:${at(0)};`]);
    client.ask('qSupported:');
    client.ask('Z0,7c40,1');
    t.deepEqual(await askAndWait(client, 'C05'), [`T05thread:1;10:${at(0x7c40)};07:${at(0)};`]);
  });

  test(`stops ${stops}: a fault comes with its text before it`, async (t) => {
    const client = new SessionClient(options).connect();
    client.target.memory.set([0x0f], 0x7c02);
    t.deepEqual(await askAndWait(client, 'vCont;c'), [
      `O${hex('Invalid opcode: the guest cannot go on.\n')}`,
      `T04thread:p1.1;10:${at(0x7c02)};07:${at(0)};`,
    ]);
    t.deepEqual(client.ask('?'), [`T04thread:p1.1;10:${at(0x7c02)};07:${at(0)};`]);
  });

  test(`stops ${stops}: the guest's end`, async (t) => {
    const client = new SessionClient(options).connect();
    client.target.memory.set([0xf4], 0x7c02);
    client.target.writeRegister(1, RAX, Uint8Array.of(0x2a));
    t.deepEqual(await askAndWait(client, 'vCont;c'), ['W2a;process:1']);
    t.deepEqual(client.ask('?'), ['W2a;process:1']);
    t.match((await askAndWait(client, 'vCont;c'))[0], /^E\.The guest has ended/);
    t.deepEqual(client.ask('qfThreadInfo'), ['l']);
    client.ask('!');
    t.deepEqual(await askAndWait(client, 'vRun;'), [`T05thread:p1.1;10:${at(0x7c00)};07:${at(0)};`]);
    t.deepEqual(client.ask('qfThreadInfo'), ['mp1.1,p1.2']);
  });

  test(`stops ${stops}: reverse, where the target can`, async (t) => {
    const client = new SessionClient({ ...options, withReverse: true }).connect();
    t.equal((await askAndWait(client, 'bs')).length, 1);
    t.equal(client.target.calls.at(-1), 'reverse step');
  });
}

test('watchpoints, interrupts and faults as stop replies', (t) => {
  const client = new SessionClient({ stops: 'later' }).connect();
  const stopWith = (reason: Parameters<typeof client.target.stop>[0]['reason']): string => {
    client.ask('vCont;c');
    client.target.stop({ thread: 2, reason });
    return client.take()[0];
  };
  t.match(stopWith({ kind: 'watchpoint', watch: 'write', address: 0xabcn }), /^T05thread:p1\.2;watch:abc;10:/);
  t.match(stopWith({ kind: 'watchpoint', watch: 'read', address: 0xabcn }), /;rwatch:abc;/);
  t.match(stopWith({ kind: 'watchpoint', watch: 'access', address: 0xffff_ffff_8000_0000n }), /;awatch:ffffffff80000000;/);
  t.match(stopWith({ kind: 'interrupt' }), /^T02thread/);
  t.match(stopWith({ kind: 'fault', signal: 'SIGSEGV' }), /^T0bthread/);
  t.match(stopWith({ kind: 'fault', signal: 'SIGBUS' }), /^T0athread/);
  t.match(stopWith({ kind: 'fault', signal: 'SIGABRT' }), /^T06thread/);
  t.equal(stopWith({ kind: 'killed' }), 'X09;process:1');
  t.end();
});

function spinning(): SessionClient {
  const client = new SessionClient({ stops: 'later' }).connect();
  client.target.memory.set([0xeb, 0xfe], 0x7c05);
  if (client.ask('vCont;c').length !== 0) throw new Error('the guest answered a continue at once');
  return client;
}

test('while the guest runs: 0x03 stops it', async (t) => {
  const client = spinning();
  t.equal(client.sendRaw('\x03'), '');
  await nextTurn();
  t.deepEqual(client.take(), [`T02thread:p1.1;10:${at(0x7c05)};07:${at(0)};`]);
  client.target.calls.length = 0;
  t.equal(client.sendRaw('\x03'), '');
  t.deepEqual(client.target.calls, [], 'a late 0x03 is not for the next resume');
});

test('while the guest runs: its text is shown, other packets are refused', async (t) => {
  const client = spinning();
  client.target.say('hello');
  t.deepEqual(client.take(), [`O${hex('hello')}`]);
  t.deepEqual(client.ask('m0,1'), ['E16']);
  t.match(client.ask('vCont;s')[0], /^E\.The guest is running; interrupt it first/);
  t.deepEqual(client.ask('Hg1'), ['OK']);
  client.sendRaw('\x03');
  await nextTurn();
  t.match(client.take()[0], /^T02/, 'the stop still comes');
});

test('? and vAttach on a running guest stop it and answer then', async (t) => {
  const client = spinning();
  client.session.state.pending = 'none';
  t.deepEqual(client.ask('?'), []);
  await nextTurn();
  t.match(client.take()[0], /^T05thread:p1\.1;/);
});

test('a stop that nobody waits for is not written', (t) => {
  const client = new SessionClient().connect();
  client.target.stop({ thread: 1, reason: { kind: 'step' } }, true);
  t.deepEqual(client.take().filter((packet) => packet.startsWith('T')), []);
  t.end();
});

test('detach and kill, plain and extended', (t) => {
  const plain = new SessionClient().connect();
  t.deepEqual(plain.ask('D;1'), ['OK']);
  t.deepEqual(plain.asked, ['detach']);
  t.deepEqual(plain.ask('vKill;1'), ['OK']);
  t.deepEqual(plain.ask('k'), []);
  t.deepEqual(plain.asked, ['detach', 'kill', 'kill']);

  const extended = new SessionClient().connect();
  extended.ask('!');
  t.deepEqual(extended.ask('vKill;1'), ['OK']);
  t.deepEqual(extended.asked, [], 'the server stays');
  t.deepEqual(extended.ask('?'), ['W00']);
  t.deepEqual(extended.ask('R00'), [], 'no reply');
  t.match(extended.ask('?')[0], /^T05/);
  t.end();
});

test('after close nothing is written and the target has no listeners', async (t) => {
  const client = spinning();
  client.session.close();
  client.target.stop({ thread: 1, reason: { kind: 'step' } });
  t.deepEqual(client.take(), []);
  t.equal(client.sendRaw('$g#67'), '');
  t.equal(client.target.listenerCount, 0);
});

test('a write that is not done at once does not change under the transport', (t) => {
  const client = new SessionClient().connect();
  const kept: Buffer[] = [];
  const session = client.session as unknown as { write: (bytes: Buffer) => boolean };
  session.write = (bytes) => {
    kept.push(bytes);
    return false;
  };
  client.target.memory.set([1, 2], 0x500);
  client.ask('m500,1');
  client.ask('m501,1');
  t.deepEqual(kept.map((packet) => packet.toString('latin1').slice(1, 3)), ['01', '02']);
  t.end();
});
