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
  readonly extended?: boolean;
}

/** Keys that are held, and one that is pressed with them. */
interface Stroke {
  readonly held: readonly Key[];
  readonly key: Key;
}

const SHIFT: Key = { setTwo: 0x12 };
const MODIFIERS = new Map<string, Key>([
  ['shift', SHIFT], ['ctrl', { setTwo: 0x14 }], ['alt', { setTwo: 0x11 }], ['altgr', { setTwo: 0x11, extended: true }],
  ['meta', { setTwo: 0x1f, extended: true }], ['super', { setTwo: 0x1f, extended: true }],
]);

/** Keys by name, as in `<name>`. */
const NAMED = new Map<string, Key>([
  ...([
    ['up', 0x75], ['down', 0x72], ['left', 0x6b], ['right', 0x74], ['home', 0x6c], ['end', 0x69], ['pageup', 0x7d], ['pgup', 0x7d], ['pagedown', 0x7a],
    ['pgdn', 0x7a], ['insert', 0x70], ['ins', 0x70], ['delete', 0x71], ['del', 0x71], ['menu', 0x2f],
  ] as const).map(([name, setTwo]) => [name, { setTwo, extended: true }] as const),
  ...([
    ['enter', 0x5a], ['return', 0x5a], ['ret', 0x5a], ['tab', 0x0d], ['esc', 0x76], ['escape', 0x76], ['backspace', 0x66], ['space', 0x29], ['spc', 0x29],
    ['minus', 0x4e], ['less', 0x41], ['capslock', 0x58], ['numlock', 0x77], ['scrolllock', 0x7e],
  ] as const).map(([name, setTwo]) => [name, { setTwo }] as const),
  ...Array.from({ length: 12 }, (_, i) => [`f${i + 1}`, { setTwo: SET_TWO_OF_SET_ONE[i < 10 ? 0x3b + i : 0x4d + i] }] as const),
  ...MODIFIERS,
]);

const PRINTING = new Map<string, Stroke>(ROWS.flatMap(([first, plain, shifted]) => [
  ...[...plain].map((character, i) => [character, { held: [], key: { setTwo: SET_TWO_OF_SET_ONE[first + i] } }] as const),
  ...[...shifted].map((character, i) => [character, { held: [SHIFT], key: { setTwo: SET_TWO_OF_SET_ONE[first + i] } }] as const),
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

/** The character that the key of a set 1 code prints on a US keyboard, undefined for none. */
export function characterOf(setOne: number, shifted: boolean): string | undefined {
  const row = ROWS.find(([first, plain]) => setOne >= first && setOne < first + plain.length);
  if (row === undefined) return undefined;
  const [first, plain, upper] = row;
  return (shifted ? upper[setOne - first] : undefined) ?? plain[setOne - first];
}

/**
 * The set 2 codes of pressing and releasing the keys of a text: characters of the US layout, `\n` for Enter, `\t`, `\b`,
 * ESC, names such as `<up>` or `<f12>`, and keys that are held together, `<ctrl-alt-delete>`. Throws RangeError for what has no key.
 */
export function keystrokes(text: string): number[] {
  return [...text.matchAll(/<(?:[a-z]+-)+(?:[a-z]+\d*|[^<>])>|<f\d+>|<[a-z]{2,}\d*>|[^]/gu)].flatMap(([token]) => {
    const { held, key } = strokeOf(token);
    return [...held.flatMap(make), ...make(key), ...release(key), ...[...held].reverse().flatMap(release)];
  });
}

function make({ setTwo, extended }: Key): number[] {
  return extended === true ? [EXTENDED, setTwo] : [setTwo];
}

function release({ setTwo, extended }: Key): number[] {
  return extended === true ? [EXTENDED, BREAK, setTwo] : [BREAK, setTwo];
}

function strokeOf(token: string): Stroke {
  const printing = PRINTING.get(token);
  if (printing !== undefined) return printing;
  const [, prefix = '', last = ''] = /^<((?:[a-z]+-)*)(.+)>$/u.exec(token) ?? [];
  const held = prefix.split('-').slice(0, -1).map((name) => MODIFIERS.get(name));
  const named = NAMED.get(last);
  const stroke = named === undefined ? PRINTING.get(last) : { held: [], key: named };
  if (token.length === 1 || stroke === undefined || held.includes(undefined)) throw new RangeError(`There is no key for "${token}" on a US keyboard.`);
  return { held: [...held.filter((key) => key !== undefined), ...stroke.held], key: stroke.key };
}
