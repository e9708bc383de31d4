// A server, and gdb attached to it with the helper, for the blocks of a page that are gdb's.
import { join } from 'node:path';
import { root } from '../root.mjs';

/** The lines of a body that are typed, without the prompt. */
export function typed(body, prompt) {
  return body.split('\n').filter((line) => line.startsWith(prompt)).map((line) => line.slice(prompt.length));
}

export class GdbSession {
  #server;
  #gdb;

  /** @param {string} args of the server @param {readonly string[]} first what is typed before the block, and not shown */
  static async start(args, first) {
    const { GdbConsole } = await import(join(root, 'dist/test/gdb/support/gdb-console.js'));
    const { startServer } = await import(join(root, 'dist/test/gdb/support/gdb-session.js'));
    const session = new GdbSession();
    session.#server = await startServer(args.split(' '));
    try {
      session.#gdb = new GdbConsole();
      await session.#gdb.run(`source ${join(root, 'gdb/kvm_gdbserver.py')}`);
      for (const command of first) await session.#type(command);
      return session;
    } catch (error) {
      await session.close();
      throw error;
    }
  }

  /** Types the commands of a body; `target remote :1234` leads to this session's server. */
  async replay(body) {
    let text = '';
    for (const command of typed(body, '(gdb) ')) {
      const answer = await this.#type(command);
      text += `(gdb) ${command}\n${answer.replaceAll(this.#server.address, ':1234').replaceAll(join(root, '/'), '/')}`;
      if (!text.endsWith('\n')) text += '\n';
    }
    return text;
  }

  #type(command) {
    return this.#gdb.run(command.replace(':1234', this.#server.address));
  }

  async close() {
    try {
      await this.#gdb?.crash();
    } finally {
      await this.#server.stop();
    }
  }
}
