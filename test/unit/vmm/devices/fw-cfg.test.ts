import test from 'tape';
import { busMaster } from '../../../../src/vmm/bus-master.js';
import { fwCfgItems } from '../../../../src/vmm/devices/fw-cfg-items.js';
import { FW_CFG_PORTS, FwCfg } from '../../../../src/vmm/devices/fw-cfg.js';
import { GuestMemory, ramLayout } from '../../../../src/vmm/guest-memory.js';
import { PortBus } from '../../../../src/vmm/port-bus.js';
import { fakeHost } from '../fake-memory.js';

const GIB = 1024 ** 3;
/** Behind RAM. */
const ROM = 1 << 20;

function bench(files?: ReadonlyMap<string, Uint8Array>) {
  const { allocator, vm } = fakeHost();
  const memory = new GuestMemory(allocator, vm);
  memory.addRam(1 << 20);
  memory.addRom(ROM, new Uint8Array(0x1000).fill(0x77));
  const config = { ram: ramLayout(5 * GIB), cpus: 3, serialConsole: 0x3f8, bootOrder: ['/a', '/b'], ...(files !== undefined && { files }) };
  const device = new FwCfg(fwCfgItems(config), busMaster(memory));
  const ports = new PortBus();
  ports.claim(device, 0x510, FW_CFG_PORTS);
  const read = (selector: number, length: number): Uint8Array => {
    ports.write(0x510, 2, selector);
    return Uint8Array.from({ length }, () => ports.read(0x511, 1));
  };
  /** Selector and size of a file, from the directory. */
  const find = (name: string): { selector: number; size: number } | undefined => {
    const count = new DataView(read(0x19, 4).buffer).getUint32(0);
    const directory = new DataView(read(0x19, 4 + 64 * count).buffer);
    for (let i = 0; i < count; i++) {
      const text = Buffer.from(directory.buffer, 4 + 64 * i + 8, 56).toString('latin1').replace(/\0.*$/s, '');
      if (text === name) return { size: directory.getUint32(4 + 64 * i), selector: directory.getUint16(4 + 64 * i + 4) };
    }
    return undefined;
  };
  const file = (name: string): Uint8Array | undefined => {
    const found = find(name);
    return found === undefined ? undefined : read(found.selector, found.size);
  };
  /** Runs a DMA descriptor at 0x1000; its control word afterwards. */
  const dma = (control: number, length: number, address: bigint): number => {
    const descriptor = new DataView(new ArrayBuffer(16));
    descriptor.setUint32(0, control);
    descriptor.setUint32(4, length);
    descriptor.setBigUint64(8, address);
    memory.write(0x1000, new Uint8Array(descriptor.buffer));
    ports.write(0x514, 4, 0);
    ports.write(0x518, 4, 0x0010_0000); // 0x1000, big endian
    return new DataView(memory.read(0x1000, 4).buffer).getUint32(0);
  };
  return { device, memory, ports, read, find, file, dma };
}

test('fw_cfg: items and files byte by byte', (t) => {
  const { read, file, find, ports } = bench();
  t.equal(Buffer.from(read(0, 4)).toString(), 'QEMU');
  t.deepEqual([...read(1, 4)], [3, 0, 0, 0], 'ports and DMA');
  t.equal(new DataView(read(3, 8).buffer).getBigUint64(0, true), BigInt(5 * GIB));
  t.deepEqual([...read(5, 3)], [3, 0, 0], 'processors, and zeros behind');
  t.deepEqual([...read(0x4242, 2)], [0, 0], 'no such item');
  const e820 = new DataView((file('etc/e820') ?? new Uint8Array()).buffer);
  t.equal(e820.byteLength, 60);
  t.deepEqual([0, 20, 40].map((at) => [e820.getBigUint64(at, true), e820.getBigUint64(at + 8, true), e820.getUint32(at + 16, true)]),
    [[0n, BigInt(3 * GIB), 1], [BigInt(4 * GIB), BigInt(2 * GIB), 1], [0xfeff_c000n, 0x4000n, 2]]);
  t.deepEqual([...file('etc/sercon-port') ?? []], [0xf8, 3]);
  t.equal(Buffer.from(file('bootorder') ?? []).toString(), '/a\n/b\0');
  t.equal(find('nothing'), undefined);
  t.equal(ports.read(0x510, 2), 0, 'the selector cannot be read');
  t.throws(() => fwCfgItems({ ram: [], cpus: 1, files: new Map([['x'.repeat(56), new Uint8Array()]]) }), /at most 55 bytes/);
  t.end();
});

