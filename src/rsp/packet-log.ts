/** The packet log (`--log rsp`): `<-` from the client, `->` to it, one line each, long ones cut. */

export type PacketLog = (line: string) => void;

/** Characters of a packet that a line shows. */
const SHOWN = 160;

export function logBytes(log: PacketLog, direction: '<-' | '->', bytes: Buffer): void {
  const shown = bytes.toString('latin1', 0, SHOWN).replace(/[^\x20-\x7e]/g, '.');
  log(`${direction} ${shown}${bytes.length > SHOWN ? `… (${bytes.length} bytes)` : ''}`);
}
