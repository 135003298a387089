/**
 * Members of JSON text as the request path reads them: whatever is taken, JSON.parse takes with the same values, and what
 * only JSON.parse takes is in the list here.
 */
import { describe, expect, it } from 'vitest';
import type { BodyField } from '../../src/core/bodies/inspected-body.ts';
import { JsonMembersReader } from '../../src/core/bodies/json-members.ts';
import { effort, type Random, randomFrom, seeds } from '../support/chance.ts';

const field = (name: string): BodyField => ({ name, path: name.split('.') });
/** The characters of a step; a text is read alike in steps of any length. */
let stepCharacters = Number.POSITIVE_INFINITY;
function readAll(bytes: Buffer, fields: readonly BodyField[]) {
  const reader = new JsonMembersReader(bytes, fields);
  for (;;) {
    const found = reader.goOn(stepCharacters);
    if (found !== undefined) return found;
  }
}
const read = (text: string | Buffer, ...names: string[]) => {
  const found = readAll(Buffer.from(text as string, 'utf8'), names.map(field));
  return found === null ? 'unreadable' : names.map((name) => found.get(name));
};

describe('a value', () => {
  it.each([
    ['a text', '{"ws":"w1"}', 'w1'],
    ['a text with blanks around everything', ' \t\r\n{ "ws" : "w1" , "x" : [ ] } \n', 'w1'],
    ['a text with escapes', String.raw`{"ws":"\u0077\u0031\n\/"}`, 'w1\n/'],
    ['a text beyond the first plane', String.raw`{"ws":"\ud83d\ude00"}`, '😀'],
    ['a name with escapes, which every parser reads alike', String.raw`{"\u0077s":"w1"}`, 'w1'],
    ['an integer, by its source text', '{"ws":7352}', '7352'],
    ['an integer that no double holds', '{"ws":123456789012345678901234567890}', '123456789012345678901234567890'],
    ['a negative integer', '{"ws":-5}', '-5'],
    ['minus zero, as it is written', '{"ws":-0}', '-0'],
    ['absent', '{"other":"w1"}', undefined],
    ['of an object without members', '{}', undefined],
    ['deeper than asked for', '{"x":{"ws":"w1"}}', undefined],
    ['in a list', '{"x":[{"ws":"w1"}]}', undefined],
    ['null', '{"ws":null}', null],
    ['empty', '{"ws":""}', null],
    ['a truth', '{"ws":true}', null],
    ['a number with an exponent', '{"ws":1e3}', null],
    ['a number with a fraction', '{"ws":1.0}', null],
    ['a list', '{"ws":["w1"]}', null],
    ['an object', '{"ws":{"id":"w1"}}', null],
    ['twice', '{"ws":"w1","ws":"w2"}', null],
    ['twice the same', '{"ws":"w1","ws":"w1"}', null],
    ['twice, once with escapes', String.raw`{"ws":"w1","\u0077s":"w2"}`, null],
    ['twice, once in another case', '{"WS":"w2","ws":"w1"}', null],
    ['twice, once with a long s', '{"ws":"w1","wſ":"w2"}', null],
    ['twice, once as protobuf has it', '{"w_s":"w2","ws":"w1"}', null],
    ['twice, once far apart as protobuf has it', `{"ws":"w1","w${'_'.repeat(9000)}s":"w2"}`, null],
    ['beside one that only begins like it', '{"ws":"w1","w_s_x":"w2"}', 'w1'],
    ['twice, once cut by a NUL', String.raw`{"ws":"w1","ws\u0000x":"w2"}`, null],
    ['in another case alone', '{"Ws":"w1"}', null],
    ['of a text that is no object', '"ws"', null],
    ['of a list', '[{"ws":"w1"}]', null],
    ['of null', 'null', null],
  ])('%s', (_name, text, value) => {
    expect(read(text, 'ws')).toEqual([value]);
  });

  it('of a member of a member', () => {
    expect(read('{"data":{"ws":"w1","x":{}}}', 'data.ws', 'data.id', 'ws')).toEqual(['w1', undefined, undefined]);
  });

  it.each([
    ['the way to it stands twice', '{"data":{"ws":"w1"},"data":{}}'],
    ['the way to it stands twice, in another case', '{"data":{"ws":"w1"},"Data":{"ws":"w2"}}'],
    ['the way to it is no object', '{"data":[{"ws":"w1"}]}'],
    ['the way to it is null', '{"data":null}'],
  ])('is none where %s', (_name, text) => {
    expect(read(text, 'data.ws')).toEqual([null]);
  });

  it('may stand twice where no field leads', () => {
    expect(read('{"x":{"ws":1,"ws":2},"ws":"w1","x2":1,"x2":2}', 'ws')).toEqual(['w1']);
  });
});

