/** What a session makes of a target that stops one thread at a time, where a real one would have to be raced. */
import test from 'tape';
import type { DebugTarget, NonStopSupport } from '../../../src/target.js';
import { SessionClient } from './session-client.js';
import { frame } from './wire.js';

/** A client in non-stop, whose target's threads run one by one; nothing moves by itself. */
function setUp(): { client: SessionClient; going: Set<number> } {
  const client = new SessionClient();
  const going = new Set<number>();
  const { target } = client;
  const stopped = (thread: number): void => {
    if (going.delete(thread)) target.stop({ thread, reason: { kind: 'requested' } }, true);
    target.running = going.size > 0;
  };
  const nonStop: NonStopSupport = {
    enabled: false,
    isRunning: (thread) => going.has(thread),
    stop: (threads) => threads.forEach(stopped),
    hold: (then) => then(),
  };
  Object.assign(target, {
    nonStop,
    interrupt: () => {
      const [first] = going;
      going.clear();
      going.add(first);
      stopped(first);
    },
    resume: (actions: readonly { thread: number }[]) => {
      for (const { thread } of actions) going.add(thread);
      target.running = true;
      target.say('The guest runs slowly.\n');
    },
  });
  client.connect();
  client.ask('QNonStop:1');
  return { client, going };
}

const MONITOR = `qRcmd,${Buffer.from('two').toString('hex')}`;
const text = (packets: readonly string[]): string => packets.map((packet) => (packet.startsWith('O') && packet !== 'OK' ? Buffer.from(packet.slice(1), 'hex').toString() : '')).join('');

test('non-stop: what is said as threads are let go is shown by the next monitor command, and what that says once', (t) => {
  const { client } = setUp();
  t.deepEqual(client.ask('vCont;c:p1.1'), ['OK']);
  t.equal(text(client.ask(MONITOR)), 'The guest runs slowly.\none two\n');
  t.equal(text(client.ask(MONITOR)), 'one two\n');
  t.end();
});

test('non-stop: no stop is notified in all-stop', (t) => {
  const { client, going } = setUp();
  client.ask('vCont;c:p1.-1');
  t.deepEqual(client.ask('QNonStop:0'), ['OK'], 'they are stopped within the packet');
  t.equal(going.size, 0);
  t.deepEqual(client.ask('vStopped'), ['OK']);
  t.end();
});

test('non-stop: a client that has detached is told nothing of before when it attaches again', (t) => {
  const { client } = setUp();
  client.ask('!');
  client.ask('vCont;c:p1.-1');
  t.match(client.sendRaw(frame('vCont;t:p1.1')), /^\$OK#9a%Stop:T00thread:p1\.1;/, 'a stop that the client does not take');
  client.ask('D;1');
  t.deepEqual(client.ask('vAttach;1'), ['OK']);
  t.match(client.sendRaw(frame('vCont;t:p1.2')), /%Stop:T00thread:p1\.2;/, 'the next one is notified');
  t.end();
});

test('non-stop: what a client sends ahead is kept up to a limit, and answered in its order', (t) => {
  const { client } = setUp();
  client.ask('vCont;c:p1.1');
  let held: (() => void) | undefined;
  let isHeld = false;
  Object.assign((client.target as DebugTarget).nonStop ?? {}, { hold: (then: () => void) => { if (isHeld) then(); else held = then; } });
  for (const [packet, sent] of [[`qRcmd,${'20'.repeat(100_000)}`, 8], ['Z0,9000,1', 20_000]] as const) {
    isHeld = false;
    const asked = Array.from({ length: sent }, () => client.ask(packet)).flat();
    t.deepEqual(asked, [], 'nothing is answered before the guest is held');
    isHeld = true;
    held?.();
    const answers = client.take().filter((answer) => !answer.startsWith('O') || answer === 'OK');
    t.equal(answers.length, sent);
    const kept = answers.findIndex((answer) => answer.startsWith('E'));
    t.ok(kept > 1 && kept < sent - 1, `${kept} were kept`);
    t.ok(answers.slice(kept).every((answer) => answer.startsWith('E')), 'the rest is refused, each by itself');
    t.deepEqual(client.ask('z0,9000,1'), ['OK'], 'then all is as before');
  }
  t.end();
});

test('non-stop: a thread whose stop the client has not taken is not resumed, in the old way either', (t) => {
  const { client, going } = setUp();
  client.ask('vCont;c:p1.1');
  client.ask('vCont;t:p1.1');
  client.ask('Hcp1.1');
  for (const packet of ['vCont;c:p1.1', 'c', 's']) {
    t.deepEqual(client.ask(packet), ['OK'], packet);
    t.equal(going.size, 0);
  }
  t.deepEqual(client.ask('vStopped'), ['OK']);
  t.deepEqual(client.ask('c'), ['OK']);
  t.deepEqual([...going], [1]);
  t.end();
});
