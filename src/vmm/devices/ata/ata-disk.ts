/**
 * An ATA hard disk (ATA/ATAPI-6, 8): PIO commands with CHS, 28- and 48-bit addresses. There is no DMA, and IDENTIFY
 * DEVICE says so. Commands that are not here are aborted, as the standard wants it.
 */
import { savedNumber, type DeviceState } from '../../device.js';
import { DISK_SECTOR, ImageError, type BlockImage } from '../../storage/block-image.js';
import { diskGeometry, type DiskGeometry } from './disk-geometry.js';
import { identifyDevice } from './identify-device.js';
import { ERROR_ABRT, ERROR_IDNF, ERROR_UNC, IdeDrive, STATUS_DF, STATUS_ERR, type Direction } from './ide-drive.js';
import { CHUNK, ReadAhead, UnreadableSector } from './read-ahead.js';
import { COUNT, DEVICE, FEATURES, type Addressing, type Geometry } from './task-file.js';

const MAXIMUM_MULTIPLE = 16;

/** SET FEATURES: write cache on and off, look-ahead on and off, power management, keeping settings over a reset (8.46). */
const WRITE_CACHE_ON = 0x02, WRITE_CACHE_OFF = 0x82, SET_TRANSFER_MODE = 0x03;
const IGNORED_FEATURES: readonly number[] = [0x05, 0x85, 0x55, 0xaa, 0x66, 0xcc];

/** The rest of a command that moves sectors. */
interface Transfer {
  readonly addressing: Addressing;
  /** Sectors in a block: one, or what SET MULTIPLE MODE said. */
  readonly blockSectors: number;
  /** Of the block that the host is moving. */
  lba: number;
  /** Sectors from `lba` on. */
  remaining: number;
}

export class AtaDisk extends IdeDrive {
  readonly name: string;
  readonly sectorCount: number;
  readonly geometry: DiskGeometry;
  readonly #serial: string;
  readonly #image: BlockImage;
  readonly #ahead: ReadAhead;
  #currentGeometry: Geometry;
  #multiple = 0;
  #writeCache = true;
  #transfer: Transfer | undefined;

  /** `serial`: up to 20 characters. Reads the image's first sector for the geometry; throws ImageError. */
  constructor(image: BlockImage, serial: string) {
    super();
    this.name = image.name;
    this.#image = image;
    this.#serial = serial;
    this.#ahead = new ReadAhead(image);
    this.sectorCount = image.size / DISK_SECTOR;
    const mbr = new Uint8Array(DISK_SECTOR);
    image.read(0, mbr);
    this.geometry = this.#currentGeometry = diskGeometry(this.sectorCount, mbr);
    this.reset('hard');
  }

  protected resetDrive(hard: boolean): void {
    this.task.setSignature(0, 0);
    this.#multiple = 0;
    this.#transfer = undefined;
    if (!hard) return;
    this.#currentGeometry = this.geometry;
    this.#writeCache = true;
  }

  protected execute(command: number): void {
    this.#transfer = undefined;
    this.#ahead.drop();
    const chsOrLba = this.task.addressing;
    switch (command) {
      case 0x20: case 0x21: this.#read(chsOrLba, 1); break; // READ SECTOR(S)
      case 0x24: this.#read('lba48', 1); break; // READ SECTOR(S) EXT
      case 0xc4: this.#read(chsOrLba, this.#multiple); break; // READ MULTIPLE
      case 0x29: this.#read('lba48', this.#multiple); break; // READ MULTIPLE EXT
      case 0x30: case 0x31: case 0x3c: this.#write(chsOrLba, 1); break; // WRITE SECTOR(S), WRITE VERIFY
      case 0x34: this.#write('lba48', 1); break; // WRITE SECTOR(S) EXT
      case 0xc5: this.#write(chsOrLba, this.#multiple); break; // WRITE MULTIPLE
      case 0x39: this.#write('lba48', this.#multiple); break; // WRITE MULTIPLE EXT
      case 0x40: case 0x41: this.#verify(chsOrLba); break; // READ VERIFY SECTOR(S)
      case 0x42: this.#verify('lba48'); break; // READ VERIFY SECTOR(S) EXT
      case 0x70: this.#seek(); break; // SEEK
      case 0x91: this.#initializeParameters(); break; // INITIALIZE DEVICE PARAMETERS
      case 0xc6: this.#setMultiple(); break; // SET MULTIPLE MODE
      case 0xe7: case 0xea: this.#flush(); break; // FLUSH CACHE, FLUSH CACHE EXT
      case 0xec: this.#identify(); break; // IDENTIFY DEVICE
      case 0xef: this.#setFeatures(); break; // SET FEATURES
      case 0xe5: case 0x98: // CHECK POWER MODE: active
        this.task.write(COUNT, 0xff);
        this.complete();
        break;
      case 0x94: case 0x95: case 0x96: case 0x97: case 0x99: // STANDBY, IDLE and SLEEP of old
      case 0xe0: case 0xe1: case 0xe2: case 0xe3: case 0xe6:
        this.complete();
        break;
      default:
        if ((command & 0xf0) === 0x10) this.complete(); // RECALIBRATE
        else this.fail(ERROR_ABRT);
    }
  }

