/** Header lines as raw pairs, and raw pairs as lines, of what was found good by others. Checks nothing. Pure. */
import { isBlank } from './octets.ts';

/** Raw [name, value, …] of the lines from `fieldsAt` up to the empty one, without the blanks around a value. */
export function headersIn(text: string, fieldsAt: number): readonly string[] {
  const headers: string[] = [];
  let at = fieldsAt;
  for (;;) {
    const colon = text.indexOf(':', at);
    if (colon < 0) return headers;
    const lineEnd = text.indexOf('\r', colon);
    let start = colon + 1;
    let end = lineEnd;
    while (start < end && isBlankAt(text, start)) start += 1;
    while (end > start && isBlankAt(text, end - 1)) end -= 1;
    headers.push(text.substring(at, colon), text.substring(start, end));
    at = lineEnd + 2;
  }
}

function isBlankAt(text: string, at: number): boolean {
  return isBlank(text.charCodeAt(at));
}

/** Ready for the wire, each with CRLF. */
export function headerLines(pairs: readonly string[]): string {
  let lines = '';
  for (let index = 0; index < pairs.length; index += 2) lines += `${pairs[index]}: ${pairs[index + 1]}\r\n`;
  return lines;
}
