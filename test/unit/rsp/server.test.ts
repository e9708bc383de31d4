/** One client at a time, and what becomes of the guest when one comes, leaves, detaches or kills. */
import { availableParallelism } from 'node:os';
import test from 'tape';
import { Server } from '../../../src/rsp/server.js';
import type { ServerOptions } from '../../../src/rsp/server.js';
import type { FakeOptions } from './fake-target.js';
import { FakeTarget } from './fake-target.js';
import { MemoryConnection } from './memory-connection.js';
import { nextTurn } from './session-client.js';

function setUp(policies: Partial<ServerOptions> = {}, fake: FakeOptions = { stops: 'later' }) {
  const target = new FakeTarget(fake);
  target.memory.fill(0x90);
  target.memory.set([0xeb, 0xfe], 0x7c10);
  const events: string[] = [];
  const server = new Server({
    target,
    events: {
      connected: (peer) => events.push(`connected ${peer}`),
      disconnected: (peer) => events.push(`disconnected ${peer}`),
      refused: (peer) => events.push(`refused ${peer}`),
      ended: (end) => events.push(`ended ${JSON.stringify(end)}`),
    },
    ...policies,
  });
  const connect = (peer = 'a'): MemoryConnection => {
    const connection = new MemoryConnection(peer);
    server.accept(connection);
    return connection;
  };
  return { target, events, server, connect };
}

const momentOfReconnecting = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 150));

test('server: a second client is refused in words, the first goes on', async (t) => {
  const { events, connect } = setUp();
  const first = connect('a');
  const second = connect('b');
  await momentOfReconnecting();
  t.match(second.ask('qSupported:swbreak+')[0], /^E\.Another debugger is attached to this guest/);
  t.ok(second.ended);
  t.deepEqual(second.ask('g'), [], 'one answer only');
  t.deepEqual(first.ask('qAttached'), ['1']);
  t.notOk(first.ended);
  t.deepEqual(events, ['connected a', 'refused b']);
  second.hangUp();
  first.hangUp();
  const third = connect('c');
  t.deepEqual(third.ask('qAttached'), ['1'], 'the place is free again');
});

test('server: a client that is there before the end of the last one is taken', async (t) => {
  const { events, connect } = setUp();
  const first = connect('a');
  const second = connect('b');
  first.hangUp();
  await momentOfReconnecting();
  t.deepEqual(second.ask('qAttached'), ['1']);
  t.deepEqual(events, ['connected a', 'disconnected a', 'connected b']);
});

test('server: after a packet it polls for a moment, and whoever waits for the CPU comes first', async (t) => {
  let yields = 0;
  const { connect } = setUp({ yieldCpu: () => { yields++; } });
  const client = connect();
  t.equal(yields, 0);
  client.ask('qAttached');
  await momentOfReconnecting();
  const polled = yields;
  t.equal(polled > 0, availableParallelism() > 1, `${polled} times; on one CPU it does not poll`);
  await momentOfReconnecting();
  t.equal(yields, polled, 'no longer');
});

test('server: disconnect policies', async (t) => {
  for (const policy of ['stop', 'continue', 'kill'] as const) {
    const { target, events, connect } = setUp({ onDisconnect: policy });
    const client = connect();
    client.ask('Z0,9000,1');
    client.ask('vCont;c');
    t.ok(target.running);
    client.hangUp();
    await nextTurn();
    await nextTurn();
    t.equal(target.planted.size, policy === 'kill' ? 1 : 0, `${policy}: breakpoints`);
    t.equal(target.running, policy === 'continue', `${policy}: running`);
    t.equal(target.calls.includes('kill'), policy === 'kill', `${policy}: killed`);
    t.equal(events.at(-1), policy === 'kill' ? 'ended {"reason":"killed"}' : 'disconnected a');
  }
});

test('server: a guest that stood when its client left stands or runs on', (t) => {
  for (const policy of ['stop', 'continue'] as const) {
    const { target, connect } = setUp({ onDisconnect: policy });
    connect().hangUp();
    t.equal(target.running, policy === 'continue', policy);
  }
  t.end();
});

test('server: a client that attaches to a running guest finds it stopped and clean', async (t) => {
  const { target, connect } = setUp({ onDisconnect: 'continue' });
  connect().hangUp();
  t.ok(target.running);
  target.breakpoints!.insert({ kind: 'software', address: 0x9000n, length: 1 });
  const client = connect();
  t.notOk(client.started, 'nothing is read before the guest stands');
  await nextTurn();
  t.notOk(target.running);
  t.equal(target.planted.size, 0);
  t.match(client.ask('?')[0], /^T05thread:1;10:107c/);
});

test('server: a client that comes while the last one is leaving a guest that is to run on', async (t) => {
  const { target, connect } = setUp({ onDisconnect: 'continue' });
  const first = connect('a');
  first.ask('vCont;c');
  first.hangUp();
  const second = connect('b');
  await nextTurn();
  await nextTurn();
  t.notOk(target.running, 'it was let go, and stopped again');
  t.match(second.ask('?')[0] ?? '', /^T05/);
});

test('server: detach resumes and frees the place', async (t) => {
  const { target, events, connect } = setUp();
  const client = connect();
  client.ask('Z0,9000,1');
  t.deepEqual(client.ask('D'), ['OK']);
  t.ok(client.ended);
  t.ok(target.running);
  t.equal(target.planted.size, 0);
  client.hangUp();
  t.ok(target.running, 'the disconnect policy does not apply after a detach');
  t.deepEqual(events, ['connected a', 'disconnected a']);
  await nextTurn();
});

