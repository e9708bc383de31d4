// The sessions in the guides. A comment before a code block says what runs it:
//   <!-- gdb ARGS -->   a server with ARGS, gdb attached with the helper; what stands behind each "(gdb) " is typed
//   <!-- gdb -->        the same gdb goes on
//   <!-- shell -->      what stands behind each "$ " is a command line in the repository
// Everything else in the block is output, and is written anew.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { root } from '../root.mjs';

const BLOCK = /^<!-- (gdb|shell)(?: (.*?))? -->\n```(\w*)\n([^]*?)^```$/gm;

/**
 * A page with every session run again; undefined for one that has none.
 * @param {string} text of the page
 * @param {string} path for messages
 */
export async function withSessionsRun(text, path) {
  const blocks = [...text.matchAll(BLOCK)];
  if (blocks.length === 0) return undefined;
  const folder = mkdtempSync(join(tmpdir(), 'kvm-gdbserver-docs-'));
  let session;
  let result = '';
  let end = 0;
  try {
    symlinkSync(join(root, 'bin', 'kvm-gdbserver.cjs'), join(folder, 'kvm-gdbserver'));
    for (const block of blocks) {
      const [all, kind, args, language, body] = block;
      let output;
      if (kind === 'shell') {
        output = runShell(body, folder);
      } else {
        if (args !== undefined) {
          await session?.close();
          session = await GdbSession.start(args);
        }
        if (session === undefined) throw new Error(`${path}: a session goes on that did not begin.`);
        output = await session.replay(body);
      }
      result += `${text.slice(end, block.index)}<!-- ${kind}${args === undefined ? '' : ` ${args}`} -->\n\`\`\`${language}\n${output}\`\`\``;
      end = block.index + all.length;
    }
  } finally {
    await session?.close();
    rmSync(folder, { recursive: true, force: true });
  }
  return result + text.slice(end);
}

/** The lines of a body that are typed, without the prompt. */
function typed(body, prompt) {
  return body.split('\n').filter((line) => line.startsWith(prompt)).map((line) => line.slice(prompt.length));
}

function runShell(body, folder) {
  return typed(body, '$ ').map((command) => {
    const { stdout, stderr, status } = spawnSync('sh', ['-c', command], {
      cwd: root, encoding: 'utf8', timeout: 60_000, input: '',
      env: { ...process.env, PATH: `${folder}:${dirname(process.execPath)}:${process.env.PATH}` },
    });
    if (status === null) throw new Error(`"${command}" did not end: ${stderr}`);
    return `$ ${command}\n${(stdout + stderr).replaceAll(join(root, '/'), '').replace(/127\.0\.0\.1:\d+/g, '127.0.0.1:1234')}`;
  }).join('');
}

class GdbSession {
  static async start(args) {
    const { GdbConsole } = await import(join(root, 'dist/test/gdb/support/gdb-console.js'));
    const { startServer } = await import(join(root, 'dist/test/gdb/support/gdb-session.js'));
    const words = args.split(' ');
    const server = await startServer(words);
    const gdb = new GdbConsole();
    await gdb.run(`source ${join(root, 'gdb/kvm_gdbserver.py')}`);
    return Object.assign(new GdbSession(), { server, gdb });
  }

  /** Types the commands of a body; `target remote :1234` leads to this session's server. */
  async replay(body) {
    let text = '';
    for (const command of typed(body, '(gdb) ')) {
      const answer = await this.gdb.run(command.replace(':1234', this.server.address));
      text += `(gdb) ${command}\n${answer.replaceAll(this.server.address, ':1234').replaceAll(join(root, '/'), '/')}`;
      if (!text.endsWith('\n')) text += '\n';
    }
    return text;
  }

  async close() {
    await this.gdb.crash();
    await this.server.stop();
  }
}
