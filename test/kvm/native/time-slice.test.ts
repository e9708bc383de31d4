/** How soon the thread that serves vCPUs is let run when they compute (native/core/time-slice.h), as /proc tells it. */
import { execFileSync } from 'node:child_process';
import { readFileSync, readdirSync } from 'node:fs';
import { release } from 'node:os';
import { fileURLToPath } from 'node:url';
import test from 'tape';
import { patience } from '../../time-scale.js';
import { RealModeGuest } from './real-mode-guest.js';

const HLT = 0xf4;
const SHORTEST = 100_000;
/** Of nice 0, as the kernel counts. */
const USUAL_PRIORITY = 120;
const [major, minor] = release().split('.').map(Number);
/** Older kernels take the wish and do nothing. */
const isGranted = major > 6 || (major === 6 && minor >= 12);

/** What proc_pid_sched has under a name; undefined where the kernel does not tell. */
function scheduling(text: string, name: string): number | undefined {
  const found = new RegExp(`^${name} *: *(\\d+)$`, 'm').exec(text);
  return found === null ? undefined : Number(found[1]);
}

/** A thread names itself, once it runs. */
async function namedThreads(name: string): Promise<string[]> {
  for (const end = Date.now() + patience(3000); ;) {
    const found = readdirSync('/proc/self/task').filter((id) => readFileSync(`/proc/self/task/${id}/comm`, 'latin1').startsWith(name));
    if (found.length > 0 || Date.now() > end) return found;
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

const ofThread = (id: number | string): string => readFileSync(`/proc/self/task/${id}/sched`, 'latin1');
const ofChild = (): string => execFileSync('cat', ['/proc/self/sched'], { encoding: 'latin1' });

test('whoever makes a vCPU has short slices; the vCPU and what is started have usual ones', async (t) => {
  const before = ofChild();
  const guest = new RealModeGuest([HLT]);
  const vcpus = await namedThreads('kvm-vcpu');
  t.equal(vcpus.length, 1);
  const [mine, vcpu, child] = [ofThread(process.pid), ofThread(vcpus[0]), ofChild()];
  guest.close();
  const usual = scheduling(before, 'se.slice');
  t.equal(scheduling(mine, 'se.slice'), isGranted ? SHORTEST : usual, 'shortest');
  t.deepEqual([vcpu, child].map((text) => scheduling(text, 'se.slice')), [usual, usual]);
  t.notEqual(usual, SHORTEST);
  for (const name of ['policy', 'prio']) t.deepEqual([mine, vcpu, child].map((text) => scheduling(text, name)), Array(3).fill(scheduling(before, name)), name);
});

test('a thread that somebody has given priority keeps its slices', (t) => {
  const guest = fileURLToPath(new URL('./real-mode-guest.js', import.meta.url));
  const program = `
    const { RealModeGuest } = await import(${JSON.stringify(guest)});
    const { readFileSync } = await import('node:fs');
    const { setPriority } = await import('node:os');
    try { setPriority(-1); } catch { /* that takes a privilege */ }
    const before = readFileSync('/proc/self/sched', 'latin1');
    const guest = new RealModeGuest([${HLT}]);
    console.log(JSON.stringify([before, readFileSync('/proc/self/sched', 'latin1')]));
    guest.close();`;
  const [before, after] = JSON.parse(execFileSync(process.execPath, ['--input-type=module', '-e', program], { encoding: 'utf8' })) as string[];
  const isPrivileged = Number(scheduling(before, 'prio')) < USUAL_PRIORITY;
  t.equal(scheduling(after, 'prio'), scheduling(before, 'prio'));
  t.equal(scheduling(after, 'se.slice'), isPrivileged || !isGranted ? scheduling(before, 'se.slice') : SHORTEST, isPrivileged ? 'raised' : 'may not be raised here');
  t.end();
});