  protected blockDone(block: Uint8Array, direction: Direction): void {
    const transfer = this.#transfer;
    if (transfer === undefined) return; // IDENTIFY DEVICE: one block
    const moved = block.length / DISK_SECTOR;
    if (direction === 'to-drive' && !this.#writeBlock(transfer, block)) return;
    transfer.lba += moved;
    transfer.remaining -= moved;
    if (transfer.remaining === 0) this.#endTransfer(transfer, direction);
    else if (direction === 'to-host') this.#startRead(transfer);
    else this.#startWrite(transfer, true);
  }

  /** The range a command asks for, or undefined when the command has ended with an error for it. */
  #range(addressing: Addressing, blockSectors: number): Transfer | undefined {
    const lba = this.task.address(addressing, this.#currentGeometry);
    const remaining = this.task.count(addressing);
    if (blockSectors === 0) this.fail(ERROR_ABRT); // READ or WRITE MULTIPLE without SET MULTIPLE MODE
    else if (lba === undefined || lba >= this.sectorCount) this.fail(ERROR_IDNF);
    else return { addressing, blockSectors, lba, remaining };
    return undefined;
  }

  #read(addressing: Addressing, blockSectors: number): void {
    this.#transfer = this.#range(addressing, blockSectors);
    if (this.#transfer !== undefined) this.#startRead(this.#transfer);
  }

  #startRead(transfer: Transfer): void {
    const { lba, remaining, blockSectors } = transfer;
    const onDisk = Math.min(remaining, this.sectorCount - lba);
    const count = Math.min(blockSectors, onDisk);
    if (count === 0) {
      this.#failAt(transfer, lba, ERROR_IDNF);
      return;
    }
    try {
      this.startBlock(this.#ahead.sectors(lba, count, onDisk), 'to-host');
      this.interrupt = true;
    } catch (error) {
      if (!(error instanceof UnreadableSector)) throw error;
      this.#failAt(transfer, error.lba, ERROR_UNC);
    }
  }

  #write(addressing: Addressing, blockSectors: number): void {
    const transfer = this.#range(addressing, blockSectors);
    if (transfer === undefined) return;
    if (this.#image.readOnly) {
      this.fail(ERROR_ABRT);
      return;
    }
    this.#transfer = transfer;
    this.#startWrite(transfer, false);
  }

