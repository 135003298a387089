/** Messages of HTTP/1 spoilt at random, and cut into pieces at random, for the tests that read them by two parsers. */
import type { Random } from './chance.ts';

const SPOILS = [
  '\r',
  '\n',
  '\r\n',
  ' ',
  '\t',
  '\0',
  ':',
  ';',
  ',',
  '0',
  'f',
  '\x7f',
  '\x80',
  '"',
  '=',
  '-',
  '\r\n\r\n',
  '\r\n ',
];

/** What may stand behind the size of a chunk, and what only looks like it. */
export const EXTENSIONS = [
  '',
  '',
  '',
  ';a',
  ';a=b',
  ';a="b \\" c";d',
  ';',
  '; a',
  ';a=',
  ';a=b"c"',
  ' ;a',
  ';="',
  ';;a',
];
/** Lines behind the last chunk, and what must not stand there. */
export const TRAILERS = [
  'X-Sum: 1',
  'X-None:',
  'Content-Length: 1',
  'Transfer-Encoding: chunked',
  'A: b\tc',
  'A: \x01',
  'A b: c',
];

export function pick<T>(random: Random, from: readonly T[]): T {
  return from[random(from.length)]!;
}

/** Some of it is missing, replaced, put in or there twice. */
export function spoilt(text: string, random: Random): string {
  const at = random(text.length);
  switch (random(4)) {
    case 0:
      return text.slice(0, at) + text.slice(at + 1 + random(3));
    case 1:
      return text.slice(0, at) + pick(random, SPOILS) + text.slice(at);
    case 2:
      return text.slice(0, at) + pick(random, SPOILS) + text.slice(at + 1);
    default:
      return text.slice(0, at) + text.slice(random(at + 1));
  }
}

/** Into one to four pieces, of which some may be empty. */
export function cut(text: string, random: Random): string[] {
  const pieces: string[] = [];
  let from = 0;
  for (let count = random(4); count > 0; count--) {
    const to = from + random(text.length - from + 1);
    pieces.push(text.slice(from, to));
    from = to;
  }
  return [...pieces, text.slice(from)];
}
