// npm run demo: sets up what is missing, boots a guest, and lets stock gdb show it from its first instruction on.
import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { bootstrap } from './bootstrap.mjs';
import { root } from './root.mjs';
import { StepError, dieOf } from './run-quietly.mjs';

const GUEST = 'examples/guests/build/modes.img';
const START_SECONDS = 10;
const SESSION_SECONDS = 60;

const folder = mkdtempSync(join(tmpdir(), 'kvm-gdbserver-demo-'));
const socket = join(folder, 'gdb.sock');
const children = [];

/** Starts a program that ends with the demo. `ended` resolves with its exit status. */
function start(command, args, stdio) {
  const child = spawn(command, args, { cwd: root, stdio });
  children.push(child);
  const ended = new Promise((resolve) => {
    child.on('error', () => resolve(127));
    child.on('exit', (status) => resolve(status ?? 1));
  });
  return { child, ended };
}

function cleanUp() {
  for (const child of children) child.kill('SIGKILL');
  rmSync(folder, { recursive: true, force: true });
}

async function waitForSocket(server) {
  let status;
  void server.ended.then((value) => (status = value));
  for (let waited = 0; waited < START_SECONDS * 1000; waited += 20) {
    if (existsSync(socket)) return;
    if (status !== undefined) throw new StepError('The server could not start; its words are above. Ask it why: node bin/kvm-gdbserver.cjs doctor');
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  throw new StepError(`The server was not ready after ${START_SECONDS} seconds.`);
}

/** The session with our socket in place of port 1234; gdb shows each command it reads with a + before it. */
function writeSession() {
  const file = join(folder, 'session.gdb');
  const session = readFileSync(join(root, 'scripts', 'demo.gdb'), 'utf8');
  const address = 'target remote :1234';
  if (!session.includes(address)) throw new StepError(`scripts/demo.gdb no longer says "${address}".`);
  writeFileSync(file, `set trace-commands on\n${session.replace(address, `target remote ${socket}`)}`);
  return file;
}

let serial = '';
let pause;

/** The guest writes byte by byte; what comes before gdb's next word, or within a moment, is shown together. */
function collectSerial(text) {
  serial += text;
  clearTimeout(pause);
  pause = setTimeout(showSerial, 50);
}

function showSerial() {
  clearTimeout(pause);
  if (serial !== '') console.log(`[the guest's serial port: ${JSON.stringify(serial)}]`);
  serial = '';
}

function showLine(line) {
  showSerial();
  if (!line.startsWith('+')) console.log(line);
  else console.log(`\n(gdb) ${line.slice(1)}`);
}

async function main() {
  await bootstrap();
  console.log(`$ kvm-gdbserver ${GUEST}`);
  const server = start(process.execPath, [join(root, 'bin', 'kvm-gdbserver.cjs'), GUEST, '--listen', `unix:${socket}`],
    ['ignore', 'pipe', 'inherit']);
  server.child.stdout.setEncoding('utf8').on('data', collectSerial);
  await waitForSocket(server);

  console.log('\n$ gdb');
  const gdb = start('gdb', ['-q', '-nx', '-batch', '-d', 'examples/guests', '-x', 'gdb/kvm_gdbserver.py', '-x', writeSession()],
    ['ignore', 'pipe', 'inherit']);
  createInterface({ input: gdb.child.stdout }).on('line', showLine);
  const tooLong = setTimeout(() => gdb.child.kill('SIGKILL'), SESSION_SECONDS * 1000);
  const gdbStatus = await gdb.ended;
  clearTimeout(tooLong);
  const status = await Promise.race([server.ended, new Promise((resolve) => setTimeout(resolve, 2000, 'none: it still runs'))]);
  console.log(`\nThe guest has ended. The server's exit status, which is the guest's: ${status}`);
  if (gdbStatus !== 0 || status !== 0) throw new StepError('The session did not end as it should.');
}

process.once('SIGINT', () => {
  cleanUp();
  process.exit(130);
});
main().finally(cleanUp).catch(dieOf);
