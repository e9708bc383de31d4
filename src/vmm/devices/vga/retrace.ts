/**
 * Where the electron beam would be: bits 0 and 3 of input status register 1 at a time (IBM PS/2 Hardware Interface
 * Technical Reference, "Input Status Register 1"). Guests wait for the picture's end by them, and measure its rate.
 */

/** Horizontal frequency of all VGA modes. */
const LINES_A_SECOND = 31_469;
/** Lines of a picture, shown or not, by the lines that are shown: 70 Hz, and 60 Hz for 480 lines. */
const LINES_400 = 449, LINES_480 = 525;
const RETRACE_LINES = 2, LINES_BEFORE_RETRACE = 12;
/** Of a line, the part that shows pixels. */
const SHOWN_PART = 0.8;

const NOT_SHOWING = 0x01, VERTICAL_RETRACE = 0x08;

/** `shown`: rows of pixels; `now`: nanoseconds. */
export function retraceStatus(shown: number, now: bigint): number {
  const lines = Math.max(shown <= 400 ? LINES_400 : LINES_480, shown + LINES_BEFORE_RETRACE + RETRACE_LINES);
  const picture = BigInt(Math.round((lines * 1e9) / LINES_A_SECOND));
  const line = (Number(now % picture) * LINES_A_SECOND) / 1e9;
  const retraceStart = shown + LINES_BEFORE_RETRACE;
  if (line >= retraceStart && line < retraceStart + RETRACE_LINES) return NOT_SHOWING | VERTICAL_RETRACE;
  return line >= shown || line % 1 > SHOWN_PART ? NOT_SHOWING : 0;
}
