/** `monitor xp`, `gva2gpa` and `gpa2hva`, with QEMU's names and answers. */
import { hex, MonitorError, parseNumber, type MonitorCommand, type Write } from './command.js';

/** Units shown by one `xp`: enough for a screen, bounded for the socket. */
const MAX_UNITS = 4096;
const UNIT_BYTES: Readonly<Record<string, number>> = { b: 1, h: 2, w: 4, g: 8 };

const xpCommand: MonitorCommand = {
  name: 'xp',
  parameters: '/FMT ADDRESS',
  help: 'Dump guest-physical memory; FMT is a count, a format (x d u o c) and a unit (b h w g).',
  run({ machine }, words, write) {
    const [format, address] = words[0]?.startsWith('/') === true ? [words[0], words[1]] : ['/x', words[0]];
    const match = /^\/(\d*)([xduoc]?)([bhwg]?)([xduoc]?)$/.exec(format);
    if (match === null) throw new MonitorError(`The format "${format}" is not known; "xp /8xb 0x7c00" shows eight bytes in hex.`);
    const letter = match[2] !== '' ? match[2] : match[4] !== '' ? match[4] : 'x';
    const size = match[3] !== '' ? UNIT_BYTES[match[3]] : letter === 'c' ? 1 : 4;
    const count = match[1] === '' ? 1 : Number(match[1]);
    if (count < 1 || count > MAX_UNITS) throw new MonitorError(`xp shows 1 to ${MAX_UNITS} units at once.`);
    const start = parseNumber(address, 'The address');
    const bytes = machine.memory.read(start, count * size);
    dump(start, bytes, size, letter, write);
    if (bytes.length < count * size) write(`Cannot access memory at guest-physical 0x${(start + BigInt(bytes.length)).toString(16)}\n`);
  },
};

/** Sixteen bytes a line (eight characters for `c`), `%016x: 0x.. 0x..` as QEMU prints them. */
function dump(start: bigint, bytes: Uint8Array, size: number, letter: string, write: Write): void {
  const perLine = letter === 'c' ? 8 : 16 / size;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const units = Math.floor(bytes.length / size);
  for (let unit = 0; unit < units; unit += perLine) {
    let line = `${hex(start + BigInt(unit * size), 16)}:`;
    for (let i = unit; i < Math.min(unit + perLine, units); i++) line += ` ${unitText(view, i * size, size, letter)}`;
    write(`${line}\n`);
  }
}

function unitText(view: DataView, offset: number, size: number, letter: string): string {
  const unsigned = size === 1 ? BigInt(view.getUint8(offset)) : size === 2 ? BigInt(view.getUint16(offset, true))
    : size === 4 ? BigInt(view.getUint32(offset, true)) : view.getBigUint64(offset, true);
  switch (letter) {
    case 'd': return BigInt.asIntN(size * 8, unsigned).toString();
    case 'u': return unsigned.toString();
    case 'o': return `0${unsigned.toString(8)}`;
    case 'c': {
      const code = Number(unsigned & 0xffn);
      return code >= 0x20 && code < 0x7f ? `'${String.fromCharCode(code)}'` : `'\\x${hex(code, 2)}'`;
    }
    default: return `0x${hex(unsigned, size * 2)}`;
  }
}

const gva2gpaCommand: MonitorCommand = {
  name: 'gva2gpa',
  parameters: 'ADDRESS',
  help: 'Translate a linear address of the CPU that stopped last.',
  run({ views, current }, words, write) {
    const gpa = (views[current]).memory.physical(parseNumber(words[0], 'The address'));
    write(gpa === undefined ? 'Unmapped\n' : `gpa: 0x${gpa.toString(16)}\n`);
  },
};

const gpa2hvaCommand: MonitorCommand = {
  name: 'gpa2hva',
  parameters: 'ADDRESS',
  help: 'Show where guest-physical memory lies in the address space of this server.',
  run({ machine }, words, write) {
    const gpa = parseNumber(words[0], 'The address');
    const chunk = machine.memory.chunkAt(gpa);
    if (chunk === undefined) return write(`No memory is mapped at address 0x${gpa.toString(16)}\n`);
    const host = chunk.memory.hostAddress + gpa - BigInt(chunk.start);
    write(`Host virtual address for 0x${gpa.toString(16)} (pc.${chunk.kind}) is 0x${host.toString(16)}\n`);
  },
};

export const memoryCommands: readonly MonitorCommand[] = [xpCommand, gva2gpaCommand, gpa2hvaCommand];
