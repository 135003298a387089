/**
 * Text files that people give us are UTF-8, or refused with the place of the first byte that is not: read in another way
 * they would name something else than was meant. Repairs nothing.
 */
import { isUtf8 } from 'node:buffer';
import { ConfigError, formatProblem, type Problem } from '../../errors.ts';

/** A file with a byte that is no UTF-8. */
export class NotUtf8 extends ConfigError {
  constructor(problem: Problem) {
    super([problem]);
  }
}

const LINE_FEED = 0x0a;
const BYTE_ORDER_MARK = '\uFEFF';

/** The text, with its byte order mark if it has one. Throws NotUtf8. */
export function textOf(file: string, bytes: Uint8Array): string {
  const problem = utf8Problem(file, bytes);
  if (problem !== null) throw new NotUtf8(problem);
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString();
}

/** The same as one line; null: it is UTF-8. */
export function utf8Fault(file: string, bytes: Uint8Array): string | null {
  const problem = utf8Problem(file, bytes);
  return problem === null ? null : formatProblem(problem);
}

/** `line`: the number of the first one. null: it is UTF-8. */
export function utf8Problem(file: string, bytes: Uint8Array, line = 1): Problem | null {
  if (isUtf8(bytes)) return null;
  const at = firstBad(bytes);
  const start = bytes.lastIndexOf(LINE_FEED, at) + 1;
  const before = Buffer.from(bytes.subarray(start, at)).toString();
  const hidden = line === 1 && start === 0 && before.startsWith(BYTE_ORDER_MARK) ? 1 : 0;
  const lines = bytes.subarray(0, start).reduce((count, byte) => count + Number(byte === LINE_FEED), 0);
  const byte = bytes[at]!.toString(16).toUpperCase().padStart(2, '0');
  const message = `cannot be read: it is not UTF-8 text (byte 0x${byte})`;
  return { file, line: line + lines, column: before.length + 1 - hidden, message };
}

/** Where the first sequence begins that is none, in bytes that are not UTF-8. */
function firstBad(bytes: Uint8Array): number {
  let at = 0;
  for (;;) {
    const lead = bytes[at]!;
    const length = lead < 0x80 ? 1 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
    // It may be cut off by the end.
    if (!isUtf8(bytes.subarray(at, at + length))) return at;
    at += length;
  }
}
