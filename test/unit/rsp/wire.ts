/** Packets as a client writes and reads them, for tests. Strings are Latin-1: one character a byte. */

export function frame(payload: string): string {
  let sum = 0;
  for (const character of payload) sum += character.charCodeAt(0);
  return `$${payload}#${(sum & 0xff).toString(16).padStart(2, '0')}`;
}

/** The payloads of the packets in `bytes`, checksums verified; acknowledgements as `+` and `-`. Not unescaped. */
export function unframe(bytes: string): string[] {
  const found: string[] = [];
  for (let at = 0; at < bytes.length; ) {
    if (bytes[at] !== '$') {
      found.push(bytes[at++]);
      continue;
    }
    const hash = bytes.indexOf('#', at);
    const packet = bytes.slice(at, hash + 3);
    const payload = packet.slice(1, -3);
    if (packet !== frame(payload)) throw new Error(`a packet with a wrong checksum: ${packet}`);
    found.push(payload);
    at = hash + 3;
  }
  return found;
}