test('fw_cfg: a kernel by its parts, and the boot menu', (t) => {
  const part = (address: bigint, text: string): { address: bigint; bytes: Uint8Array } => ({ address, bytes: new TextEncoder().encode(text) });
  const items = fwCfgItems({ ram: [], cpus: 1, bootMenu: true, kernel: { setup: part(0x1_0000n, 'setup'), kernel: part(0x10_0000n, 'kernel'), commandLine: part(0x1_e000n, 'a b\0') } });
  const text = (selector: number): string => Buffer.from(items.get(selector) ?? []).toString();
  const word = (selector: number): number => Buffer.from(items.get(selector) ?? []).readUInt32LE();
  t.deepEqual([text(0x11), text(0x12), text(0x15), text(0x18)], ['kernel', '', 'a b\0', 'setup']);
  t.deepEqual([0x08, 0x0b, 0x14, 0x17].map(word), [6, 0, 4, 5], 'sizes');
  t.deepEqual([0x07, 0x0a, 0x13, 0x16].map(word), [0x10_0000, 0, 0x1_e000, 0x1_0000], 'addresses');
  t.deepEqual([...items.get(0x0e) ?? []], [1, 0]);
  t.end();
});

test('fw_cfg: DMA', (t) => {
  const content = Uint8Array.from({ length: 0x1_8000 }, (_, i) => i * 7);
  const { memory, ports, find, dma, device } = bench(new Map([['opt/x', content]]));
  const selector = (find('opt/x')?.selector ?? 0) << 16;
  t.deepEqual([ports.read(0x514, 4), ports.read(0x518, 4)], [0x554d_4551, 0x4746_4320], 'signature QEMU CFG');
  t.equal(dma(selector | 0x08 | 0x02, 0x1_9000, 0x2000n), 0);
  t.deepEqual(memory.read(0x2000, 0x1_8000), content, 'a whole item');
  t.deepEqual(memory.read(0x1_a000, 0x1000), new Uint8Array(0x1000), 'zeros behind');
  t.equal(dma(selector | 0x08 | 0x04, 5, 0n), 0, 'skip');
  t.equal(dma(0x02, 3, 0x3000n), 0, 'read on');
  t.deepEqual([...memory.read(0x3000, 3)], [35, 42, 49]);
  t.equal(ports.read(0x511, 1), 56, 'and on by the port');
  t.deepEqual(memory.read(0x1000, 4), new Uint8Array(4), 'the descriptor says done');

  const before = memory.read(0, 1 << 20);
  t.equal(dma(selector | 0x08 | 0x02, 0x1000, 0xf_f800n), 1, 'on into a ROM');
  t.equal(dma(selector | 0x08 | 0x02, 0x100, BigInt(ROM)), 1, 'into a ROM');
  t.ok(memory.read(ROM, 0x1000).every((byte) => byte === 0x77), 'which stays as it is');
  t.equal(dma(selector | 0x08 | 0x02, 0x1000, BigInt(ROM + 0x1000)), 1, 'past the end of memory');
  t.equal(dma(selector | 0x08 | 0x02, 0xffff_ffff, 0n), 1, 'longer than memory');
  t.equal(dma(selector | 0x08 | 0x02, 1, 0xffff_ffff_ffff_ffffn), 1, 'no such address');
  t.equal(dma(selector | 0x08 | 0x10, 1, 0x3000n), 1, 'a write: items are read-only');
  t.equal(dma(0, 1, 0n), 0, 'nothing asked');
  ports.write(0x514, 4, 0xffff_ffff);
  ports.write(0x518, 4, 0xffff_ffff);
  t.deepEqual(memory.read(0x2000, 0x1000), before.subarray(0x2000, 0x3000), 'a descriptor in nothing changes nothing');

  dma(selector | 0x08 | 0x04, 7, 0n);
  const state = device.save();
  device.reset();
  device.restore(state);
  t.equal(ports.read(0x511, 1), 49, 'restored at its place');
  t.end();
});
