/**
 * The CD-ROM drive behind the packets (MMC-3, SPC-3): takes a command descriptor block and says what is to be sent, or
 * why not. It knows nothing of ATA. The disc is in the drive from the start; the guest may eject it and load it again.
 */
import { savedNumber, type DeviceState } from '../../device.js';
import { CD_SECTOR, type BlockImage } from '../../storage/block-image.js';
import { FIRMWARE_REVISION } from './identify-device.js';
import {
  BEYOND_THE_END, DISC_CHANGED, INVALID_FIELD, NO_SENSE, TRAY_LOCKED, TRAY_OPEN, UNKNOWN_COMMAND, be16, be32, configuration,
  discInformation, inquiryData, mediaEvent, modePages, noEvent, senseData, sessionInformation, tableOfContents, type Sense,
} from './mmc-data.js';

export type MmcReply =
  | { readonly kind: 'done' }
  | { readonly kind: 'data'; readonly bytes: Uint8Array }
  /** Bytes of the disc. */
  | { readonly kind: 'read'; readonly offset: number; readonly length: number }
  | { readonly kind: 'check'; readonly sense: Sense };

const DONE: MmcReply = { kind: 'done' };
const MEDIA_CLASS = 0x10;
const EVENT_NONE = 0, EVENT_NEW_MEDIUM = 2, EVENT_REMOVAL = 3;

/** These tell of themselves whether the disc was changed, or must not use the news up (MMC-3, 4.1.6). */
const WITHOUT_ATTENTION: readonly number[] = [0x03, 0x12, 0x46, 0x4a];

export class MmcTarget {
  readonly #image: BlockImage;
  /** Sectors of 2048 bytes. */
  readonly #sectors: number;
  #sense: Sense = NO_SENSE;
  #attention = false;
  #trayOpen = false;
  #locked = false;
  #event = EVENT_NONE;

  constructor(image: BlockImage) {
    this.#image = image;
    this.#sectors = image.size / CD_SECTOR;
  }

  /** After power-on: the tray is closed and nothing is to be told. A soft reset changes none of that. */
  reset(): void {
    this.#sense = NO_SENSE;
    this.#attention = this.#trayOpen = this.#locked = false;
    this.#event = EVENT_NONE;
  }

  /** Carries out `packet`, 12 bytes. A check keeps its sense data for REQUEST SENSE. */
  command(packet: Uint8Array): MmcReply {
    const opcode = packet[0];
    if (this.#attention && !WITHOUT_ATTENTION.includes(opcode)) {
      this.#attention = false;
      return this.check(DISC_CHANGED);
    }
    const reply = this.#carryOut(opcode, packet, new DataView(packet.buffer, packet.byteOffset, packet.length));
    if (reply.kind !== 'check' && opcode !== 0x03) this.#sense = NO_SENSE;
    return reply;
  }

  /** Ends a command with `sense`. */
  check(sense: Sense): MmcReply {
    this.#sense = sense;
    return { kind: 'check', sense };
  }