  /** The first block of a write is asked for without an interrupt (9.6). */
  #startWrite(transfer: Transfer, interrupt: boolean): void {
    const count = Math.min(transfer.blockSectors, transfer.remaining, this.sectorCount - transfer.lba);
    if (count === 0) {
      this.#failAt(transfer, transfer.lba, ERROR_IDNF);
      return;
    }
    this.startBlock(new Uint8Array(count * DISK_SECTOR), 'to-drive');
    if (interrupt) this.interrupt = true;
  }

  #writeBlock(transfer: Transfer, block: Uint8Array): boolean {
    try {
      this.#image.write(transfer.lba * DISK_SECTOR, block);
      if (!this.#writeCache) this.#image.flush();
      return true;
    } catch (error) {
      if (!(error instanceof ImageError)) throw error;
      // The standard has no bit for a write that failed; a device fault is what drives report when nothing helps.
      this.#failAt(transfer, transfer.lba, ERROR_ABRT, STATUS_ERR | STATUS_DF);
      return false;
    }
  }

  #verify(addressing: Addressing): void {
    const transfer = this.#range(addressing, 1);
    if (transfer === undefined) return;
    const end = Math.min(transfer.lba + transfer.remaining, this.sectorCount);
    try {
      for (let lba = transfer.lba; lba < end; lba += CHUNK) this.#ahead.sectors(lba, Math.min(CHUNK, end - lba), end - lba);
    } catch (error) {
      if (!(error instanceof UnreadableSector)) throw error;
      this.#failAt(transfer, error.lba, ERROR_UNC);
      return;
    }
    if (end < transfer.lba + transfer.remaining) this.#failAt(transfer, end, ERROR_IDNF);
    else this.complete();
  }

  #endTransfer(transfer: Transfer, direction: Direction): void {
    this.#transfer = undefined;
    this.task.report(transfer.addressing, this.#currentGeometry, transfer.lba - 1, 0);
    // A read's last interrupt was that of its last block.
    if (direction === 'to-drive') this.complete();
  }

  #failAt(transfer: Transfer, lba: number, error: number, status = STATUS_ERR): void {
    this.#transfer = undefined;
    this.task.report(transfer.addressing, this.#currentGeometry, lba, transfer.remaining - (lba - transfer.lba));
    this.fail(error, status);
  }

  #seek(): void {
    if (this.#range(this.task.addressing, 1) !== undefined) this.complete();
  }

  #initializeParameters(): void {
    const sectors = this.task.read(COUNT);
    const heads = (this.task.read(DEVICE) & 0x0f) + 1;
    if (sectors === 0) {
      this.fail(ERROR_ABRT);
      return;
    }
    const cylinders = Math.min(0xffff, Math.floor(this.sectorCount / (heads * sectors)));
    this.#currentGeometry = { cylinders, heads, sectors };
    this.complete();
  }

  #setMultiple(): void {
    const count = this.task.read(COUNT);
    if (count > MAXIMUM_MULTIPLE || (count & (count - 1)) !== 0) {
      this.fail(ERROR_ABRT);
      return;
    }
    this.#multiple = count; // 0 turns it off
    this.complete();
  }

  #flush(): void {
    try {
      this.#image.flush();
      this.complete();
    } catch (error) {
      if (!(error instanceof ImageError)) throw error;
      this.fail(ERROR_ABRT, STATUS_ERR | STATUS_DF);
    }
  }

  #setFeatures(): void {
    const feature = this.task.read(FEATURES);
    if (feature === WRITE_CACHE_ON || feature === WRITE_CACHE_OFF) this.#writeCache = feature === WRITE_CACHE_ON;
    // PIO default (00000b) and flow control (00001b) modes only.
    else if (feature === SET_TRANSFER_MODE ? this.task.read(COUNT) >= 0x10 : !IGNORED_FEATURES.includes(feature)) {
      this.fail(ERROR_ABRT);
      return;
    }
    this.complete();
  }

  #identify(): void {
    this.startBlock(identifyDevice({
      serial: this.#serial, sectorCount: this.sectorCount, geometry: this.geometry, currentGeometry: this.#currentGeometry,
      multiple: this.#multiple, maximumMultiple: MAXIMUM_MULTIPLE, writeCache: this.#writeCache,
    }), 'to-host');
    this.interrupt = true;
  }

  protected saveDrive(): DeviceState {
    const { cylinders, heads, sectors } = this.#currentGeometry;
    return {
      cylinders, heads, sectors, multiple: this.#multiple, writeCache: this.#writeCache,
      transfer: this.#transfer === undefined ? null : { ...this.#transfer }, image: this.#image.save(),
    };
  }

  protected restoreDrive(state: DeviceState): void {
    this.#currentGeometry = {
      cylinders: savedNumber(state, 'cylinders'), heads: savedNumber(state, 'heads'), sectors: savedNumber(state, 'sectors'),
    };
    this.#multiple = savedNumber(state, 'multiple');
    this.#writeCache = state['writeCache'] === true;
    this.#transfer = state['transfer'] === null ? undefined : { ...(state['transfer'] as unknown as Transfer) };
    this.#ahead.drop();
    this.#image.restore(state['image'] as DeviceState);
  }
}
