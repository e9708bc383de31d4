/** An interrupt that meets a guest between two resumes: kept for the next one, once, and not for long. */
import test from 'tape';
import { SessionClient } from './session-client.js';

test('0x03 between two steps of a loop is the answer to the next resume, once', (t) => {
  const client = new SessionClient({ stops: 'at-once' }).connect();
  t.match(client.ask('vCont;s:p1.1')[0], /^T05/);
  t.equal(client.sendRaw('\x03'), '', 'nothing is said unasked');
  client.target.calls.length = 0;
  t.match(client.ask('vCont;s:p1.1')[0], /^T02thread:p1\.1;/);
  t.deepEqual(client.target.calls, [], 'the guest has not moved');
  t.match(client.ask('vCont;s:p1.1')[0], /^T05/, 'the one after it is a step again');
  t.end();
});

test('0x03 is forgotten when no resume follows soon', async (t) => {
  const client = new SessionClient({ stops: 'at-once' }).connect();
  client.ask('vCont;s:p1.1');
  client.sendRaw('\x03');
  await new Promise((resolve) => setTimeout(resolve, 1050));
  t.match(client.ask('vCont;s:p1.1')[0], /^T05/);
});