test('server: non-stop ends with the client that chose it', (t) => {
  const leave: Record<string, (client: MemoryConnection, server: Server) => void> = {
    stop: (client) => client.hangUp(), continue: (client) => client.hangUp(), detach: (client) => client.ask('D'), close: (_, server) => server.close(),
  };
  for (const [how, go] of Object.entries(leave)) {
    const { target, server, connect } = setUp({ onDisconnect: how === 'continue' ? 'continue' : 'stop' });
    const nonStop = { enabled: false, isRunning: () => target.running, stop: () => undefined, hold: (then: () => void) => then() };
    Object.assign(target, { nonStop });
    const client = connect();
    t.deepEqual(client.ask('QNonStop:1'), ['OK']);
    t.ok(nonStop.enabled);
    go(client, server);
    t.notOk(nonStop.enabled, how);
    t.equal(target.running, how === 'continue' || how === 'detach');
    target.running = false;
  }
  t.end();
});

test('server: detach from a guest that cannot go on', (t) => {
  const { target, connect, events } = setUp();
  const client = connect();
  target.resume = () => {
    throw new Error('unexpected');
  };
  target.lastStop = { thread: 1, reason: { kind: 'exited', status: 0 } };
  t.deepEqual(client.ask('D'), ['OK']);
  t.equal(events.at(-1), 'ended {"reason":"exited","status":0}');
  t.end();
});

test('server: kill policies', async (t) => {
  const exit = setUp();
  const first = exit.connect();
  t.deepEqual(first.ask('vKill;1'), ['OK'], 'answered before the end');
  t.deepEqual(exit.events, ['connected a', 'ended {"reason":"killed"}']);
  t.ok(first.ended);
  await nextTurn();
  t.equal(exit.events.length, 2, 'the end is told once');
  t.ok(exit.target.calls.includes('kill'));
  t.match(exit.connect('late').ask('qSupported')[0] ?? '', /^E\./, 'nobody is served any more');

  for (const policy of ['keep', 'reset'] as const) {
    const { target, events, connect } = setUp({ onKill: policy });
    const client = connect();
    client.ask('s');
    await nextTurn();
    client.take();
    client.ask('Z0,9000,1');
    client.ask('k');
    t.deepEqual(events, ['connected a', 'disconnected a'], policy);
    t.notOk(target.calls.includes('kill'));
    t.equal(target.planted.size, 0);
    const pc = policy === 'reset' ? '007c' : '017c';
    t.match(connect('b').ask('?')[0], new RegExp(`10:${pc}`), `${policy}: where the next client finds the guest`);
  }
});

test('server: kill while the guest runs', async (t) => {
  const { target, events, connect } = setUp({ onKill: 'reset' });
  const client = connect();
  client.ask('vCont;c');
  client.ask('k');
  await nextTurn();
  t.deepEqual(events, ['connected a', 'disconnected a']);
  t.notOk(target.running);
  t.ok(target.calls.includes('reset'));
});

test('server: the end of the guest ends the server, after the client was told', async (t) => {
  const { target, events, connect } = setUp();
  target.memory.set([0xf4], 0x7c00);
  const client = connect();
  client.ask('vCont;c');
  await nextTurn();
  t.deepEqual(client.take(), ['W00']);
  t.equal(events.at(-1), 'ended {"reason":"exited","status":0}');
  t.ok(client.ended);
  t.equal(target.listenerCount, 0);
});

test('server: an extended client keeps it alive until it leaves', async (t) => {
  const { target, events, connect } = setUp();
  target.memory.set([0xf4], 0x7c00);
  const client = connect();
  client.ask('!');
  client.ask('vCont;c');
  await nextTurn();
  t.deepEqual(client.take(), ['W00']);
  t.notOk(client.ended);
  t.match(client.ask('vRun;')[0], /^T05/);
  client.ask('vCont;c');
  await nextTurn();
  client.hangUp();
  t.equal(events.at(-1), 'ended {"reason":"exited","status":0}');

  const killed = setUp();
  const other = killed.connect();
  other.ask('!');
  other.ask('vKill;1');
  t.deepEqual(killed.events, ['connected a']);
  other.hangUp();
  t.equal(killed.events.at(-1), 'ended {"reason":"killed"}', 'leaving after a kill ends the guest');
});

test('server: monitor quit ends it, extended or not', async (t) => {
  for (const extended of [false, true]) {
    const { events, connect } = setUp();
    const client = connect();
    if (extended) client.ask('!');
    t.deepEqual(client.ask(`qRcmd,${Buffer.from('quit').toString('hex')}`), ['OK']);
    await nextTurn();
    t.equal(events.at(-1), 'ended {"reason":"killed"}');
  }
});

test('server: a guest that ends with no client there', async (t) => {
  const { target, events, connect } = setUp({ onDisconnect: 'continue' });
  target.memory.set([0xf4], 0x7c05);
  connect().hangUp();
  await nextTurn();
  t.equal(events.at(-1), 'ended {"reason":"exited","status":0}');
});

test('server: close is idempotent and lets go of everything', (t) => {
  const { target, server, connect } = setUp();
  const client = connect();
  server.close();
  server.close();
  t.ok(client.ended);
  t.equal(target.listenerCount, 0);
  t.notOk(target.calls.includes('kill'), 'the guest is left as it is');
  t.end();
});
