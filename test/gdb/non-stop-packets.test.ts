/** Non-stop packet by packet: what gdb does not do, or not in this order. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'tape';
import { symbolAddress } from '../kvm/machine/example-guest.js';
import { buildGuests, GUESTS_FOLDER, startServer } from './support/gdb-session.js';
import { FOUR, WORKERS } from './support/non-stop-console.js';
import { RawClient, frame } from './support/raw-client.js';

buildGuests();

const GUEST = readFileSync(join(GUESTS_FOLDER, WORKERS));

/** Hexadecimal address of a symbol of the guest. */
function addressOf(symbol: string): string {
  return symbolAddress(GUEST, symbol).toString(16);
}

const DO_JOB = addressOf('do_job'), NEXT_JOB = addressOf('next_job'), KEEP_WORKING = addressOf('keep_working');

async function withClient(work: (client: RawClient) => Promise<void>): Promise<void> {
  const server = await startServer(FOUR);
  const client = await RawClient.connect(server.address);
  try {
    await client.ask('qSupported:multiprocess+;swbreak+;error-message+');
    await client.ask('QStartNoAckMode');
    await client.ask(`M${KEEP_WORKING},1:01`);
    await work(client);
  } finally {
    client.end();
    await server.stop();
  }
}

const STOP = /%Stop:T[^#]*#../;

/** Thread and signal of a stop. */
function stopOf(packet: string): [string, string] {
  const [, signal = '?', thread = '?'] = /T([0-9a-f]{2})thread:p1\.(\d);/.exec(packet) ?? [];
  return [thread, signal];
}

test('non-stop: who runs, who may be asked what, and every stop exactly once', async (t) => {
  await withClient(async (client) => {
    t.match(await client.ask('QNonStop:2'), /^E\.QNonStop takes 0 or 1/);
    t.equal(await client.ask('vStopped'), 'OK', 'nothing waits');
    t.match(await client.ask('vCont;t:p1.-1'), /^E\.The action t of vCont is for non-stop/);
    t.equal(await client.ask('QNonStop:1'), 'OK');
    t.deepEqual(stopOf(await client.ask('?')), ['1', '05']);
    t.equal(await client.ask('vStopped'), 'OK', 'the others wait to be started, so they run');
    t.equal(await client.ask('vCont;c:p1.1'), 'OK');
    t.equal(await client.ask('?'), 'OK', 'all run');

    t.equal(await client.ask('Hgp1.3'), 'OK');
    t.match(await client.ask('g'), /^E\.Thread 3 is running/);
    t.match(await client.ask('P10=0000000000000000'), /^E\.Thread 3 is running/);
    t.match(await client.ask(`m${NEXT_JOB},4`), /^[0-9a-f]{8}$/, 'memory as a running thread sees it');
    t.equal(await client.ask(`M${NEXT_JOB},1:00`), 'OK');
    t.match(await client.ask('qXfer:threads:read::0,1000'), /(?:>running<[^]*){4}/);
    t.equal(await client.ask('vCont;c:p1.-1'), 'OK', 'that run already');

    t.equal(await client.ask('vCont;t:p1.2;t:p1.4'), 'OK');
    t.deepEqual(stopOf(await client.take(STOP)), ['2', '00']);
    t.equal(await client.ask('vCont;c:p1.2'), 'OK', 'a stop that was not taken: the thread runs, as far as the client knows');
    t.deepEqual(stopOf(await client.ask('vStopped')), ['4', '00']);
    t.equal(await client.ask('vStopped'), 'OK');
    for (const [stopped, resumed] of ['34', '43']) {
      t.equal(await client.ask(`vCont;t:p1.${stopped};c:p1.${resumed}`), 'OK', 'one stops and one goes, while a third runs');
      t.deepEqual(stopOf(await client.take(STOP)), [stopped, '00']);
      t.equal(await client.ask('vStopped'), 'OK');
    }
    t.equal(await client.ask('vCont;t:p1.2'), 'OK');
    t.equal(await client.ask('Hgp1.2'), 'OK');
    t.match(await client.ask('g'), /^[0-9a-fx]{1000,}$/, 'it stands all the same');
    t.match(await client.ask('vCont;s:p1.7'), /^E\.This vCont names no thread/);

    t.equal(await client.ask('vCont;s:p1.2'), 'OK');
    t.deepEqual(stopOf(await client.take(STOP)), ['2', '05']);
    t.equal(await client.ask('vStopped'), 'OK');
    t.equal(await client.ask('vCtrlC'), 'OK');
    t.match((await client.take(STOP)), /T02thread:p1\.[13];/, 'one that runs');
    t.equal(await client.ask('vStopped'), 'OK');
    client.send('\x03');
    t.match((await client.take(STOP)), /T02thread:p1\.[13];/, 'the other');
    t.equal(await client.ask('vStopped'), 'OK');
    client.send('\x03');
    t.equal(await client.ask('vCtrlC'), 'OK', 'nobody runs');
    t.equal(await client.ask('vStopped'), 'OK');
    t.match(await client.ask('?'), /^T05thread:p1\.1;/);
    t.equal(await client.ask('vStopped'), 'OK');
    t.equal(await client.ask('qSymbol::'), 'OK');
    const others = [stopOf(await client.take(STOP))[0]];
    for (let reply = await client.ask('vStopped'); reply !== 'OK'; reply = await client.ask('vStopped')) others.push(stopOf(reply)[0]);
    t.deepEqual(others, ['2', '3', '4'], 'the rest, once the client has got to know the threads');
    t.equal(await client.ask('QNonStop:0'), 'OK');
    t.match(await client.ask('?'), /^T05thread:p1\.\d;/);
  });
});

test('non-stop: many packets at once are answered in their order; all-stop again while all run', async (t) => {
  await withClient(async (client) => {
    await client.ask('QNonStop:1');
    await client.ask('?');
    await client.ask('vStopped');
    await client.ask('vCont;c:p1.1');
    await client.ask('Hgp1.1');
    client.send([`m${NEXT_JOB},4`, `Z0,${DO_JOB},1`, 'qC', `m${DO_JOB},1`, `z0,${DO_JOB},1`, 'g'].map(frame).join(''));
    const replies: string[] = [];
    while (replies.length < 6) {
      const packet = await client.take(/[$%][^#]*#../);
      const at = packet.lastIndexOf('$');
      if (at >= 0) replies.push(packet.slice(at + 1, -3));
    }
    t.match(replies[0], /^[0-9a-f]{8}$/);
    t.deepEqual(replies.slice(1, 3), ['OK', 'QCp1.1']);
    t.equal(replies[3], '55', 'push %rbp, and no patch');
    t.equal(replies[4], 'OK');
    t.match(replies[5], /^E\.Thread 1 is running|^[0-9a-fx]{1000,}$/, 'unless it has come to the breakpoint meanwhile');
    client.send(frame('QNonStop:0'));
    await client.take(/\$OK#9a/);
    t.match(await client.ask('g'), /^[0-9a-fx]{1000,}$/, 'all stand');
  });
});
