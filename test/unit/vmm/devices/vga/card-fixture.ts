/** A video card over guest memory without KVM, and its ports as a program reaches them. */
import { VideoCard } from '../../../../../src/vmm/devices/vga/video-card.js';
import { setStandardMode, standardMode } from '../../../../../src/vmm/devices/vga/standard-modes.js';
import { GuestMemory } from '../../../../../src/vmm/guest-memory.js';
import { MmioBus } from '../../../../../src/vmm/mmio-bus.js';
import { PortBus } from '../../../../../src/vmm/port-bus.js';
import { fakeHost } from '../../fake-memory.js';

export interface TestCard {
  readonly card: VideoCard;
  readonly memory: GuestMemory;
  readonly ports: PortBus;
  readonly said: string[];
  readonly out: (port: number, ...values: number[]) => void;
  /** Writes through an index and a data port. */
  readonly set: (port: number, index: number, value: number) => void;
  readonly dispi: (index: number, value: number) => void;
  readonly mode: (number: number) => void;
  /** As the guest's processor: plain memory where that is shown, else the card. */
  readonly poke: (gpa: number, ...bytes: number[]) => void;
  readonly peek: (gpa: number) => number;
}

export function testCard(): TestCard {
  const { allocator, vm } = fakeHost();
  const memory = new GuestMemory(allocator, vm);
  memory.addRam(4 << 20);
  const said: string[] = [];
  const ports = new PortBus((text) => said.push(text));
  const mmio = new MmioBus((text) => said.push(text));
  const card = new VideoCard(memory, ports, mmio, (text) => said.push(text));
  for (const device of card.devices) device.reset();
  const out = (port: number, ...values: number[]): void => { for (const value of values) ports.write(port, 1, value); };
  const access = (gpa: number, data: Uint8Array, isWrite: boolean): void =>
    mmio.serve({ reason: 'mmio', address: BigInt(gpa), data, isWrite });
  return {
    card, memory, ports, said, out,
    set: (port, index, value) => ports.write(port, 2, index | (value << 8)),
    dispi: (index, value) => {
      ports.write(0x1ce, 2, index);
      ports.write(0x1cf, 2, value);
    },
    mode: (number) => {
      const mode = standardMode(number);
      if (mode === undefined) throw new Error(`no mode ${number}`);
      setStandardMode(card.vga, mode);
    },
    poke: (gpa, ...bytes) => bytes.forEach((byte, i) => {
      if (!memory.writeByte(gpa + i, byte)) access(gpa + i, Uint8Array.of(byte), true);
    }),
    peek: (gpa) => {
      const data = new Uint8Array(1);
      const known = memory.readByte(gpa);
      if (known === undefined) access(gpa, data, false);
      return known ?? data[0];
    },
  };
}
