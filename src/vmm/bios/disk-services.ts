/** INT 13h: disks by CHS, and by LBA as the IBM/Microsoft extensions have them (Phoenix EDD 3.0, 5 and 8). */
import { diskGeometry, int13Geometry } from '../devices/ata/disk-geometry.js';
import type { Geometry } from '../devices/ata/task-file.js';
import type { GuestMemory } from '../guest-memory.js';
import type { BlockImage } from '../storage/block-image.js';
import type { BiosCall } from './bios-call.js';

const SECTOR = 512;
const FIRST_HARD_DISK = 0x80;
/** Sectors of one call: DMA cannot leave a 64 KiB segment. */
const MOST_SECTORS = 127;
const BDA_DISK_STATUS = 0x474;

const STATUS = { ok: 0x00, badCommand: 0x01, notFound: 0x04, writeProtected: 0x03, controllerFailed: 0x20, noDrive: 0x80 } as const;
type Status = (typeof STATUS)[keyof typeof STATUS];

export class DiskServices {
  private readonly geometries: ReadonlyMap<BlockImage, Geometry>;

  /** `disks`: 80h, 81h, … in this order. Throws ImageError when one cannot be read. */
  constructor(private readonly memory: GuestMemory, private readonly disks: readonly BlockImage[]) {
    this.geometries = new Map(disks.map((disk) => [disk, geometryOf(disk)]));
  }

  /** False for a function that is not there. */
  serve(call: BiosCall): boolean {
    const disk = this.disks[call.byte('dl') - FIRST_HARD_DISK];
    const ah = call.byte('ah');
    if (ah === 0x01) {
      call.setByte('ah', this.memory.readByte(BDA_DISK_STATUS) ?? 0);
      call.setCarry(call.byte('ah') !== STATUS.ok);
      return true;
    }
    if (disk === undefined) {
      // AH=15h answers "no such drive" with AH 0.
      if (ah === 0x15) call.setByte('ah', 0);
      this.finish(call, ah === 0x08 ? STATUS.badCommand : STATUS.noDrive, ah === 0x15);
      return true;
    }
    const status = this.run(call, ah, disk);
    if (status === undefined) {
      this.finish(call, STATUS.badCommand);
      return false;
    }
    this.finish(call, status, ah === 0x15 || ah === 0x41);
    return true;
  }

  private run(call: BiosCall, ah: number, disk: BlockImage): Status | undefined {
    switch (ah) {
      case 0x00: case 0x0d: case 0x10: case 0x11: return STATUS.ok;
      case 0x02: return this.byGeometry(call, disk, 'read');
      case 0x03: return this.byGeometry(call, disk, 'write');
      case 0x04: return this.byGeometry(call, disk, 'verify');
      case 0x08: return this.parameters(call, disk);
      case 0x0c: return STATUS.ok;
      case 0x15: return this.driveType(call, disk);
      case 0x41: return this.extensions(call);
      case 0x42: return this.byPacket(call, disk, 'read');
      case 0x43: return this.byPacket(call, disk, 'write');
      case 0x44: return this.byPacket(call, disk, 'verify');
      case 0x47: return STATUS.ok;
      case 0x48: return this.extendedParameters(call, disk);
      case 0x4b: return STATUS.badCommand; // no disk here is a CD-ROM's emulation
      default: return undefined;
    }
  }

  private byGeometry(call: BiosCall, disk: BlockImage, what: 'read' | 'write' | 'verify'): Status {
    const { heads, sectors, cylinders } = this.geometry(disk);
    const cylinder = call.byte('ch') | ((call.byte('cl') & 0xc0) << 2);
    const sector = call.byte('cl') & 0x3f;
    const head = call.byte('dh');
    const count = call.byte('al');
    if (sector === 0 || sector > sectors || head >= heads || cylinder >= cylinders || count === 0) {
      call.setByte('al', 0);
      return count === 0 ? STATUS.badCommand : STATUS.notFound;
    }
    const lba = (cylinder * heads + head) * sectors + sector - 1;
    const status = this.transfer(disk, what, lba, count, call.address('es', call.word('bx')));
    if (status !== STATUS.ok) call.setByte('al', 0);
    return status;
  }

