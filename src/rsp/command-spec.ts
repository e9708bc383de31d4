/**
 * How a packet family presents itself to the session: one row per packet. A row drives both the dispatch and
 * what `qSupported` offers, so nothing is listed twice.
 */
import type { DebugTarget } from '../target.js';
import type { Reply } from './packet-encoder.js';
import type { SessionState } from './session-state.js';

export interface CommandSpec {
  /**
   * One character, or for packets that begin with `q`, `Q`, `v`, `b` or `j` the whole name up to the first of `:;,=`.
   */
  readonly name: string;
  /** `args` is what follows the name, delimiter included, and valid only during the call. Undefined: no reply now. */
  handle(session: SessionState, args: Buffer): Reply | undefined;
  /** False while the target lacks the capability: the packet gets the empty reply and its features are not offered. */
  available?(target: DebugTarget): boolean;
  /** Features that `qSupported` names because of this row. */
  features?(session: SessionState): readonly string[];
  /** The packet makes sense while the guest runs; others are then refused. */
  readonly whileRunning?: true;
  /** Non-stop: it suffices that the thread that `Hg` chose stands. Other packets wait until the whole machine is held. */
  readonly whileOthersRun?: true;
  /** Every gdb since 12 shows the text of an `E.` reply to this packet; for others the client must have offered it. */
  readonly explains?: true;
}
