/**
 * What can be read about the host without KVM, for the explanation of why KVM does not work and for `doctor`. A fact
 * that cannot be read is absent and leads to no statement.
 */
import { existsSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { readCpuFacts, readText, type CpuFacts } from './cpu-facts.js';

export interface DeviceNode {
  /** Permission bits, such as 0o660. */
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  /** Name of the group, from /etc/group. */
  readonly group?: string;
  /** `MAJOR:MINOR` of a character device; absent for any other kind of file. KVM's is 10:232 (linux/miscdevice.h). */
  readonly device?: string;
}

export interface HostFacts extends CpuFacts {
  /** Absent when there is no /dev/kvm. */
  readonly node?: DeviceNode;
  readonly uid: number;
  /** RLIMIT_AS of this process in bytes; absent when there is none. */
  readonly addressSpaceLimit?: number;
  readonly inContainer: boolean;
  /** `uname -r`. */
  readonly kernel?: string;
  /** Names in /proc/modules, and KVM's own ones that are built into the kernel. */
  readonly modules: ReadonlySet<string>;
  /** Values of the KVM modules' parameters (/sys/module) by `MODULE.NAME`, such as `kvm_intel.ept`. */
  readonly parameters: ReadonlyMap<string, string>;
}

function readNode(root: string): DeviceNode | undefined {
  const stat = statSync(join(root, 'dev/kvm'), { throwIfNoEntry: false });
  if (stat === undefined) return undefined;
  const group = readText(join(root, 'etc/group')).split('\n').find((line) => line.split(':')[2] === String(stat.gid))?.split(':')[0];
  return {
    mode: stat.mode & 0o7777, uid: stat.uid, gid: stat.gid,
    ...(group !== undefined && { group }),
    ...(stat.isCharacterDevice() && { device: deviceNumber(stat.rdev) }),
  };
}

/** glibc's encoding of dev_t (sys/sysmacros.h), as far as 32 bits go. */
function deviceNumber(rdev: number): string {
  return `${(rdev >>> 8) & 0xfff}:${(rdev & 0xff) | ((rdev >>> 12) & 0xfff00)}`;
}

/** The soft limit in /proc/self/limits, whose columns are two or more spaces apart. */
function readAddressSpaceLimit(root: string): number | undefined {
  const limit = /^Max address space +(\d+) /m.exec(readText(join(root, 'proc/self/limits')))?.[1];
  return limit === undefined ? undefined : Number(limit);
}

function isContainer(root: string): boolean {
  return existsSync(join(root, '.dockerenv')) || existsSync(join(root, 'run/.containerenv')) ||
    /docker|containerd|kubepods|lxc|podman/.test(readText(join(root, 'proc/1/cgroup'))) ||
    /(^|\0)container=/.test(readText(join(root, 'proc/1/environ')));
}

function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}

/** Reads the facts below `root`, which only tests set. Never throws. */
export function readHostFacts(root = '/'): HostFacts {
  const loaded = readText(join(root, 'proc/modules')).split('\n').map((line) => line.split(' ')[0] ?? '').filter((name) => name !== '');
  // Built-in modules with parameters show here and not in /proc/modules.
  const kvmModules = namesIn(join(root, 'sys/module')).filter((name) => name.startsWith('kvm')).sort();
  const parameters = kvmModules.flatMap((module) => {
    const folder = join(root, 'sys/module', module, 'parameters');
    return namesIn(folder).sort().map((name) => [`${module}.${name}`, readText(join(folder, name)).trim()] as const);
  });
  const node = readNode(root);
  const addressSpaceLimit = readAddressSpaceLimit(root);
  const kernel = readText(join(root, 'proc/sys/kernel/osrelease')).trim();
  return {
    ...readCpuFacts(root),
    ...(node !== undefined && { node }),
    ...(kernel !== '' && { kernel }),
    ...(addressSpaceLimit !== undefined && { addressSpaceLimit }),
    uid: process.getuid?.() ?? -1,
    inContainer: isContainer(root),
    modules: new Set([...loaded, ...kvmModules]),
    parameters: new Map(parameters),
  };
}
