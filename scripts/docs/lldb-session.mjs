// lldb at a server of its own, for the blocks of a page that are lldb's. Its versions word things differently, so that a block names
// the one that wrote it, and stays as it is where another one, or none, is installed.
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { root } from '../root.mjs';
import { typed } from './gdb-session.mjs';

/** Stops are shown without the source around them, which would be most of the block. */
const SETTINGS = ['settings set stop-line-count-before 0', 'settings set stop-line-count-after 0', 'settings set stop-disassembly-count 0'];

/**
 * @param {string} words major version, then the server's arguments; after semicolons what is typed first and not shown
 * @param {string} body of the block
 */
export async function runLldb(words, body) {
  const [version, ...rest] = words.split(' ');
  const { stdout } = spawnSync('lldb', ['--version'], { encoding: 'utf8' });
  if (!new RegExp(`^lldb version ${version}\\.`, 'm').test(stdout ?? '')) return body;
  const { lldbAnswers } = await import(join(root, 'dist/test/ide/support/lldb.js'));
  const { TcpServer } = await import(join(root, 'dist/test/ide/support/tcp-server.js'));
  const [args, ...first] = rest.join(' ').split(/; */);
  const commands = typed(body, '(lldb) ');
  let text = '';
  await TcpServer.with(args.split(' '), async (server) => {
    const before = [...SETTINGS, ...first];
    const { answers, transcript } = lldbAnswers([...before, ...commands].map((command) => command.replace('127.0.0.1:1234', `127.0.0.1:${server.port}`)));
    for (const [index, command] of commands.entries()) {
      const answer = answers[before.length + index];
      if (answer === undefined) throw new Error(`lldb did not come to "${command}": ${transcript}`);
      // What the guest prints first comes with the answer; a line of the prompt's own follows some.
      text += `(lldb) ${command}\n${answer.replace(/^\n/, '').replaceAll(join(root, 'examples/guests/'), '').replaceAll(/^\(lldb\) $/gm, '')}`;
    }
  });
  return text;
}
