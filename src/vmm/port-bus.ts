/**
 * The I/O port bus: 64 Ki ports, each with at most one owner.
 *
 * A port nobody owns reads as all ones and swallows writes, as on a PC; it is counted, and logged the first time.
 */
import type { IoExit } from './exit.js';
import type { AccessSize, PortDevice } from './device.js';

const PORTS = 0x10000;

interface Claim {
  readonly device: PortDevice;
  readonly base: number;
  readonly length: number;
  readonly deviceOffset: number;
}

export interface PortRange {
  readonly base: number;
  readonly length: number;
  readonly device: string;
}

export class PortBus {
  readonly #owners: (Claim | undefined)[] = new Array<Claim | undefined>(PORTS);
  #claims: readonly Claim[] = [];
  readonly #unknown = new Map<number, number>();
  readonly #absent = new Set<number>();
  readonly #log: (text: string) => void;

  constructor(log: (text: string) => void = () => undefined) {
    this.#log = log;
  }

  /**
   * Gives `length` ports from `base` to `device`, which sees them as offsets from `deviceOffset` on (a chip with
   * scattered ports claims several times). Throws RangeError when a port is taken or does not exist.
   */
  claim(device: PortDevice, base: number, length: number, deviceOffset = 0): void {
    if (!Number.isInteger(base) || base < 0 || length < 1 || base + length > PORTS) {
      throw new RangeError(`${device.name} cannot have ports 0x${base.toString(16)}+${length}: ports are 0 to 0xffff.`);
    }
    for (let port = base; port < base + length; port++) {
      const owner = this.#owners[port];
      if (owner !== undefined) {
        throw new RangeError(`${device.name} cannot have port 0x${port.toString(16)}: ${owner.device.name} has it.`);
      }
    }
    const claim: Claim = { device, base, length, deviceOffset };
    this.#owners.fill(claim, base, base + length);
    this.#claims = [...this.#claims, claim];
  }

  /**
   * Moves all of `device` to `length` ports from `base`, as a base address register does; 0 takes it away. Where another device
   * has one of the ports it stays away, which is logged: the guest chose the address.
   */
  move(device: PortDevice, base: number, length: number): void {
    for (const claim of this.#claims.filter((known) => known.device === device)) this.#owners.fill(undefined, claim.base, claim.base + claim.length);
    this.#claims = this.#claims.filter((known) => known.device !== device);
    if (base === 0) return;
    try {
      this.claim(device, base, length);
    } catch (error) {
      this.#log((error as RangeError).message);
    }
  }

  /** Ports where guests look for hardware that need not be there: accesses are counted and not worth a sentence. */
  expectAbsent(base: number, length: number): void {
    for (let port = base; port < base + length; port++) this.#absent.add(port);
  }

  /** Who has which ports, in port order. */
  get ranges(): readonly PortRange[] {
    return this.#claims
      .map(({ base, length, device }) => ({ base, length, device: device.name }))
      .sort((a, b) => a.base - b.base);
  }

  /** Accesses to each port nobody owns. */
  get unknownPorts(): ReadonlyMap<number, number> {
    return this.#unknown;
  }

  /** Carries out an I/O exit: each element in order, to the same port (REP INS/OUTS), in blocks where the device takes them. */
  serve(exit: IoExit): void {
    const { port, size, count, data } = exit;
    if (size !== 1 && size !== 2 && size !== 4) throw new RangeError(`An I/O exit has ${size} bytes per element.`);
    if (data.length < size * count) throw new RangeError(`An I/O exit has ${data.length} bytes for ${count} elements of ${size}.`);
    for (let at = count > 1 ? this.#serveBlock(exit, size) : 0; at < size * count; at += size) {
      if (exit.direction === 'out') {
        this.write(port, size, littleEndian(data, at, size));
      } else {
        const value = this.read(port, size);
        for (let i = 0; i < size; i++) data[at + i] = value >>> (8 * i);
      }
    }
  }

  /** Bytes of a REP INS or OUTS that the device carried out in one call. */
  #serveBlock({ port, count, data, direction }: IoExit, size: AccessSize): number {
    const claim = this.#owners[port];
    if (claim === undefined || !takesWhole(claim, port, size)) return 0;
    const offset = port - claim.base + claim.deviceOffset;
    const bytes = data.subarray(0, size * count);
    const { device } = claim;
    return (direction === 'in' ? device.readPortBlock?.(offset, size, bytes) : device.writePortBlock?.(offset, size, bytes)) ?? 0;
  }

  read(port: number, size: AccessSize): number {
    const claim = this.#owners[port];
    if (claim !== undefined && takesWhole(claim, port, size)) {
      return mask(claim.device.readPort(port - claim.base + claim.deviceOffset, size), size);
    }
    if (size > 1 && this.#anyOwner(port, size)) {
      const half = (size / 2) as AccessSize;
      const low = this.read(port, half);
      return (low | (this.read(port + half, half) << (8 * half))) >>> 0;
    }
    this.#countUnknown(port, 'read', size);
    return mask(0xffffffff, size);
  }

  write(port: number, size: AccessSize, value: number): void {
    const claim = this.#owners[port];
    if (claim !== undefined && takesWhole(claim, port, size)) {
      claim.device.writePort(port - claim.base + claim.deviceOffset, size, mask(value, size));
    } else if (size > 1 && this.#anyOwner(port, size)) {
      const half = (size / 2) as AccessSize;
      this.write(port, half, mask(value, half));
      this.write(port + half, half, value >>> (8 * half));
    } else {
      this.#countUnknown(port, `write of 0x${mask(value, size).toString(16)}`, size);
    }
  }

  #anyOwner(port: number, size: number): boolean {
    for (let i = 0; i < size; i++) if (this.#owners[port + i] !== undefined) return true;
    return false;
  }

  #countUnknown(port: number, what: string, size: number): void {
    const seen = this.#unknown.get(port) ?? 0;
    this.#unknown.set(port, seen + 1);
    if (seen === 0 && !this.#absent.has(port)) this.#log(`no device at port 0x${port.toString(16)} (${what}, ${size} bytes); further ones are only counted`);
  }
}

function takesWhole(claim: Claim, port: number, size: number): boolean {
  return size <= claim.device.portWidth && port + size <= claim.base + claim.length;
}

function mask(value: number, size: number): number {
  return size === 4 ? value >>> 0 : value & (size === 2 ? 0xffff : 0xff);
}

function littleEndian(data: Uint8Array, at: number, size: number): number {
  let value = 0;
  for (let i = size - 1; i >= 0; i--) value = ((value << 8) | (data[at + i] ?? 0)) >>> 0;
  return value;
}
