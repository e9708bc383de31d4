/**
 * A document whose examples are real: files in ```asm blocks (the first line names the file), shell commands in ```sh, gdb's in
 * ```gdb. Each is made, run or typed in order, and the answers are put behind the commands.
 */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { GdbConsole } from './gdb-console.js';
import { splitCommandLine } from './example-session.js';
import { GDB_HELPER, startServer, type Server } from './gdb-session.js';
import { patience } from '../../time-scale.js';

const BLOCK = /^```(asm|sh|gdb)\n([^]*?)^```$/gm;
const SERVER = 'kvm-gdbserver ';
/** What a reader sees in place of this machine's paths. */
const SHOWN_HELPER = '.../gdb/kvm_gdbserver.py', SHOWN_ADDRESS = ':1234';

/** Carries the document's examples out in a folder of its own; returns it with the answers that came. */
export async function retype(text: string): Promise<string> {
  const session = new Session();
  try {
    let result = '';
    let end = 0;
    for (const match of text.matchAll(BLOCK)) {
      const [whole, kind, content] = match as unknown as [string, string, string];
      result += `${text.slice(end, match.index)}\`\`\`${kind}\n${await session.block(kind, content)}\`\`\``;
      end = match.index + whole.length;
    }
    return result + text.slice(end);
  } finally {
    await session.close();
  }
}

class Session {
  private readonly folder = mkdtempSync(join(tmpdir(), 'kvm-gdbserver-document-'));
  private server: Server | undefined;
  private gdb: GdbConsole | undefined;

  async block(kind: string, content: string): Promise<string> {
    if (kind === 'asm') return this.file(content);
    let result = '';
    for (const line of content.split('\n')) {
      // The rest is what came back last time.
      if (kind === 'sh' && line.startsWith('$ ')) result += `${line}\n${await this.shell(line.slice(2))}`;
      if (kind === 'gdb' && line.startsWith('$ ')) result += `${line}\n${await this.startGdb(line.slice(2))}`;
      if (kind === 'gdb' && line.startsWith('(gdb) ')) result += `${line}\n${await this.type(line.slice(6))}`;
    }
    return result;
  }

  async close(): Promise<void> {
    await this.endGuest();
    rmSync(this.folder, { recursive: true });
  }

  private file(content: string): string {
    const name = /^# (\S+)\n/.exec(content)?.[1];
    if (name === undefined) throw new Error(`The first line of a file must name it:\n${content.slice(0, 200)}`);
    // Without that line, so that line numbers are those of the file that a reader makes.
    writeFileSync(join(this.folder, name), content.slice(content.indexOf('\n') + 1));
    return content;
  }

  private async shell(command: string): Promise<string> {
    if (!command.startsWith(SERVER)) {
      return execFileSync('sh', ['-c', command], { cwd: this.folder, encoding: 'utf8', timeout: patience(30_000) });
    }
    await this.endGuest();
    const words = splitCommandLine(command.slice(SERVER.length));
    this.server = await startServer(words.map((word) => (word.endsWith('.img') ? join(this.folder, word) : word)));
    return '';
  }

  /** `gdb ... FILE -ex 'target remote :1234'`, with the helper. */
  private async startGdb(command: string): Promise<string> {
    if (this.server === undefined) throw new Error(`There is no server for "${command}".`);
    await this.gdb?.crash();
    this.gdb = new GdbConsole(this.folder);
    const file = splitCommandLine(command).find((word) => word.endsWith('.elf'));
    await this.gdb.run(`source ${GDB_HELPER}`);
    if (file !== undefined) await this.gdb.run(`file ${file}`);
    return this.type(`target remote ${this.server.address}`);
  }

  private async type(command: string): Promise<string> {
    if (this.gdb === undefined || this.server === undefined) throw new Error(`There is no gdb for "${command}".`);
    const answer = (await this.gdb.run(command)).replaceAll(this.server.address, SHOWN_ADDRESS).replaceAll(GDB_HELPER, SHOWN_HELPER);
    return answer.replace(/^\n/, '').replace(/\n*$/, answer.trim() === '' ? '' : '\n');
  }

  private async endGuest(): Promise<void> {
    await this.gdb?.crash();
    await this.server?.stop();
    this.gdb = undefined;
    this.server = undefined;
  }
}
