/** The words behind `monitor catch` as what is to be caught. Wrong ones throw MonitorError with one sentence. */
import { findExceptionVector } from '../../x86/exceptions.js';
import { MSR } from '../../x86/msrs.js';
import { MonitorError, parseNumber } from '../monitor/command.js';
import type { CatchWhat } from './catchpoint-set.js';

export const CATCH_SYNTAX = 'exception [VECTOR|NAME|all] | triple-fault | io PORT[-PORT] | mmio START[-END|+LENGTH] | msr N|NAME | cpuid | mode-switch | hlt';

const LAST_PORT = 0xffff;
const LAST_ADDRESS = (1n << 64n) - 1n;
const LAST_MSR = 0xffff_ffffn;

export function parseCatch(words: readonly string[]): CatchWhat {
  const [kind, argument] = words;
  if (words.length > 2) throw new MonitorError(`"catch ${kind}" takes one argument at most; say: catch ${CATCH_SYNTAX}.`);
  switch (kind) {
    case 'exception':
      return exception(argument);
    case 'io':
      return ports(argument);
    case 'mmio':
      return addresses(argument);
    case 'msr':
      return { kind, index: msr(argument) };
    case 'triple-fault':
    case 'cpuid':
    case 'mode-switch':
    case 'hlt':
      if (argument !== undefined) throw new MonitorError(`"catch ${kind}" takes no argument, not "${argument}".`);
      return { kind };
    default:
      throw new MonitorError(`Say what to catch: ${CATCH_SYNTAX}.`);
  }
}

function exception(argument: string | undefined): CatchWhat {
  if (argument === undefined || argument === 'all') return { kind: 'exception' };
  const vector = findExceptionVector(argument);
  if (vector === undefined) {
    throw new MonitorError(`There is no exception "${argument}"; say a vector from 0 to 31, a name such as #PF or page-fault, or all.`);
  }
  return { kind: 'exception', vector };
}

function ports(argument: string | undefined): CatchWhat {
  const parts = argument?.split('-') ?? [];
  if (parts.length < 1 || parts.length > 2) throw new MonitorError('"catch io" needs a port or a range of ports, such as 0x3f8 or 0x3f8-0x3ff.');
  const first = parseNumber(parts[0], 'The port');
  const last = parts.length === 2 ? parseNumber(parts[1], 'The last port') : first;
  if (last > LAST_PORT) throw new MonitorError(`There is no port 0x${last.toString(16)}: ports are 0 to 0xffff.`);
  if (first > last) throw new MonitorError(`The range ${argument} ends before it begins.`);
  return { kind: 'io', first: Number(first), last: Number(last) };
}

function addresses(argument: string | undefined): CatchWhat {
  const match = /^([^-+]+)(?:([-+])([^-+]+))?$/.exec(argument ?? '');
  if (match === null) throw new MonitorError('"catch mmio" needs a guest-physical address or a range, such as 0xfee00000-0xfee00fff or 0xfee00000+0x1000.');
  const start = parseNumber(match[1], 'The address');
  if (match[2] === undefined) return { kind: 'mmio', start, end: start + 1n };
  const second = parseNumber(match[3], match[2] === '+' ? 'The length' : 'The last address');
  const end = match[2] === '+' ? start + second : second + 1n;
  if (end <= start) throw new MonitorError(`The range ${argument} is empty.`);
  if (end - 1n > LAST_ADDRESS) throw new MonitorError(`The range ${argument} ends beyond the address space.`);
  return { kind: 'mmio', start, end };
}

function msr(argument: string | undefined): number {
  const named = argument === undefined ? undefined : Object.entries(MSR).find(([name]) => name === argument.toLowerCase());
  if (named !== undefined) return named[1];
  if (argument === undefined || !/^[0-9]/.test(argument)) {
    throw new MonitorError(`"catch msr" needs an index such as 0xc0000080 or one of these names: ${Object.keys(MSR).join(', ')}.`);
  }
  const index = parseNumber(argument, 'The MSR');
  if (index > LAST_MSR) throw new MonitorError(`There is no MSR ${argument}: their numbers have 32 bits.`);
  return Number(index);
}
