/**
 * A guest at CPL 3 that reads a page which the host has taken away, for unreachable-memory.test.ts: run as a program by it with
 * test/native/unreachable-memory.c preloaded. At CPL 0 a software KVM would make a device access of the read. Prints one line of
 * JSON for each stop: at the read, and after the page has come back and the guest has gone on.
 */
import { pathToFileURL } from 'node:url';
import { hostCapabilities } from './guest-under-debug.js';
import { USER, userModeGuest } from './user-mode-guest.js';

/** GPA of the page, and where the piece of RAM begins that it is in. */
const PAGE = 0x1a_0000;
const RAM_START = 0xc_0000;
const VALUE = 42;
const RUN_MS = 100;

if (process.argv[1] !== undefined && import.meta.url === pathToFileURL(process.argv[1]).href) {
  // Its machines come and go before the one that loses its page.
  hostCapabilities();
  process.env['UNREACHABLE_PAGE'] = String(PAGE - RAM_START);
  // nop; mov eax, [PAGE]; jmp to itself
  const guest = userModeGuest([0x90, 0x8b, 0x04, 0x25, ...[0, 8, 16, 24].map((shift) => (PAGE >> shift) & 0xff), 0xeb, 0xfe]);
  const say = (stop: object): void => console.log(JSON.stringify({ ...stop, offset: guest.offset - USER, eax: Number(guest.read('rax')) }));
  const { reason, text } = await guest.continue();
  say({ reason, text });
  process.kill(process.pid, 'SIGUSR2');
  guest.poke(PAGE, [VALUE]);
  setTimeout(() => guest.target.interrupt(), RUN_MS);
  say({ reason: (await guest.continue()).reason });
  guest.close();
}
