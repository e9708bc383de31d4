/** Packets that no gdb sends, to the real server: each gets the protocol's error, and the session goes on. */
import test from 'tape';
import { startServer, type Server } from './support/gdb-session.js';
import { frame, RawClient } from './support/raw-client.js';
import { withTinyGuest } from './support/tiny-guests.js';
import { TIME_SCALE, patience } from '../time-scale.js';

/** Until the server has seen the end of a connection. */
const SETTLE_MILLISECONDS = 200 * TIME_SCALE;

async function withClient(work: (client: RawClient, server: Server) => Promise<void>, options: readonly string[] = []): Promise<void> {
  await withTinyGuest('spin', async (args) => {
    const server = await startServer([...options, ...args]);
    try {
      const client = await RawClient.connect(server.address);
      try {
        await work(client, server);
      } finally {
        client.end();
      }
    } finally {
      await server.stop();
    }
  });
}

/** The guest is as it was, and the session answers. */
const SANE = ['m7c00,3', '40ebfd'] as const;

test('wrong checksums are asked for again', async (t) => {
  await withClient(async (client) => {
    client.send('$m7c00,3#00');
    t.equal(await client.take(/[-+]/), '-');
    client.send('$m7c00,3#zz');
    t.equal(await client.take(/[-+]/), '-');
    client.send(frame('m7c00,3'));
    t.equal(await client.take(/#../), `+${frame('40ebfd')}`);
    client.send('-');
    t.equal(await client.take(/#../), frame('40ebfd'), 'a - from the client repeats the reply');
    client.send('+');
    t.equal(await client.ask('QStartNoAckMode'), 'OK');
    client.send('+$m7c00,3#00');
    t.equal(await client.ask(SANE[0]), SANE[1], 'without acknowledgements a broken packet is passed over');
  });
});

test('noise between packets', async (t) => {
  await withClient(async (client) => {
    client.send('\r\nhello\0\xff#12#+++%%');
    t.equal(await client.ask(SANE[0]), SANE[1]);
    client.send(`$m7c00,`);
    client.send(frame(SANE[0]));
    await client.take(/[-+]/);
    t.equal(await client.ask(SANE[0]), SANE[1], 'a packet cut off by the next');
  });
});

test('a packet longer than PacketSize is refused in words', async (t) => {
  await withClient(async (client) => {
    const size = Number.parseInt(/PacketSize=([0-9a-f]+)/.exec(await client.ask('qSupported:error-message+'))?.[1] ?? '', 16);
    t.ok(size > 0x1000, `PacketSize is ${size}`);
    const answer = await client.ask(`M0,${(size * 2).toString(16)}:${'00'.repeat(size * 2)}`);
    t.match(answer, /^E\.The packet is longer than the \d+ bytes that qSupported allows\.$/);
    t.equal(await client.ask(SANE[0]), SANE[1]);
    client.send(`$${'m'.repeat(20 * 1024 * 1024)}`);
    client.send('#00');
    t.match(await client.take(/-|\$E[^#]*#../, patience(60_000)), /^-|\+\$E\.The packet is longer/, '20 MB without an end in sight');
    client.send('+');
    t.equal(await client.ask(SANE[0]), SANE[1]);
  });
});

const ERRORS: readonly (readonly [string, RegExp])[] = [
  ['m', /^E/], ['m7c00', /^E/], ['m7c00,', /^E/], ['m,4', /^E/], ['m7c00,zz', /^E/], ['m-1,4', /^E/],
  ['mffffffffffffffffffffffff,4', /^E/], ['m7c00,ffffffffffffffffff', /^E/],
  ['m8000000,4', /^E(14|\.)/], ['mfffffffffffffff0,100', /^E/], ['M8000000,1:00', /^E/],
  ['M7c00,2:00', /^E/], ['M7c00,1:0000', /^E/], ['M7c00,1:zz', /^E/], ['M7c00,1', /^E/], ['Mffffffffffffffff,2:0000', /^E/],
  ['X7c00,5:ab', /^E/], ['X7c00,1', /^E/], ['G00', /^E/], ['Gzz', /^E/],
  ['p', /^E/], ['p9999', /^E/], ['pzz', /^E/], ['P', /^E/], ['P0', /^E/], ['P0=', /^E/], ['P0=zz', /^E/], ['P9999=00', /^E/], ['P0=00112233445566778899', /^E/],
  ['H', /^E/], ['Hg', /^E/], ['Hg99', /^E/], ['Hgp7.1', /^E/], ['Hx1', /^E|^$/], ['T', /^E/], ['T99', /^E/],
  ['Z', /^E|^$/], ['Zfoo', /^E|^$/], ['Z0', /^E/], ['Z0,zz,1', /^E/], ['Z9,7c00,1', /^E|^$/], ['z0,7c00', /^E/],
  ['Z0,7c00,1;X', /^E/], ['Z0,7c00,1;X1,', /^E/], ['Z0,7c00,1;X1,00', /^E\.The agent expression has an unknown opcode 0x00/], ['Z0,7c00,1;X2,2100', /^E/],
  ['Z0,7c00,1;cmds:', /^E/], ['Z0,7c00,1;cmds:1,X1,29', /^E\./], ['Z0,7c00,1;Xffffffff,27', /^E/], ['Z0,7c00,1;X0,', /^E\..* empty/],
  ['vCont', /^E|^$/], ['vCont;', /^E/], ['vCont;q', /^E/], ['vCont;c:99', /^E/], ['vCont;r1', /^E/], ['vCont;rzz,zz:1', /^E/], ['vCont;s:p9.9', /^E/],
  ['vAttach;9', /^E/], ['vFile:open:00', /^$/], ['vMustReplyEmpty', /^$/], ['vNothing;at;all', /^$/],
  ['qXfer:features:read:nope.xml:0,100', /^E/], ['qXfer:features:read:target.xml:zz,1', /^E/], ['qXfer:features:read:target.xml:ffffffff,10', /^E|^l$/],
  ['qXfer:features:write:target.xml:0:00', /^E|^$/], ['qXfer:bogus:read::0,10', /^$/],
  ['qRcmd,zz', /^E/], ['qRcmd,0', /^E/], ['qCRC:0,ffffffffff', /^E/], ['qCRC:zz', /^E/], ['qSearch:memory:0;ffffffff;ab', /^E|^[01]/], ['qSearch:memory:0', /^E/],
  ['qThreadExtraInfo,99', /^E/], ['qBogus', /^$/], ['QBogus', /^$/], ['\x80\x81', /^$/], ['', /^$/], ['!x', /^$|^OK|^E/], ['Qqemu.sstep=99', /^E/],
];

test('malformed packets', async (t) => {
  await withClient(async (client) => {
    t.equal(await client.ask('QStartNoAckMode'), 'OK');
    client.send('+');
    for (const [payload, expected] of ERRORS) t.match(await client.ask(payload), expected, JSON.stringify(payload));
    t.equal(await client.ask(SANE[0]), SANE[1], 'the guest is as it was');
    t.match(await client.ask('vCont;s:1'), /^T05/, 'and can be stepped');
  });
});

test('while the guest runs, other packets are refused or wait, and 0x03 stops it', async (t) => {
  await withClient(async (client) => {
    t.equal(await client.ask('QStartNoAckMode'), 'OK');
    client.send('+');
    client.send(frame('vCont;c'));
    t.match(await client.ask('m7c00,3'), /^E/);
    t.match(await client.ask('g'), /^E/);
    t.match(await client.ask('vCont;s'), /^E/);
    client.send('\x03');
    t.match(await client.take(/#../), /\$T02/);
    t.equal(await client.ask(SANE[0]), SANE[1]);
  });
});

test('a flood of valid packets in one go is answered in order', async (t) => {
  await withClient(async (client) => {
    t.equal(await client.ask('QStartNoAckMode'), 'OK');
    client.send('+');
    const expected = ['40ebfd', '0000000000000000', 'QC1'];
    client.send(Array.from({ length: 3000 }, (_, i) => frame(['m7c00,3', 'p0', 'qC'][i % 3])).join(''));
    let right = 0;
    while (right < 3000 && (await client.take(/\$[^#]*#../)) === frame(expected[right % 3])) right++;
    t.equal(right, 3000);
  });
});

test('a thousand steps through a raw client move a thousand instructions', async (t) => {
  await withClient(async (client) => {
    t.equal(await client.ask('QStartNoAckMode'), 'OK');
    client.send('+');
    for (let i = 0; i < 1000; i++) {
      const stop = await client.ask('vCont;s:1');
      if (!stop.startsWith('T05')) return t.fail(`step ${i + 1}: ${stop}`);
    }
    t.equal(await client.ask('p0'), 'f401000000000000', '500 rounds of inc ax; jmp');
  });
});

test('a client that hangs up in the middle of a packet, and one that says nothing', async (t) => {
  await withClient(async (client, server) => {
    client.send('$m7c00');
    client.end();
    await new Promise((resolve) => setTimeout(resolve, SETTLE_MILLISECONDS));
    const silent = await RawClient.connect(server.address);
    const second = await RawClient.connect(server.address);
    t.match(await second.ask('?'), /^E\.Another debugger is attached/);
    await second.untilClosed();
    silent.end();
    await new Promise((resolve) => setTimeout(resolve, SETTLE_MILLISECONDS));
    const third = await RawClient.connect(server.address);
    t.equal(await third.ask(SANE[0]), SANE[1]);
    third.end();
  });
});

test('--log rsp shows the packets on stderr', async (t) => {
  await withClient(async (client, server) => {
    await client.ask(SANE[0]);
    client.send('$g#00');
    await client.take(/-/);
    await new Promise((resolve) => setTimeout(resolve, 100));
    t.match(server.output.stderr, /^rsp <- m7c00,3$/m);
    t.match(server.output.stderr, /^rsp -> .*40ebfd/m);
    t.match(server.output.stderr, /refused packet: checksum/);
  }, ['--log', 'rsp']);
});
