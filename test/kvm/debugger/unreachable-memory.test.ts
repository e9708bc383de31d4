/** Host memory that goes away under a running guest: KVM_RUN fails with EFAULT, and when it is back the guest goes on. */
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import test from 'tape';
import { PACKAGE_FOLDER } from '../../project-folders.js';
import { patience } from '../../time-scale.js';

const PROGRAM = fileURLToPath(new URL('./unreachable-memory.js', import.meta.url));
const built = spawnSync('make', ['-s', '-C', join(PACKAGE_FOLDER, 'test/native'), 'faults'], { encoding: 'utf8' });
const options = { skip: built.status === 0 ? false : `the library cannot be built here: ${built.stderr}` };

test('KVM_RUN fails with EFAULT: SIGBUS at the instruction, in words, and it can be tried again', options, (t) => {
  const { stdout, stderr, status } = spawnSync(process.execPath, [PROGRAM], {
    encoding: 'utf8', timeout: patience(20_000),
    env: { ...process.env, LD_PRELOAD: join(PACKAGE_FOLDER, 'build/native-test/unreachable-memory.so') },
  });
  t.equal(status, 0, stderr);
  const [stop, later] = stdout.trim().split('\n').map((line) => JSON.parse(line) as { reason: { kind: string }; text?: string; offset: number; eax: number });
  t.deepEqual([stop?.reason, stop?.offset], [{ kind: 'fault', signal: 'SIGBUS' }, 1]);
  t.match(stop?.text ?? '', /^cpu0 stopped at 0x10001b \(long64\): KVM could not (reach the guest's memory: a memory slot has no host memory behind it|use host memory behind guest-physical 0x1a0000)\.$/);
  t.deepEqual([later?.reason.kind, later?.offset, later?.eax], ['interrupt', 8, 42], 'the read has been made, once the page is back');
  t.end();
});
