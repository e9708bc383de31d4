/** The time as the registers of a real-time clock have it: BCD or binary, 12 or 24 hours (MC146818A datasheet, table 3). */

/** Register numbers. */
export const RTC_SECONDS = 0x00, RTC_MINUTES = 0x02, RTC_HOURS = 0x04, RTC_WEEKDAY = 0x06, RTC_DAY = 0x07, RTC_MONTH = 0x08, RTC_YEAR = 0x09;
/** Not of the chip; where the PC's firmware keeps it. */
export const RTC_CENTURY = 0x32;
export const TIME_REGISTERS: readonly number[] = [RTC_SECONDS, RTC_MINUTES, RTC_HOURS, RTC_WEEKDAY, RTC_DAY, RTC_MONTH, RTC_YEAR, RTC_CENTURY];

const PM = 0x80;

/** How register B says that numbers are written. */
export interface RtcFormat {
  readonly binary: boolean;
  readonly hours24: boolean;
}

/** `milliseconds` since 1970, UTC, into the time registers. */
export function encodeTime(milliseconds: number, format: RtcFormat, registers: Uint8Array): void {
  const date = new Date(milliseconds);
  const put = (index: number, value: number): void => { registers[index] = format.binary ? value : toBcd(value); };
  put(RTC_SECONDS, date.getUTCSeconds());
  put(RTC_MINUTES, date.getUTCMinutes());
  const hours = date.getUTCHours();
  put(RTC_HOURS, format.hours24 ? hours : hours % 12 === 0 ? 12 : hours % 12);
  if (!format.hours24 && hours >= 12) registers[RTC_HOURS] |= PM;
  put(RTC_WEEKDAY, date.getUTCDay() + 1);
  put(RTC_DAY, date.getUTCDate());
  put(RTC_MONTH, date.getUTCMonth() + 1);
  put(RTC_YEAR, date.getUTCFullYear() % 100);
  put(RTC_CENTURY, Math.floor(date.getUTCFullYear() / 100));
}

/** The way back. Registers that name no time (month 15) wrap as a date does; never NaN. */
export function decodeTime(registers: Uint8Array, format: RtcFormat): number {
  const get = (index: number): number => (format.binary ? registers[index] : fromBcd(registers[index]));
  const year = get(RTC_CENTURY) * 100 + get(RTC_YEAR);
  return Date.UTC(year, get(RTC_MONTH) - 1, get(RTC_DAY), decodeHours(registers[RTC_HOURS], format), get(RTC_MINUTES), get(RTC_SECONDS));
}

/** 0..23 of an hours register. */
export function decodeHours(register: number, format: RtcFormat): number {
  const number = (value: number): number => (format.binary ? value : fromBcd(value));
  if (format.hours24) return number(register);
  return (number(register & ~PM) % 12) + ((register & PM) !== 0 ? 12 : 0);
}

function toBcd(value: number): number {
  return (Math.floor(value / 10) << 4) | (value % 10);
}

function fromBcd(value: number): number {
  return (value >> 4) * 10 + (value & 0xf);
}
