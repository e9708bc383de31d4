/** Accesses that leave the guest by themselves, in words: ports, device memory, MSRs. */
import type { Exit } from '../../vmm/exit.js';
import type { Machine } from '../../vmm/machine.js';
import { describeMsr } from '../../x86/msrs.js';

/** Of a REP INS or OUTS, elements that are shown. */
const MOST_ELEMENTS = 8;

/** After the access was served: `wrote 0x41, 1 byte, to port 0x3f8 (serial0 (16550A))`; undefined for another exit. */
export function accessText(exit: Exit, machine: Machine): string | undefined {
  switch (exit.reason) {
    case 'io': {
      const { port, size, count, data, direction } = exit;
      const owner = machine.ports.ranges.find(({ base, length }) => port >= base && port < base + length);
      const where = `port 0x${port.toString(16)} (${owner?.device ?? 'no device'})`;
      const values = elements(data, size, Math.min(count, MOST_ELEMENTS)).join(' ') + (count > MOST_ELEMENTS ? ' ...' : '');
      return access(direction === 'out', values, count === 1 ? bytes(size) : `${count} elements of ${bytes(size)}`, where);
    }
    case 'mmio': {
      const { address, data, isWrite } = exit;
      const owner = machine.mmio.ranges.find(({ base, length }) => address >= base && address < base + length);
      const what = owner?.device ?? (machine.memory.chunkAt(address)?.kind === 'rom' ? 'ROM' : 'no device');
      return access(isWrite, elements(data, data.length, 1)[0], bytes(data.length), `guest-physical 0x${address.toString(16)} (${what})`);
    }
    case 'rdmsr':
    case 'wrmsr': {
      const { reason, index, value, failed } = exit;
      const name = `MSR ${describeMsr(index)}`;
      if (failed === true && reason === 'rdmsr') return `read ${name}, which KVM refuses: the guest gets a #GP`;
      return `${access(reason === 'wrmsr', `0x${value.toString(16)}`, undefined, name)}${failed === true ? ', which KVM refuses: the guest gets a #GP' : ''}`;
    }
    default:
      return undefined;
  }
}

function access(isWrite: boolean, value: string, size: string | undefined, where: string): string {
  return `${isWrite ? 'wrote' : 'read'} ${value}${size === undefined ? '' : `, ${size},`} ${isWrite ? 'to' : 'from'} ${where}`;
}

function bytes(size: number): string {
  return size === 1 ? '1 byte' : `${size} bytes`;
}

function elements(data: Uint8Array, size: number, count: number): string[] {
  return Array.from({ length: count }, (_, i) => {
    const value = data.subarray(i * size, (i + 1) * size).reduceRight((sum, byte) => (sum << 8n) | BigInt(byte), 0n);
    return `0x${value.toString(16)}`;
  });
}
