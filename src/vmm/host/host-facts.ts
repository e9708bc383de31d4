/**
 * What can be read about the host without KVM, for the explanation of why KVM does not work. A fact that cannot be
 * read is `undefined` and leads to no statement.
 */
import { closeSync, existsSync, openSync, readFileSync, readSync, readdirSync, statSync } from 'node:fs';

export interface DeviceNode {
  /** Permission bits, such as 0o660. */
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  /** Name of the group, from /etc/group. */
  readonly group?: string;
}

export interface HostFacts {
  /** Absent when there is no /dev/kvm. */
  readonly node?: DeviceNode;
  readonly uid: number;
  readonly inContainer: boolean;
  /** Flags of the first processor in /proc/cpuinfo. */
  readonly cpuFlags: ReadonlySet<string>;
  readonly vendor?: 'intel' | 'amd';
  /** CPUID.1:ECX[5] (VMX) or CPUID.8000_0001H:ECX[2] (SVM), whatever the kernel shows; needs the cpuid module. */
  readonly cpuidVirtualization?: boolean;
  /** IA32_FEATURE_CONTROL (SDM vol. 3, 24.7): needs root and the msr module. */
  readonly featureControl?: bigint;
  /** Names in /proc/modules. */
  readonly modules: ReadonlySet<string>;
}

function readText(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}

function readNode(path: string): DeviceNode | undefined {
  const stat = statSync(path, { throwIfNoEntry: false });
  if (stat === undefined) return undefined;
  const group = readText('/etc/group').split('\n').find((line) => line.split(':')[2] === String(stat.gid))?.split(':')[0];
  return { mode: stat.mode & 0o7777, uid: stat.uid, gid: stat.gid, ...(group !== undefined && { group }) };
}

/** Bytes of /dev/cpu/0/msr or /dev/cpu/0/cpuid at `position`, which is an MSR number or a CPUID leaf. */
function readCpuDevice(path: string, position: number, length: number): Buffer | undefined {
  try {
    const file = openSync(path, 'r');
    try {
      const bytes = Buffer.alloc(length);
      return readSync(file, bytes, 0, length, position) === length ? bytes : undefined;
    } finally {
      closeSync(file);
    }
  } catch {
    return undefined;
  }
}

function readVirtualizationBit(vendor: 'intel' | 'amd' | undefined): boolean | undefined {
  if (vendor === undefined) return undefined;
  const [leaf, bit] = vendor === 'intel' ? [1, 5] : [0x8000_0001, 2];
  const registers = readCpuDevice('/dev/cpu/0/cpuid', leaf, 16);
  return registers === undefined ? undefined : ((registers.readUInt32LE(8) >>> bit) & 1) === 1;
}

function isContainer(): boolean {
  return existsSync('/.dockerenv') || existsSync('/run/.containerenv') ||
    /docker|containerd|kubepods|lxc|podman/.test(readText('/proc/1/cgroup')) || readText('/proc/1/environ').includes('container=');
}

/** Reads the facts. Never throws. */
export function readHostFacts(): HostFacts {
  const cpuinfo = readText('/proc/cpuinfo');
  const vendor = /GenuineIntel/.test(cpuinfo) ? 'intel' : /AuthenticAMD|HygonGenuine/.test(cpuinfo) ? 'amd' : undefined;
  const loaded = readText('/proc/modules').split('\n').map((line) => line.split(' ')[0] ?? '').filter((name) => name !== '');
  // Built-in modules with parameters show here and not in /proc/modules.
  const builtIn = existsSync('/sys/module') ? readdirSync('/sys/module').filter((name) => name.startsWith('kvm')) : [];
  const node = readNode('/dev/kvm');
  const cpuidVirtualization = readVirtualizationBit(vendor);
  const featureControl = vendor === 'intel' ? readCpuDevice('/dev/cpu/0/msr', 0x3a, 8)?.readBigUInt64LE() : undefined;
  return {
    ...(node !== undefined && { node }),
    uid: process.getuid?.() ?? -1,
    inContainer: isContainer(),
    cpuFlags: new Set((/^flags\s*:\s*(.*)$/m.exec(cpuinfo)?.[1] ?? '').split(' ')),
    ...(vendor !== undefined && { vendor }),
    ...(cpuidVirtualization !== undefined && { cpuidVirtualization }),
    ...(featureControl !== undefined && { featureControl }),
    modules: new Set([...loaded, ...builtIn]),
  };
}
