/**
 * A CD-ROM drive on an IDE channel: the PACKET feature set (ATA/ATAPI-6, 8.23 and 9.8). A command comes as a packet of
 * 12 bytes; its data goes in blocks of at most as many bytes as the guest put into the LBA registers.
 */
import { savedNumber, type DeviceState } from '../../device.js';
import { CD_SECTOR, ImageError, type BlockImage } from '../../storage/block-image.js';
import { FIRMWARE_REVISION, IdentifyWords } from './identify-device.js';
import { ERROR_ABRT, IdeDrive, STATUS_ERR, type Direction } from './ide-drive.js';
import { UNREADABLE, type Sense } from './mmc-data.js';
import { MmcTarget, type MmcReply } from './mmc-target.js';
import { COUNT, DEVICE, DEVICE_DEV, FEATURES, LBA_HIGH, LBA_MID } from './task-file.js';

const PACKET_BYTES = 12;

/** Interrupt reason, in the count register: the guest sends the packet; it takes data; the command is over. */
const REASON_PACKET = 0x01, REASON_DATA_IN = 0x02, REASON_STATUS = 0x03;

/** Features of PACKET: data by DMA. */
const FEATURE_DMA = 0x01;

/** The signature of a packet device in the LBA registers (9.12). */
const SIGNATURE_MID = 0x14, SIGNATURE_HIGH = 0xeb;

/** What is still to be sent: bytes at hand, or of the disc. */
type Source = { readonly data: Uint8Array } | { readonly discOffset: number };

export class AtapiCdrom extends IdeDrive {
  readonly name: string;
  readonly #serial: string;
  readonly #image: BlockImage;
  readonly #target: MmcTarget;
  #phase: 'idle' | 'packet' | 'data' = 'idle';
  #source: Source | undefined;
  #sent = 0;
  #length = 0;
  /** Bytes in a block at most; even. */
  #limit = 0;

  /** `serial`: up to 20 characters. */
  constructor(image: BlockImage, serial: string) {
    super();
    this.name = image.name;
    this.#serial = serial;
    this.#image = image;
    this.#target = new MmcTarget(image);
    this.reset('hard');
  }

  protected resetDrive(hard: boolean): void {
    this.#phase = 'idle';
    this.task.setSignature(SIGNATURE_MID, SIGNATURE_HIGH);
    // By this, and not by the signature alone, a packet device is told from one that is ready for ATA commands (9.12).
    this.status = 0;
    if (hard) this.#target.reset();
  }

  protected execute(command: number): void {
    this.#phase = 'idle';
    switch (command) {
      case 0xa0: this.#packet(); break; // PACKET
      case 0xa1: // IDENTIFY PACKET DEVICE
        this.startBlock(this.#identify(), 'to-host');
        this.interrupt = true;
        break;
      case 0x08: this.#deviceReset(); break;
      case 0xef: // SET FEATURES: transfer modes of PIO only
        if (this.task.read(FEATURES) === 0x03 && this.task.read(COUNT) < 0x10) this.complete();
        else this.fail(ERROR_ABRT);
        break;
      case 0xe5: // CHECK POWER MODE: active
        this.task.write(COUNT, 0xff);
        this.complete();
        break;
      case 0xe0: case 0xe1: case 0xe2: case 0xe3: case 0xe6: // STANDBY, IDLE and SLEEP
        this.complete();
        break;
      case 0xec: case 0x20: // IDENTIFY DEVICE and READ SECTOR(S): aborted with the signature, by which hosts tell
        this.task.setSignature(SIGNATURE_MID, SIGNATURE_HIGH);
        this.fail(ERROR_ABRT);
        break;
      default: this.fail(ERROR_ABRT);
    }
  }

  protected blockDone(block: Uint8Array, _direction: Direction): void {
    if (this.#phase === 'packet') {
      this.#carryOut(this.#target.command(block));
    } else if (this.#phase === 'data') {
      this.#sent += block.length;
      if (this.#sent < this.#length) this.#sendBlock();
      else this.#end();
    }
  }

  /** DEVICE RESET (8.10): the drive stays selected, and nothing interrupts. */
  #deviceReset(): void {
    const device = this.task.read(DEVICE) & DEVICE_DEV;
    this.reset('soft');
    this.task.write(DEVICE, device);
  }

  #packet(): void {
    if ((this.task.read(FEATURES) & FEATURE_DMA) !== 0) {
      this.fail(ERROR_ABRT);
      return;
    }
    this.#limit = this.task.read(LBA_MID) | (this.task.read(LBA_HIGH) << 8);
    this.#phase = 'packet';
    this.task.write(COUNT, REASON_PACKET);
    this.startBlock(new Uint8Array(PACKET_BYTES), 'to-drive');
  }

