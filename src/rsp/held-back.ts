/** Packets that came while another one waits for the guest to be held (non-stop), in their order. Clients send few ahead. */

/** Packets, and bytes of their payloads, that are kept; what comes on top is answered with an error, in its turn. */
const MOST_PACKETS = 100;
const MOST_BYTES = 1 << 20;

export class HeldBack {
  private readonly packets: Buffer[] = [];
  private bytes = 0;
  private refused = 0;

  /** `payload` may be reused after the call. */
  add(payload: Buffer): void {
    // One behind a refused one would overtake it.
    if (this.refused > 0 || this.packets.length >= MOST_PACKETS || this.bytes + payload.length > MOST_BYTES) this.refused++;
    else {
      this.packets.push(Buffer.from(payload));
      this.bytes += payload.length;
    }
  }

  /** The oldest, `refused` for one that was not kept, undefined when there is none. */
  next(): Buffer | 'refused' | undefined {
    const packet = this.packets.shift();
    if (packet !== undefined) {
      this.bytes -= packet.length;
      return packet;
    }
    if (this.refused === 0) return undefined;
    this.refused--;
    return 'refused';
  }
}
