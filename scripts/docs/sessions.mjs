// The blocks of a page that are made or checked. A comment before a block says how:
//   <!-- gdb ARGS; COMMAND; ... -->  a server with ARGS, gdb attached with the helper, and the COMMANDs typed, which are not shown;
//                                    what stands behind each "(gdb) " in the block is typed then
//   <!-- gdb -->                     the same gdb goes on
//   <!-- lldb VERSION ARGS -->       the same with lldb, where that version of it is installed
//   <!-- shell -->                   what stands behind each "$ " is a command line in the repository
//   <!-- view NAME -->               what an editor shows (editor-views.mjs)
//   <!-- excerpt of COMMAND -->      each line is one that the command prints; "..." stands for anything
// Everything else in the block is output, and is written anew; an excerpt stays, with a note at a line that is not printed.
// test/unit/docs/blocks.test.ts refuses a block with output that has no such comment.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { root } from '../root.mjs';
import { StepError, describe } from '../run-quietly.mjs';
import { EDITOR_VIEWS } from './editor-views.mjs';
import { GdbSession, typed } from './gdb-session.mjs';
import { runLldb } from './lldb-session.mjs';

const BLOCK = /^<!-- (gdb|lldb|shell|view|excerpt of)(?: (.*?))? -->\n```(\w*)\n([^]*?)^```$/gm;

/**
 * A page with every session run again; undefined for one that has none.
 * @param {string} text of the page
 * @param {string} path for messages
 */
export async function withSessionsRun(text, path) {
  const blocks = [...text.matchAll(BLOCK)];
  if (blocks.length === 0) return undefined;
  const page = new Page(path);
  let result = '';
  let end = 0;
  try {
    for (const block of blocks) {
      const [all, kind, words, , body] = block;
      const place = `${path}:${text.slice(0, block.index).split('\n').length}, <!-- ${[kind, words].join(' ').trimEnd()} -->`;
      const made = await page.run(kind, words, body).catch((error) => { throw new StepError(`${place}: ${describe(error)}`); });
      result += text.slice(end, block.index) + all.slice(0, all.length - body.length - 3) + made + '```';
      end = block.index + all.length;
    }
  } finally {
    await page.close();
  }
  return result + text.slice(end);
}

class Page {
  #path;
  #folder = mkdtempSync(join(tmpdir(), 'kvm-gdbserver-docs-'));
  #gdb;

  constructor(path) {
    this.#path = path;
    symlinkSync(join(root, 'bin', 'kvm-gdbserver.cjs'), join(this.#folder, 'kvm-gdbserver'));
  }

  async run(kind, words, body) {
    switch (kind) {
      case 'shell': return this.#shell(body);
      case 'lldb': return runLldb(words, body);
      case 'view': return await EDITOR_VIEWS[words]() ?? body;
      case 'excerpt of': return checkedExcerpt(body, this.#printed(words));
    }
    if (words !== undefined) {
      await this.#gdb?.close();
      const [args, ...first] = words.split(/; */);
      this.#gdb = await GdbSession.start(args, first);
    }
    if (this.#gdb === undefined) throw new Error(`${this.#path}: a session goes on that did not begin.`);
    return this.#gdb.replay(body);
  }

  async close() {
    await this.#gdb?.close();
    rmSync(this.#folder, { recursive: true, force: true });
  }

  #shell(body) {
    return typed(body, '$ ').map((command) => `$ ${command}\n${asElsewhere(this.#printed(command))}`).join('');
  }

  /** What a command line prints. */
  #printed(command) {
    const { stdout, stderr, status } = spawnSync('sh', ['-c', command], {
      cwd: root, encoding: 'utf8', timeout: 180_000, input: '',
      env: { ...process.env, PATH: `${this.#folder}:${dirname(process.execPath)}:${process.env.PATH}` },
    });
    if (status === null) throw new Error(`"${command}" did not end: ${stderr}`);
    return stdout + stderr;
  }
}

/** As a reader sees it, who has other paths and the usual port. */
function asElsewhere(output) {
  return output.replaceAll(join(root, '/'), '').replace(/127\.0\.0\.1:\d+/g, '127.0.0.1:1234');
}

/** The body of an excerpt, with a note at each line that `output` does not have. */
function checkedExcerpt(body, output) {
  const printed = output.split('\n');
  return body.split('\n').map((line) => {
    if (line === '...') return line;
    const pattern = new RegExp(`^${line.split('...').map((part) => part.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')).join('.*')}$`);
    return printed.some((candidate) => pattern.test(candidate)) ? line : `(not printed any more) ${line}`;
  }).join('\n');
}