  /** The disk address packet at DS:SI: size, 0, count, offset, segment, LBA of 64 bits. */
  private byPacket(call: BiosCall, disk: BlockImage, what: 'read' | 'write' | 'verify'): Status {
    const at = call.address('ds', call.word('si'));
    const bytes = this.memory.read(at, 16);
    if (bytes.length < 16 || bytes[0] < 16) return STATUS.badCommand;
    const view = new DataView(bytes.buffer, bytes.byteOffset, 16);
    const count = view.getUint16(2, true);
    const target = view.getUint16(4, true) + 16 * view.getUint16(6, true);
    const lba = view.getBigUint64(8, true);
    const status = count > MOST_SECTORS ? STATUS.badCommand
      : lba > BigInt(Number.MAX_SAFE_INTEGER) ? STATUS.notFound : this.transfer(disk, what, Number(lba), count, target);
    if (status !== STATUS.ok) this.memory.write(at + 2, Uint8Array.of(0, 0));
    return status;
  }

  private transfer(disk: BlockImage, what: 'read' | 'write' | 'verify', lba: number, count: number, target: number): Status {
    const length = count * SECTOR;
    if (lba * SECTOR + length > disk.size) return STATUS.notFound;
    if (what === 'verify') return STATUS.ok;
    if (!this.memory.contains(target, length)) return STATUS.badCommand;
    if (what === 'write' && disk.readOnly) return STATUS.writeProtected;
    try {
      if (what === 'write') {
        disk.write(lba * SECTOR, this.memory.read(target, length));
      } else {
        const bytes = new Uint8Array(length);
        disk.read(lba * SECTOR, bytes);
        this.memory.write(target, bytes);
      }
    } catch {
      return STATUS.controllerFailed; // the image has said why
    }
    return STATUS.ok;
  }

  private parameters(call: BiosCall, disk: BlockImage): Status {
    const { cylinders, heads, sectors } = this.geometry(disk);
    const last = cylinders - 1;
    call.setWord('cx', ((last & 0xff) << 8) | ((last >> 8) << 6) | sectors);
    call.setWord('dx', ((heads - 1) << 8) | this.disks.length);
    call.setByte('bl', 0);
    return STATUS.ok;
  }

  private driveType(call: BiosCall, disk: BlockImage): Status {
    const sectors = Math.min(disk.size / SECTOR, 0xffff_ffff);
    call.setByte('ah', 3);
    call.setWord('cx', Math.floor(sectors / 0x1_0000));
    call.setWord('dx', sectors % 0x1_0000);
    return STATUS.ok;
  }

  /** Version 3.0, with the packet functions. */
  private extensions(call: BiosCall): Status | undefined {
    if (call.word('bx') !== 0x55aa) return undefined;
    call.setWord('bx', 0xaa55);
    call.setByte('ah', 0x30);
    call.setWord('cx', 1);
    return STATUS.ok;
  }

  private extendedParameters(call: BiosCall, disk: BlockImage): Status {
    const at = call.address('ds', call.word('si'));
    const room = this.memory.read(at, 2);
    if (room.length < 2 || (room[0] | (room[1] << 8)) < 26) return STATUS.badCommand;
    const { cylinders, heads, sectors } = this.geometry(disk);
    const answer = new DataView(new ArrayBuffer(26));
    answer.setUint16(0, 26, true);
    answer.setUint16(2, 2, true); // the geometry is valid
    [cylinders, heads, sectors].forEach((value, i) => answer.setUint32(4 + 4 * i, value, true));
    answer.setBigUint64(16, BigInt(disk.size / SECTOR), true);
    answer.setUint16(24, SECTOR, true);
    if (!this.memory.contains(at, 26)) return STATUS.badCommand;
    this.memory.write(at, new Uint8Array(answer.buffer));
    return STATUS.ok;
  }

  private geometry(disk: BlockImage): Geometry {
    return this.geometries.get(disk) ?? geometryOf(disk);
  }

  /** AH and carry; `keepsAh`: the function has its own answer in AH. */
  private finish(call: BiosCall, status: Status, keepsAh = false): void {
    this.memory.writeByte(BDA_DISK_STATUS, status);
    if (!keepsAh) call.setByte('ah', status);
    call.setCarry(status !== STATUS.ok);
  }
}

/** The one that SeaBIOS shows, too. */
function geometryOf(disk: BlockImage): Geometry {
  const first = new Uint8Array(SECTOR);
  disk.read(0, first);
  const sectors = disk.size / SECTOR;
  return int13Geometry(diskGeometry(sectors, first), sectors);
}
