/** Where a chunked body ends, and what is refused in one. */
import { describe, expect, it } from 'vitest';
import { ChunkedBody } from '../../src/core/http1/chunked-body.ts';

const MAX_TRAILER_BYTES = 1000;

/** The body in these pieces, each between other bytes, as in a read buffer. */
function read(pieces: readonly string[], chunks = new ChunkedBody(MAX_TRAILER_BYTES)) {
  chunks.begin();
  let data = '';
  let rest = '';
  for (const [nth, piece] of pieces.entries()) {
    const source = Buffer.from(`0\r\n${piece}\r\n\r\n`, 'latin1');
    const end = 3 + piece.length;
    for (let at = 3; ; at = chunks.used) {
      const step = chunks.next(source, at, end);
      if (step === 'invalid') return { data, fault: chunks.fault };
      rest = piece.slice(chunks.used - 3) + pieces.slice(nth + 1).join('');
      if (step === 'complete') return { data, trailers: chunks.trailers, rest };
      if (step === 'needs-more') break;
      data += source.toString('latin1', chunks.dataStart, chunks.used);
    }
  }
  return { data, rest };
}

const BODY = '3;a=b;c="d\\"; e"\r\na\r\n\r\n00A\r\n0123456789\r\n0\r\nX-Sum: \t1 2 \r\nx-none:\r\n\r\n';
const WHOLE = { data: 'a\r\n0123456789', trailers: ['X-Sum', '1 2', 'x-none', ''], rest: '' };

it('a body is the same in one piece, cut in two anywhere, and byte by byte', () => {
  expect(read([BODY])).toEqual(WHOLE);
  expect(read([...BODY])).toEqual(WHOLE);
  for (let cut = 0; cut <= BODY.length; cut++) expect(read([BODY.slice(0, cut), BODY.slice(cut)])).toEqual(WHOLE);
});

it('it ends with its last line, and what follows is no part of it', () => {
  expect(read(['0\r\n\r\nGET / HTTP/1.1'])).toEqual({ data: '', trailers: [], rest: 'GET / HTTP/1.1' });
  for (let cut = 0; cut < BODY.length; cut++) expect(read([BODY.slice(0, cut)])).not.toHaveProperty('trailers');
});

it('the next body knows nothing of the last one', () => {
  const chunks = new ChunkedBody(MAX_TRAILER_BYTES);
  expect(read(['3\r\nab'], chunks).data).toBe('ab');
  expect(read(['0\r\nA: b'], chunks).data).toBe('');
  expect(read([BODY], chunks)).toEqual(WHOLE);
  expect(read(['0\r\n\r\n'], chunks).trailers).toEqual([]);
});