describe('is refused whole', () => {
  it.each<[string, string | Buffer]>([
    ['nothing', ''],
    ['blanks alone', '  '],
    ['a byte order mark', '\ufeff{"ws":"w1"}'],
    ['UTF-16', Buffer.from('{"ws":"w1"}', 'utf16le')],
    ['invalid UTF-8', Buffer.from('7b227773223a22ff227d', 'hex')],
    ['overlong UTF-8', Buffer.from('7b227773223a22c0af227d', 'hex')],
    ['a surrogate as raw bytes', Buffer.from('7b227773223a22eda080227d', 'hex')],
    ['half a pair of surrogates', String.raw`{"x":"\ud83d","ws":"w1"}`],
    ['the other half', String.raw`{"x":"\ude00","ws":"w1"}`],
    ['a pair in the wrong order', String.raw`{"x":"\ude00\ud83d","ws":"w1"}`],
    ['half a pair in a name', String.raw`{"\ud83d":1,"ws":"w1"}`],
    ['trailing data', '{"ws":"w1"}{"ws":"w2"}'],
    ['a trailing word', '{"ws":"w1"}x'],
    ['a trailing NUL', '{"ws":"w1"}\0'],
    ['a trailing comma', '{"ws":"w1",}'],
    ['a comment', '{"ws":"w1"/* */}'],
    ['single quotes', "{'ws':'w1'}"],
    ['a name without quotes', '{ws:"w1"}'],
    ['a leading zero', '{"ws":01}'],
    ['a plus', '{"ws":+1}'],
    ['hexadecimal', '{"ws":0x1}'],
    ['NaN', '{"ws":NaN}'],
    ['a bare point', '{"ws":1.}'],
    ['a word in capitals', '{"ws":TRUE}'],
    ['a control character in a text', '{"ws":"w\n1"}'],
    ['an unknown escape', String.raw`{"ws":"\x77"}`],
    ['half an escape', String.raw`{"ws":"\u00"}`],
    ['a blank of Unicode', '\u00a0{"ws":"w1"}'],
    ['a missing colon', '{"ws" "w1"}'],
    ['an open object', '{"ws":"w1"'],
    ['257 levels', `{"x":${'['.repeat(256)}${']'.repeat(256)},"ws":"w1"}`],
  ])('%s', (_name, text) => {
    expect(read(text, 'ws')).toBe('unreadable');
  });

  it('but not 256 levels', () => {
    expect(read(`{"x":${'['.repeat(255)}${']'.repeat(255)},"ws":"w1"}`, 'ws')).toEqual(['w1']);
  });
});

/** What JSON.parse takes and we do not. */
const STRICTER: ReadonlyArray<readonly [why: string, shape: RegExp]> = [
  ['half a pair of surrogates', /\\u[dD][89a-fA-F]/],
];
const PIECES = [
  ...[
    '{',
    '}',
    '[',
    ']',
    ',',
    ':',
    '"',
    '\\',
    ' ',
    '\n',
    '"ws"',
    '"WS"',
    '"\\u0077s"',
    '"a"',
    '"w1"',
    '""',
    'null',
    'true',
  ],
  ...[
    'false',
    '0',
    '-0',
    '1',
    '01',
    '1e3',
    '-',
    '1.5',
    '9007199254740993',
    '\\u',
    '\\ud83d',
    '\\ude00',
    '\\n',
    'é',
    '😀',
  ],
  ...['\ufeff', '\0', '\u2028', '{"ws":', '"a":{"ws":', '},', '],', '/**/', "'"],
];

/** A text that is JSON, spoilt at random; or pieces at random. */
function textBy(random: Random): string {
  const value = (depth: number): string => {
    const kind = random(depth > 3 ? 5 : 8);
    if (kind === 0) return '"w1"';
    if (kind === 1) return ['1', '-0', '12345678901234567890', '1e3', '0.5'][random(5)]!;
    if (kind === 2) return ['null', 'true', 'false'][random(3)]!;
    if (kind <= 4) return JSON.stringify(['', 'é', '😀', '\u0000', 'x\ny', '\ud83d'][random(6)]!);
    const count = random(4);
    if (kind === 5) return `[${Array.from({ length: count }, () => value(depth + 1)).join(',')}]`;
    const name = () => ['"ws"', '"WS"', '"\\u0077s"', '"a"', '"a"', '"b"', '"__proto__"'][random(7)]!;
    return `{${Array.from({ length: count }, () => `${name()}:${value(depth + 1)}`).join(', ')}}`;
  };
  if (random(4) === 0) return Array.from({ length: random(12) }, () => PIECES[random(PIECES.length)]!).join('');
  let text = value(0);
  for (let times = random(3); times > 0; times--) {
    const at = random(text.length + 1);
    text = text.slice(0, at) + PIECES[random(PIECES.length)]! + text.slice(at + random(2));
  }
  return text;
}

describe.each(seeds())('by chance, seed %i', (seed) => {
  it('whatever is taken, JSON.parse takes with the same value, and what only it takes is listed', () => {
    const random = randomFrom(seed);
    let taken = 0;
    for (let times = 0; times < 20_000 * effort; times++) {
      const text = textBy(random);
      let parsed: unknown;
      let isJson = true;
      try {
        parsed = JSON.parse(text);
      } catch {
        isJson = false;
      }
      const fields = [field('ws'), field('a.ws')];
      stepCharacters = Number.POSITIVE_INFINITY;
      const found = readAll(Buffer.from(text), fields);
      stepCharacters = 1;
      expect(readAll(Buffer.from(text), fields), text).toEqual(found);
      // As bytes a lone surrogate is another character.
      if (!text.isWellFormed()) continue;
      if (found === null) {
        if (isJson)
          expect(
            STRICTER.some(([, shape]) => shape.test(text)),
            text,
          ).toBe(true);
        continue;
      }
      expect(isJson, text).toBe(true);
      taken++;
      for (const [name, value] of found) {
        if (typeof value !== 'string') continue;
        const there = name.split('.').reduce((object, key) => (object as Record<string, unknown>)[key], parsed);
        if (typeof there === 'string') expect(value, text).toBe(there);
        else expect(Number(value), text).toBe(there);
      }
    }
    expect(taken).toBeGreaterThan(1000 * effort);
  });
});
