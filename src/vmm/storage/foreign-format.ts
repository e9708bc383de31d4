/** Disk images in formats other than raw, told by their first bytes, so that a guest is not shown a container's header. */

interface Format {
  readonly name: string;
  readonly at: number;
  readonly magic: readonly number[];
}

const ascii = (text: string): number[] => [...Buffer.from(text, 'latin1')];

const FORMATS: readonly Format[] = [
  { name: 'qcow2', at: 0, magic: [...ascii('QFI'), 0xfb] }, // QEMU, docs/interop/qcow2
  { name: 'VMDK', at: 0, magic: ascii('KDMV') }, // VMware Virtual Disk Format 1.1, "Hosted Sparse Extent Header"
  { name: 'VMDK', at: 0, magic: ascii('# Disk DescriptorFile') },
  { name: 'VDI', at: 0x40, magic: [0x7f, 0x10, 0xda, 0xbe] }, // VirtualBox, VDICore.h: VDI_IMAGE_SIGNATURE
  { name: 'VHDX', at: 0, magic: ascii('vhdxfile') }, // MS-VHDX 2.2.1
  { name: 'dynamic VHD', at: 0, magic: ascii('conectix') }, // MS VHD specification: a copy of the footer comes first
];

/** The format's name, undefined for what can only be raw. `head` is the image's first sector, or what there is of it. */
export function foreignFormat(head: Uint8Array): string | undefined {
  return FORMATS.find(({ at, magic }) => magic.every((byte, i) => head[at + i] === byte))?.name;
}
