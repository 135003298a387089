/** Which octets may stand where in a message of HTTP/1, as tables: one look for each octet. Pure. */

export const HTAB = 0x09;
export const LF = 0x0a;
export const CR = 0x0d;
export const SP = 0x20;
export const COLON = 0x3a;

/** Of a token (RFC 9110 section 5.6.2), such as the name of a header: the octet in lower case. 0: it is none. */
export const TCHAR = table((char) => (/[!#$%&'*+.^_`|~0-9A-Za-z-]/.test(char) ? char.toLowerCase().charCodeAt(0) : 0));

/** The same, with one mark for whatever is no letter and no digit: as core/folded-name folds names. */
export const FOLDED = TCHAR.map((lower) => (lower === 0 || /[a-z0-9]/.test(String.fromCharCode(lower)) ? lower : 0x2d));

/** 1: may stand in the value of a header and in a reason phrase (RFC 9110 section 5.5, RFC 9112 section 4). */
export const FIELD_TEXT = table((char) => (/[\t\x20-\x7e\x80-\xff]/.test(char) ? 1 : 0));

/** The value of a hexadecimal digit. 255: it is none. */
export const HEX = table((char) => (/[0-9A-Fa-f]/.test(char) ? Number.parseInt(char, 16) : 255));

function table(entry: (char: string) => number): Uint8Array {
  return Uint8Array.from({ length: 256 }, (_, octet) => entry(String.fromCharCode(octet)));
}

export function isBlank(octet: number): boolean {
  return octet === SP || octet === HTAB;
}
