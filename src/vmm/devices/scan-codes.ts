/**
 * Keys and their scan codes (IBM PS/2 Hardware Interface Technical Reference, "Keyboard", US layout): set 2 as the keyboard
 * sends it, set 1 as the controller translates it and programs read it.
 */

/** Set 1 codes 1 to 0x58 in order, as set 2; 0 where no key is. */
const SET_TWO_OF_SET_ONE: readonly number[] = [
  0x00, 0x76, 0x16, 0x1e, 0x26, 0x25, 0x2e, 0x36, 0x3d, 0x3e, 0x46, 0x45, 0x4e, 0x55, 0x66, 0x0d,
  0x15, 0x1d, 0x24, 0x2d, 0x2c, 0x35, 0x3c, 0x43, 0x44, 0x4d, 0x54, 0x5b, 0x5a, 0x14, 0x1c, 0x1b,
  0x23, 0x2b, 0x34, 0x33, 0x3b, 0x42, 0x4b, 0x4c, 0x52, 0x0e, 0x12, 0x5d, 0x1a, 0x22, 0x21, 0x2a,
  0x32, 0x31, 0x3a, 0x41, 0x49, 0x4a, 0x59, 0x7c, 0x11, 0x29, 0x58, 0x05, 0x06, 0x04, 0x0c, 0x03,
  0x0b, 0x83, 0x0a, 0x01, 0x09, 0x77, 0x7e, 0x6c, 0x75, 0x7d, 0x7b, 0x6b, 0x73, 0x74, 0x79, 0x69,
  0x72, 0x7a, 0x70, 0x71, 0x84, 0x00, 0x61, 0x78, 0x07,
];
const SET_ONE_OF_SET_TWO = new Map(SET_TWO_OF_SET_ONE.map((code, index) => [code, index] as const).filter(([code]) => code !== 0));

// No key: the keyboard's answer that it sends set 2, as drivers know it behind the translation.
SET_ONE_OF_SET_TWO.set(0x02, 0x41);

const EXTENDED = 0xe0, BREAK = 0xf0;
/** Set 2. */
const SHIFT = 0x12;

/** What the keys from set 1 code 2, 0x10, 0x1e, 0x2b and 0x39 on print, without and with Shift. */
const ROWS: readonly (readonly [first: number, plain: string, shifted: string])[] = [
  [0x02, '1234567890-=\b\t', '!@#$%^&*()_+'],
  [0x10, 'qwertyuiop[]\n', 'QWERTYUIOP{}'],
  [0x1e, 'asdfghjkl;\'`', 'ASDFGHJKL:"~'],
  [0x2b, '\\zxcvbnm,./', '|ZXCVBNM<>?'],
  [0x39, ' ', ''],
  [0x01, '\x1b', ''],
];

interface Key {
  readonly setTwo: number;
  readonly shifted: boolean;
  readonly extended?: boolean;
}

/** Keys that print nothing, written `<name>`. */
const NAMED = new Map<string, Key>([
  ['up', 0x75], ['down', 0x72], ['left', 0x6b], ['right', 0x74], ['home', 0x6c], ['end', 0x69], ['pageup', 0x7d], ['pagedown', 0x7a],
  ['insert', 0x70], ['delete', 0x71],
].map(([name, setTwo]) => [name as string, { setTwo: setTwo as number, shifted: false, extended: true }]));
for (let i = 1; i <= 12; i++) NAMED.set(`f${i}`, { setTwo: SET_TWO_OF_SET_ONE[i <= 10 ? 0x3a + i : 0x4c + i], shifted: false });

const PRINTING = new Map<string, Key>(ROWS.flatMap(([first, plain, shifted]) => [
  ...[...plain].map((character, i) => [character, { setTwo: SET_TWO_OF_SET_ONE[first + i], shifted: false }] as const),
  ...[...shifted].map((character, i) => [character, { setTwo: SET_TWO_OF_SET_ONE[first + i], shifted: true }] as const),
]));

/** The byte that the controller makes of one of the keyboard's when it translates; 0xf0 is the caller's. */
export function setOneOf(value: number): number {
  return SET_ONE_OF_SET_TWO.get(value) ?? value;
}

/** A whole sequence of set 2 (prefixes and one code) in set 1. */
export function setOneSequence(codes: readonly number[]): number[] {
  const isBreak = codes.includes(BREAK);
  return codes.filter((code) => code !== BREAK).map((code) => (code === EXTENDED ? code : setOneOf(code) | (isBreak ? 0x80 : 0)));
}

/**
 * The set 2 codes of pressing and releasing the keys of a text: characters of the US layout, `\n` for Enter, `\t`, `\b`,
 * ESC, and names such as `<up>` or `<f12>`. Throws RangeError for a character without a key.
 */
export function keystrokes(text: string): number[] {
  const codes: number[] = [];
  for (const { key } of keysOf(text)) {
    const prefix = key.extended === true ? [EXTENDED] : [];
    const press = [...prefix, key.setTwo, ...prefix, BREAK, key.setTwo];
    codes.push(...(key.shifted ? [SHIFT, ...press, BREAK, SHIFT] : press));
  }
  return codes;
}

/** The same keys as INT 16h gives them: set 1 code in the high byte, and the character that they print or 0. */
export function biosKeys(text: string): number[] {
  return keysOf(text).map(({ token, key }) => {
    const character = token === '\n' ? '\r' : token;
    return (setOneOf(key.setTwo) << 8) | (character.length === 1 ? character.charCodeAt(0) : 0);
  });
}

function keysOf(text: string): { token: string; key: Key }[] {
  return [...text.matchAll(/<[a-z]+\d*>|[^]/gu)].map(([token]) => {
    const key = PRINTING.get(token) ?? NAMED.get(token.slice(1, -1));
    if (key === undefined) throw new RangeError(`There is no key for "${token}" on a US keyboard.`);
    return { token, key };
  });
}