  #carryOut(opcode: number, packet: Uint8Array, view: DataView): MmcReply {
    switch (opcode) {
      case 0x00: return this.#withDisc(() => DONE); // TEST UNIT READY
      case 0x03: return this.#requestSense(packet[4]);
      case 0x12: // INQUIRY; there are no vital product data pages
        return this.#sendOrRefuse((packet[1] & 1) === 0 ? inquiryData(FIRMWARE_REVISION) : undefined, packet[4]);
      case 0x1b: return this.#startStop(packet[4]); // START STOP UNIT
      case 0x1e: // PREVENT ALLOW MEDIUM REMOVAL
        this.#locked = (packet[4] & 1) !== 0;
        return DONE;
      case 0x25: // READ CAPACITY
        return this.#withDisc(() => this.#send([...be32(this.#sectors - 1), ...be32(CD_SECTOR)], 8));
      case 0x28: return this.#read(view.getUint32(2), view.getUint16(7)); // READ (10)
      case 0xa8: return this.#read(view.getUint32(2), view.getUint32(6)); // READ (12)
      case 0xbe: return this.#readCd(packet, view);
      case 0x2b: return this.#withDisc(() => view.getUint32(2) < this.#sectors ? DONE : this.check(BEYOND_THE_END)); // SEEK (10)
      case 0x43: return this.#withDisc(() => this.#readToc(packet, view.getUint16(7)));
      case 0x46: // GET CONFIGURATION
        return this.#send(configuration(this.#trayOpen ? 0 : this.#sectors, packet[1] & 3, view.getUint16(2)), view.getUint16(7));
      case 0x4a: return this.#getEvent(packet, view.getUint16(7));
      case 0x51: return this.#withDisc(() => this.#send(discInformation(), view.getUint16(7))); // READ DISC INFORMATION
      case 0x5a: return this.#sendOrRefuse(modePages(packet[2] & 0x3f, this.#locked, !this.#trayOpen), view.getUint16(7)); // MODE SENSE (10)
      case 0xbb: return DONE; // SET CD SPEED
      case 0xbd: return this.#send([0, 0, 0, 0, 0, 0, ...be16(0)], view.getUint16(8)); // MECHANISM STATUS: no changer
      default: return this.check(UNKNOWN_COMMAND);
    }
  }

  #withDisc(action: () => MmcReply): MmcReply {
    return this.#trayOpen ? this.check(TRAY_OPEN) : action();
  }

  /** Data that the guest leaves `room` bytes for. */
  #send(bytes: readonly number[], room: number): MmcReply {
    const length = Math.min(bytes.length, room);
    return length === 0 ? DONE : { kind: 'data', bytes: Uint8Array.from(bytes.slice(0, length)) };
  }

  #sendOrRefuse(bytes: readonly number[] | undefined, room: number): MmcReply {
    return bytes === undefined ? this.check(INVALID_FIELD) : this.#send(bytes, room);
  }

  #requestSense(room: number): MmcReply {
    const sense = this.#attention ? DISC_CHANGED : this.#sense;
    this.#attention = false;
    this.#sense = NO_SENSE;
    return this.#send(senseData(sense), room);
  }

  #read(lba: number, count: number): MmcReply {
    return this.#withDisc(() => {
      if (lba + count > this.#sectors) return this.check(BEYOND_THE_END);
      return count === 0 ? DONE : { kind: 'read', offset: lba * CD_SECTOR, length: count * CD_SECTOR };
    });
  }

  /** Only the 2048 bytes of user data: an image has no headers and no error correction. */
  #readCd(packet: Uint8Array, view: DataView): MmcReply {
    const parts = packet[9] & 0xf8;
    const count = view.getUint32(5) & 0xffffff;
    if (parts === 0) return this.#read(view.getUint32(2), 0);
    return parts === 0x10 && packet[10] === 0 ? this.#read(view.getUint32(2), count) : this.check(INVALID_FIELD);
  }

  #readToc(packet: Uint8Array, room: number): MmcReply {
    const msf = (packet[1] & 2) !== 0;
    // SFF-8020 drivers give the format in the top bits of the last byte.
    const format = (packet[2] & 0x0f) || packet[9] >> 6;
    if (format === 0) return this.#sendOrRefuse(tableOfContents(this.#sectors, packet[6], msf), room);
    return this.#sendOrRefuse(format === 1 ? sessionInformation(msf) : undefined, room);
  }

  #getEvent(packet: Uint8Array, room: number): MmcReply {
    if ((packet[1] & 1) === 0) return this.check(INVALID_FIELD); // it can only be polled
    if ((packet[4] & MEDIA_CLASS) === 0) return this.#send(noEvent(), room);
    const event = this.#event;
    this.#event = EVENT_NONE;
    return this.#send(mediaEvent(event, this.#trayOpen), room);
  }

  #startStop(flags: number): MmcReply {
    const loadOrEject = (flags & 2) !== 0, start = (flags & 1) !== 0;
    if (!loadOrEject || start !== this.#trayOpen) return DONE;
    if (!start && this.#locked) return this.check(TRAY_LOCKED);
    this.#trayOpen = !start;
    this.#attention = start;
    this.#event = start ? EVENT_NEW_MEDIUM : EVENT_REMOVAL;
    return DONE;
  }

  save(): DeviceState {
    return {
      sense: { ...this.#sense }, attention: this.#attention, trayOpen: this.#trayOpen, locked: this.#locked, event: this.#event,
      image: this.#image.save(),
    };
  }

  restore(state: DeviceState): void {
    this.#sense = { ...(state['sense'] as unknown as Sense) };
    this.#attention = state['attention'] === true;
    this.#trayOpen = state['trayOpen'] === true;
    this.#locked = state['locked'] === true;
    this.#event = savedNumber(state, 'event');
    this.#image.restore(state['image'] as DeviceState);
  }
}