  #carryOut(reply: MmcReply): void {
    switch (reply.kind) {
      case 'done': this.#end(); break;
      case 'check': this.#endWithCheck(reply.sense); break;
      case 'data': this.#send({ data: reply.bytes }, reply.bytes.length); break;
      case 'read': this.#send({ discOffset: reply.offset }, reply.length); break;
    }
  }

  #send(source: Source, length: number): void {
    // Zero bytes at a time would be for ever (8.23.3); 0xffff is taken for 0xfffe, and only a last block may be odd.
    if (this.#limit === 0 || (this.#limit === 1 && length > 1)) {
      this.#phase = 'idle';
      this.fail(ERROR_ABRT);
      return;
    }
    this.#phase = 'data';
    this.#source = source;
    this.#length = length;
    this.#sent = 0;
    this.#sendBlock();
  }

  #sendBlock(): void {
    const left = this.#length - this.#sent;
    let count = Math.min(left, this.#limit);
    if (count < left) count -= count % (count >= CD_SECTOR ? CD_SECTOR : 2);
    const block = this.#nextBytes(count);
    if (block === undefined) {
      this.#carryOut(this.#target.check(UNREADABLE));
      return;
    }
    this.task.write(COUNT, REASON_DATA_IN);
    this.task.write(LBA_MID, count & 0xff);
    this.task.write(LBA_HIGH, count >> 8);
    this.startBlock(block, 'to-host');
    this.interrupt = true;
  }

  #nextBytes(count: number): Uint8Array | undefined {
    const source = this.#source;
    if (source === undefined) return undefined;
    if ('data' in source) return source.data.subarray(this.#sent, this.#sent + count);
    const block = new Uint8Array(count);
    try {
      this.#image.read(source.discOffset + this.#sent, block);
      return block;
    } catch (error) {
      if (error instanceof ImageError) return undefined;
      throw error;
    }
  }

  #end(): void {
    this.#phase = 'idle';
    this.#source = undefined;
    this.task.write(COUNT, REASON_STATUS);
    this.complete();
  }

  #endWithCheck({ key }: Sense): void {
    this.#phase = 'idle';
    this.#source = undefined;
    this.task.write(COUNT, REASON_STATUS);
    this.fail((key << 4) | ERROR_ABRT, STATUS_ERR);
  }

  /** IDENTIFY PACKET DEVICE (8.16). */
  #identify(): Uint8Array {
    const words = new IdentifyWords();
    words.set(0, 0x85c0); // packet device, CD-ROM, removable, DRQ within 50 µs, packets of 12 bytes
    words.text(10, 20, this.#serial);
    words.text(23, 8, FIRMWARE_REVISION);
    words.text(27, 40, 'kvm-gdbserver CD-ROM');
    words.set(49, 0x0e00); // LBA, IORDY; no DMA
    words.set(50, 0x4000);
    words.set(53, 0x0002); // words 64–70 are valid
    words.set(64, 0x0003); // PIO modes 3 and 4
    words.set(67, 120);
    words.set(68, 120);
    words.set(80, 0x0070); // ATA/ATAPI-4, 5 and 6
    [0x4218, 0x4000, 0x4000, 0x4218, 0x0000, 0x4000].forEach((word, i) => words.set(82 + i, word)); // NOP, DEVICE RESET, PACKET, power
    return words.withChecksum();
  }

  protected saveDrive(): DeviceState {
    const source = this.#source;
    return {
      phase: this.#phase, sent: this.#sent, length: this.#length, limit: this.#limit,
      data: source !== undefined && 'data' in source ? [...source.data] : null,
      discOffset: source !== undefined && 'discOffset' in source ? source.discOffset : null,
      target: this.#target.save(),
    };
  }

  protected restoreDrive(state: DeviceState): void {
    this.#phase = state['phase'] as 'idle' | 'packet' | 'data';
    this.#sent = savedNumber(state, 'sent');
    this.#length = savedNumber(state, 'length');
    this.#limit = savedNumber(state, 'limit');
    const data = state['data'] as readonly number[] | null;
    if (data !== null) this.#source = { data: Uint8Array.from(data) };
    else this.#source = state['discOffset'] === null ? undefined : { discOffset: savedNumber(state, 'discOffset') };
    this.#target.restore(state['target'] as DeviceState);
  }
}
