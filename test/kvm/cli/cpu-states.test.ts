/** What SIGUSR2 tells; of a machine that is gone too, for a gdb in the server's terminal outlives its guest. */
import test from 'tape';
import { cpuStates } from '../../../src/cli/cpu-states.js';
import { NonStopGuest } from '../debugger/non-stop-guest.js';

test('CPU states: of a machine that stands, and of one that was killed', (t) => {
  const { guest: { target } } = new NonStopGuest(2, 1, [0x90]);
  t.match(cpuStates(target), /^Stopped: cpu0 stopped \w+ at 0x[0-9a-f]+; cpu1 waiting for SIPI at 0x[0-9a-f]+$/);
  target.kill();
  t.match(cpuStates(target), /^The guest was killed/);
  t.end();
});
