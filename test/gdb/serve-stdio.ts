/** A child for rsp-fake.test.ts: a fake target behind stdin and stdout. Ends with the guest or with its client. */
import { Server } from '../../src/rsp/server.js';
import { listenStdio } from '../../src/rsp/transports/stdio.js';
import { FakeTarget } from '../unit/rsp/fake-target.js';

const target = new FakeTarget({ stops: 'later' });
target.memory.fill(0x90);
target.memory.set([0xeb, 0xfe], 0x7d00);
const server = new Server({ target, events: { ended: () => process.exit(0), disconnected: () => process.exit(0) } });
listenStdio((connection) => server.accept(connection));
