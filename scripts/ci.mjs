// .ci/run: npm test, then npm run test:hosts, each shown as it runs; the last line is the sum of theirs. With --all every
// file runs on each host; without it what the hosts have not reached when the time is up is skipped in words. --record
// puts the hosts' table into docs/hosts.md.
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { root } from './root.mjs';

/** .ci/run is to end within 20 minutes; a host that is ended needs some seconds. */
const SECONDS = 19 * 60;
/** The hosts have at least this, however long the rest took. */
const LEAST_HOSTS_SECONDS = 120;
const SUM = /^(\d+) passed, (\d+) failed, (\d+) skipped$/;

/**
 * Adds up the last lines of several runs. A run that ended otherwise than it says, or without saying anything, counts as one
 * failure more.
 * @param {{ output: string, status: number }[]} runs
 * @returns {{ passed: number, failed: number, skipped: number }}
 */
export function addUp(runs) {
  const total = { passed: 0, failed: 0, skipped: 0 };
  for (const { output, status } of runs) {
    const said = SUM.exec(output.trimEnd().split('\n').at(-1))?.slice(1).map(Number);
    const [passed, failed, skipped] = said ?? [0, 0, 0];
    total.passed += passed;
    total.failed += failed + (said === undefined || (status !== 0 && failed === 0) ? 1 : 0);
    total.skipped += skipped;
  }
  return total;
}

/** Runs a script of this folder; its standard output is shown and kept. */
function run(script, args) {
  return new Promise((resolve) => {
    const child = spawn(process.execPath, [join(root, 'scripts', script), ...args], { cwd: root, stdio: ['ignore', 'pipe', 'inherit'] });
    let output = '';
    child.stdout.setEncoding('utf8').on('data', (text) => {
      output += text;
      process.stdout.write(text);
    });
    child.on('error', () => resolve({ output, status: 127 }));
    child.on('close', (code) => resolve({ output, status: code ?? 128 }));
  });
}

async function main() {
  const words = process.argv.slice(2);
  if (words.some((word) => !['--all', '--record'].includes(word))) {
    console.error('Use: .ci/run [--all] [--record]');
    process.exit(2);
  }
  const runs = [await run('test.mjs', [])];
  const left = Math.max(LEAST_HOSTS_SECONDS, Math.round(SECONDS - performance.now() / 1000));
  runs.push(await run('test-hosts.mjs', words.includes('--all') ? words : [...words, '--seconds', String(left)]));
  const { passed, failed, skipped } = addUp(runs);
  console.log(`${passed} passed, ${failed} failed, ${skipped} skipped`);
  process.exitCode = failed === 0 ? 0 : 1;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await main();
