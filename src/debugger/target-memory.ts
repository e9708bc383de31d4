/**
 * The memory that a client means by an address: linear, as a vCPU that is not in the guest sees it, or guest-physical while it asked
 * for that. Patches that stand for threads that run are never seen.
 */
import { TargetError, type LinearRegion, type PhysicalMemoryMode, type ThreadId } from '../target.js';
import type { GuestMemory } from '../vmm/guest-memory.js';
import type { CpuView } from './cpu-view.js';

const EFAULT = 14;

export interface TargetMemoryOptions {
  readonly memory: GuestMemory;
  readonly physical: PhysicalMemoryMode;
  /** Throws TargetError while the thread is in the guest. */
  readonly view: (thread: ThreadId) => CpuView;
  /** Throws TargetError while any is. */
  readonly checkStanding: () => void;
}

export class TargetMemory {
  constructor(private readonly options: TargetMemoryOptions) {}

  /** At most `length` bytes; short where memory ends, empty where there is none. Can be guest memory itself: to be looked at at once. */
  read(thread: ThreadId, address: bigint, length: number): Uint8Array {
    const { memory, physical, view } = this.options;
    return physical.enabled ? memory.peek(address, length) : view(thread).memory.peek(address, length);
  }

  /** Writes all of `bytes`, or nothing and throws TargetError. No vCPU may be in the guest: a patch could stand there. */
  write(thread: ThreadId, address: bigint, bytes: Uint8Array): void {
    const { memory, physical, view, checkStanding } = this.options;
    checkStanding();
    const linear = view(thread).memory;
    if (!physical.enabled) return linear.write(address, bytes);
    if (!memory.contains(address, bytes.length)) {
      throw new TargetError(`There is no guest memory at all of guest-physical 0x${address.toString(16)}, ${bytes.length} bytes`, EFAULT);
    }
    memory.write(address, bytes);
  }

  /** Always of linear addresses: only lldb asks, and it knows no other. */
  region(thread: ThreadId, address: bigint): LinearRegion {
    return this.options.view(thread).memory.region(address);
  }
}
