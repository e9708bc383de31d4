/** The memory that a client means by an address: linear, as a stopped vCPU sees it, or guest-physical while it asked for that. */
import { TargetError, type LinearRegion, type PhysicalMemoryMode, type ThreadId } from '../target.js';
import type { GuestMemory } from '../vmm/guest-memory.js';
import type { LinearMemory } from './linear-memory.js';

const EFAULT = 14;

export class TargetMemory {
  constructor(
    private readonly memory: GuestMemory,
    private readonly physical: PhysicalMemoryMode,
    /** Throws TargetError while the machine runs. */
    private readonly linear: (thread: ThreadId) => LinearMemory,
  ) {}

  /** At most `length` bytes; short where memory ends, empty where there is none. */
  read(thread: ThreadId, address: bigint, length: number): Uint8Array {
    if (this.physical.enabled) return this.memory.read(address, length);
    return this.linear(thread).read(address, length);
  }

  /** Writes all of `bytes`, or nothing and throws TargetError. */
  write(thread: ThreadId, address: bigint, bytes: Uint8Array): void {
    const linear = this.linear(thread);
    if (!this.physical.enabled) return linear.write(address, bytes);
    if (!this.memory.contains(address, bytes.length)) {
      throw new TargetError(`There is no guest memory at all of guest-physical 0x${address.toString(16)}, ${bytes.length} bytes`, EFAULT);
    }
    this.memory.write(address, bytes);
  }

  /** Always of linear addresses: only lldb asks, and it knows no other. */
  region(thread: ThreadId, address: bigint): LinearRegion {
    return this.linear(thread).region(address);
  }
}