describe('what is refused', () => {
  it.each([
    ['no size', '\r\n', 'chunk size'],
    ['a size that is none', 'x\r\n', 'chunk size'],
    ['a negative size', '-1\r\n', 'chunk size'],
    ['a size with 0x', '0x1\r\na\r\n', 'chunk size'],
    ['a blank before a size', ' 1\r\na\r\n', 'chunk size'],
    ['a blank behind a size', '1 \r\na\r\n', 'chunk size'],
    ['a size of 17 digits', '00000000000000001\r\n', 'chunk size'],
    ['bare LF behind a size', '1\na\r\n', 'chunk size'],
    ['bare CR behind a size', '1\ra\r\n', 'chunk size'],
    ['an extension without a name', '1;\r\na\r\n', 'chunk extension'],
    ['an extension with half a value', '1;a=\r\na\r\n', 'chunk extension'],
    ['an extension with blanks', '1; a\r\na\r\n', 'chunk extension'],
    ['an extension that is not closed', '1;a="b\r\n"\r\na\r\n', 'chunk extension'],
    ['more behind a quoted value', '1;a="b"c\r\na\r\n', 'chunk extension'],
    ['NUL in an extension', '1;a="\0"\r\na\r\n', 'chunk extension'],
    ['NUL behind a backslash', '1;a="\\\0"\r\na\r\n', 'chunk extension'],
    ['bare LF behind an extension', '1;a\na\r\n', 'chunk extension'],
    ['a chunk longer than its size', '1\r\nab\r\n', 'chunk'],
    ['a chunk shorter than its size', '3\r\nab\r\n0\r\n\r\n', 'chunk'],
    ['bare LF behind a chunk', '1\r\na\n0\r\n\r\n', 'chunk'],
    ['bare CR behind a chunk', '1\r\na\r0\r\n\r\n', 'chunk'],
    ['bare LF in place of the last line', '0\r\n\n', 'trailer'],
    ['bare LF behind a trailer', '0\r\nA: b\n\r\n', 'trailer'],
    ['bare CR in a trailer', '0\r\nA: b\rc\r\n\r\n', 'trailer'],
    ['NUL in a trailer', '0\r\nA: b\0\r\n\r\n', 'trailer'],
    ['a folded trailer', '0\r\nA: b\r\n c: d\r\n\r\n', 'trailer'],
    ['a trailer without a colon', '0\r\nAb\r\n\r\n', 'trailer'],
    ['a trailer without a name', '0\r\n: b\r\n\r\n', 'trailer'],
    ['a blank before the colon of a trailer', '0\r\nA : b\r\n\r\n', 'trailer'],
    ['a trailer that frames by its length', '0\r\ncontent-Length: 1\r\n\r\n', 'trailer'],
    ['a trailer that frames by a coding', '0\r\nTransfer-encoding: chunked\r\n\r\n', 'trailer'],
  ])('%s', (_, body, fault) => {
    expect(read([body]).fault).toBe(fault);
    expect(read([...body]).fault).toBe(fault);
  });
});

describe('what is bounded', () => {
  it('a size of 13 digits is counted exactly, and one of 16 never ends', () => {
    const chunks = new ChunkedBody(MAX_TRAILER_BYTES);
    expect(read(['fffffffffffff\r\na'], chunks)).toEqual({ data: 'a', rest: '' });
    expect(read(['ffffffffffffffff\r\na']).fault).toBeUndefined();
    expect(read(['0000000000001\r\na\r\n0\r\n\r\n'], chunks)).toMatchObject({ data: 'a', trailers: [] });
  });

  it('body after body on one connection, each by itself', () => {
    const chunks = new ChunkedBody(MAX_TRAILER_BYTES);
    for (let nth = 0; nth < MAX_TRAILER_BYTES; nth++) {
      chunks.begin();
      expect(read([`1;${'a'.repeat(100)}\r\nx\r\n0\r\nA: b\r\n\r\n`], chunks)).toMatchObject({
        data: 'x',
        trailers: ['A', 'b'],
      });
    }
  });

  it('extensions: so many for each chunk', () => {
    const withExtension = (bytes: number) => `1;${'a'.repeat(bytes)}\r\nx\r\n`;
    expect(read([withExtension(16_000), '0\r\n\r\n']).data).toBe('x');
    expect(read([withExtension(17_000)]).fault).toBe('chunk extension');
    expect(read([`${withExtension(1000).repeat(200)}0\r\n\r\n`]).data).toHaveLength(200);
    expect(read([`${withExtension(20).repeat(10_000)}0\r\n\r\n`]).data).toHaveLength(10_000);
  });

  it('trailers: to what was said, in one line or in many', () => {
    // With the empty line.
    const line = (bytes: number) => `0\r\nA:${'b'.repeat(bytes - 6)}\r\n\r\n`;
    expect(read([line(1000)]).trailers).toEqual(['A', 'b'.repeat(994)]);
    expect(read([line(1001)]).fault).toBe('trailers too large');
    expect(read([...line(1001)]).fault).toBe('trailers too large');
    expect(read([`0\r\n${'a:\r\n'.repeat(250)}\r\n`]).fault).toBe('trailers too large');
  });
});
