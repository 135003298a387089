/** What is read as the head of a request, and what never is. Whole connections are in http1-connection.test.ts. */
import { METHODS } from 'node:http';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { HeadReader } from '../../src/http/http1/head-reader.ts';
import { LastFields } from '../../src/http/http1/request-fields.ts';

const BYTES_MAX = 256;
const reader = new HeadReader(BYTES_MAX);
/** Each head lies between other bytes, as in a read buffer. */
const BEFORE = 'x: y\r\n\r\n';

/** In these pieces, one after the other, as a connection gives them. */
function read(pieces: readonly string[], by = reader) {
  let text = BEFORE;
  let linesRead = 0;
  for (const piece of pieces) {
    text += piece;
    const bytes = Buffer.from(`${text}\r\n\r\n`, 'latin1');
    const outcome = by.read(bytes, BEFORE.length, text.length, linesRead);
    if (outcome === 'invalid') return { outcome, status: by.status };
    if (outcome === 'complete') {
      const { method, target, fields } = by.head;
      const { minorVersion, headers } = fields;
      return { outcome, end: by.end - BEFORE.length, method, target, minorVersion, headers };
    }
    linesRead = by.linesRead;
  }
  return { outcome: 'needs-more' };
}

/** The same in one piece, cut in two anywhere, and byte by byte. */
function readAnyhow(text: string) {
  const whole = read([text]);
  for (let cut = 1; cut < text.length; cut++)
    expect(read([text.slice(0, cut), text.slice(cut)]), `cut at ${cut}`).toEqual(whole);
  expect(read([...text]), 'byte by byte').toEqual(whole);
  return whole;
}

const accepts = (text: string) => {
  const taken = readAnyhow(text);
  expect(taken).toMatchObject({ outcome: 'complete', end: text.length });
  return taken;
};
const refuses = (text: string, status: number) =>
  expect(readAnyhow(text), JSON.stringify(text)).toEqual({ outcome: 'invalid', status });

describe('a request line', () => {
  it('is method, target and version', () => {
    expect(accepts('GET /a?b=c HTTP/1.1\r\n\r\n')).toMatchObject({
      method: 'GET',
      target: '/a?b=c',
      minorVersion: 1,
      headers: [],
    });
    expect(accepts('POST * HTTP/1.0\r\n\r\n')).toMatchObject({ method: 'POST', target: '*', minorVersion: 0 });
  });

  it.each(METHODS)('may begin with %s, as in every protocol', (method) => {
    expect(accepts(`${method} / HTTP/1.1\r\n\r\n`)).toMatchObject({ method });
  });

  it.each(['get', 'Get', 'GETS', 'FOO', 'G', 'POSTPOSTPOSTPOSTPOSTPOST', 'POSTPOSTPOSTPOSTPOSTPOSTP'])(
    'never begins with %s: it would be judged as one method and taken for another',
    (method) => refuses(`${method} / HTTP/1.1\r\n\r\n`, 400),
  );

  it('is not waited for behind a word that is longer than any method', () => {
    expect(read(['X'.repeat(24)])).toEqual({ outcome: 'needs-more' });
    expect(read(['X'.repeat(25)])).toEqual({ outcome: 'invalid', status: 400 });
  });

  it('may have more blanks than one, of which none is part of the target', () => {
    expect(accepts('GET   /a   HTTP/1.1\r\n\r\n')).toMatchObject({ method: 'GET', target: '/a' });
  });

  it('hands every visible character of the target over as it came, for the core to judge', () => {
    const target = '/\x21"#%&\'<>[\\]^`{|}~%00//../?#';
    expect(accepts(`GET ${target} HTTP/1.1\r\n\r\n`)).toMatchObject({ target });
  });

  it.each([
    '/a\tb',
    '\t/a',
    '/a\t',
    '/a\0',
    '/a\x7f',
    '/a\x1b[',
    '/a\x0b',
    '/a\x0c',
    '/\x80',
    '/\xa0',
    '/a?\xff',
    '/a?\xc3\xa9',
    '/a b',
    '/a\rb',
    '/a\nb',
  ])('has no other blank, no control and nothing but ASCII in or around its target: %j', (target) =>
    refuses(`GET ${target} HTTP/1.1\r\n\r\n`, 400),
  );

  it.each([
    'HTTP/1.2',
    'HTTP/1.9',
    'HTTP/0.9',
    'HTTP/2.0',
    'HTTP/1',
    'HTTP/1.',
    'HTTP/1.11',
    'HTTP/1.01',
    'HTTP/01.1',
    'http/1.1',
    'HTTPS/1.1',
    'HTTP /1.1',
    'HTTP/1.1 ',
    ' ',
    '',
  ])('ends with HTTP/1.0 or HTTP/1.1 and nothing else: %j', (version) => refuses(`GET / ${version}\r\n\r\n`, 400));

  it.each(['GET\r\n', 'GET \r\n', 'GET /\r\n', 'GET / HTTP/1.1\n', 'GET / HTTP/1.1\r\r\n', 'GET\t/ HTTP/1.1\r\n'])(
    'is whole, with CRLF behind it: %j',
    (line) => refuses(`${line}\r\n`, 400),
  );

  it.each([' GET', '\tGET', '\0GET', ':GET', 'G ET', 'G\xc9T', '\x16\x03\x01\x02', '{"a":', '\xef\xbb\xbfGET'])(
    'begins at the first byte: %j',
    (start) => refuses(`${start} / HTTP/1.1\r\n\r\n`, 400),
  );
});

describe('empty lines before a request', () => {
  it.each([1, 4])('are skipped: %i', (count) => {
    expect(accepts(`${'\r\n'.repeat(count)}GET / HTTP/1.1\r\n\r\n`)).toMatchObject({ method: 'GET', target: '/' });
  });

  it('are no way to keep a connection busy: five are refused', () => {
    refuses(`${'\r\n'.repeat(5)}GET / HTTP/1.1\r\n\r\n`, 400);
  });

  it.each(['\n', '\r', '\r\r\n', '\n\r\n', '\r\n\n', '\r\n \r\n'])('end with CRLF and hold nothing: %j', (lines) =>
    refuses(`${lines}GET / HTTP/1.1\r\n\r\n`, 400),
  );
});

describe('headers', () => {
  const head = (...lines: string[]) => `GET / HTTP/1.1\r\n${lines.map((line) => `${line}\r\n`).join('')}\r\n`;

  it('are handed over in their order and case, duplicates included', () => {
    expect(accepts(head('Host: a', 'x-b: 1', 'X-B: 2', 'host: c'))).toMatchObject({
      headers: ['Host', 'a', 'x-b', '1', 'X-B', '2', 'host', 'c'],
    });
  });

  it.each([
    ['A:', ''],
    ['A: \t ', ''],
    ['A:b', 'b'],
    ['A: \t b \tc\t ', 'b \tc'],
    ['A: :', ':'],
    ['A: \x80\xff\xa0', '\x80\xff\xa0'],
    ['A: "\\"', '"\\"'],
  ])('lose the blanks around their values, and nothing else: %j', (line, value) => {
    expect(accepts(head(line))).toMatchObject({ headers: ['A', value] });
  });

  it('have every octet of a token in their names', () => {
    const name = "!#$%&'*+-.^_`|~09azAZ";
    expect(accepts(head(`${name}: 1`))).toMatchObject({ headers: [name, '1'] });
  });

  it.each(['A : b', ' A: b', '\tA: b', ': b', ':', 'A', 'A b: c', 'A\0: b', 'A\x7f: b', '\xc4: b', 'A(: b', 'A\t: b'])(
    'have nothing but a token for a name, and a colon behind it: %j',
    (line) => refuses(head(line), 400),
  );

  it.each(['A: b\r\n c', 'A: b\r\n\tc', 'A: b\r\n : c', 'A:\r\n b', 'A: b\r\n \r\nB: c'])(
    'are never folded over lines: %j',
    (lines) => refuses(head(lines, 'Host: a'), 400),
  );

  it.each([...Array.from({ length: 32 }, (_, code) => code), 0x7f].filter((code) => code !== 9 && code !== 13))(
    'have no control in their values: %i',
    (code) => refuses(head(`A: b${String.fromCharCode(code)}c`), 400),
  );

  it.each(['A: b\n', 'A: b\r', 'A: b\rB: c\r\n', 'A: b\nB: c\r\n', 'A: b\r\r\n', 'A: b\r\n\r', 'A: b\r\n\n'])(
    'end with CRLF each, and so does their empty line: %j',
    (lines) => refuses(`GET / HTTP/1.1\r\n${lines}Z: z\r\n\r\n`, 400),
  );

  it('end at their empty line: what follows is no part of the head', () => {
    const first = head('Content-Length: 3');
    for (const behind of ['abc', 'GET /b HTTP/1.1\r\n\r\n', '\r\n\r\n', '\0'])
      expect(read([first + behind])).toMatchObject({ outcome: 'complete', end: first.length });
  });

  it('are all needed: a head that is cut anywhere is no head yet', () => {
    const whole = head('Host: a', 'A:', 'B: c');
    for (let length = 0; length < whole.length; length++)
      expect(read([whole.slice(0, length)]), `${length} bytes`).toEqual({ outcome: 'needs-more' });
  });
});

describe('a head that is too large', () => {
  const filled = (start: string, bytes: number) => `${start}${'f'.repeat(bytes - start.length - 4)}\r\n\r\n`;

  it('is one byte longer than may be, request line and headers together', () => {
    accepts(filled('GET / HTTP/1.1\r\nA: ', BYTES_MAX));
    refuses(filled('GET / HTTP/1.1\r\nA: ', BYTES_MAX + 1), 431);
    accepts(`GET /${'t'.repeat(BYTES_MAX - 18)} HTTP/1.1\r\n\r\n`);
    refuses(`GET /${'t'.repeat(BYTES_MAX - 17)} HTTP/1.1\r\n\r\n`, 414);
  });

  it('counts the empty lines before it', () => {
    accepts(filled('\r\n\r\nGET / HTTP/1.1\r\nA: ', BYTES_MAX));
    refuses(filled('\r\n\r\nGET / HTTP/1.1\r\nA: ', BYTES_MAX + 1), 431);
  });

  it('is refused as soon as it is, whole or not', () => {
    const start = 'GET / HTTP/1.1\r\nA: ';
    for (const more of ['f'.repeat(BYTES_MAX), `${'f'.repeat(BYTES_MAX - start.length)}\r`, 'B: c\r\n'.repeat(50)]) {
      expect(read([(start + more).slice(0, BYTES_MAX)])).toEqual({ outcome: 'needs-more' });
      refuses((start + more).slice(0, BYTES_MAX + 1), 431);
    }
  });

  it.each([
    ['half of the room', BYTES_MAX / 2, 414],
    ['less', BYTES_MAX / 2 - 1, 431],
  ])('is 414 where the target alone takes %s', (_name, bytes, status) => {
    refuses(filled(`GET /${'t'.repeat(bytes - 1)} HTTP/1.1\r\nA: `, BYTES_MAX + 1), status);
    refuses(`GET /${'t'.repeat(BYTES_MAX)}`.slice(0, BYTES_MAX + 1), 414);
  });

  it.each([
    ['a word', 'G'.repeat(BYTES_MAX + 1), 400],
    ['blanks', `GET ${' '.repeat(BYTES_MAX)}`, 431],
    ['blanks behind the target', `GET /${' '.repeat(BYTES_MAX)}`, 431],
    ['empty lines', '\r\n'.repeat(BYTES_MAX), 400],
    ['a name', `GET / HTTP/1.1\r\n${'n'.repeat(BYTES_MAX)}`, 431],
    ['blanks before a value', `GET / HTTP/1.1\r\nA:${' '.repeat(BYTES_MAX)}`, 431],
    ['the shortest headers', `GET / HTTP/1.1\r\n${'a:\r\n'.repeat(BYTES_MAX)}`, 431],
  ])('is too large by whatever it has too much of: %s', (_name, text, status) => {
    refuses(text.slice(0, BYTES_MAX + 1), status);
    expect(read([text])).toEqual({ outcome: 'invalid', status });
  });

  it('is a bad one first, where it is that within its room', () => {
    refuses(`GET / HTTP/1.1\r\nA b: c\r\n${'f'.repeat(BYTES_MAX)}`, 400);
  });

  it('has room for as many headers as fit', () => {
    const count = (BYTES_MAX - 18) / 4;
    expect(accepts(`GET / HTTP/1.1\r\n${'a:\r\n'.repeat(Math.floor(count))}\r\n`)).toMatchObject({
      headers: Array.from({ length: Math.floor(count) * 2 }, (_, index) => (index % 2 === 0 ? 'a' : '')),
    });
  });
});

it('one head says nothing of the one before it: a reader serves many connections', () => {
  read([`GET /${'t'.repeat(200)} HTTP/1.1\r\nA: b\r\n`]);
  expect(read([`GET / HTTP/1.1\r\nA: ${'f'.repeat(BYTES_MAX)}`])).toEqual({ outcome: 'invalid', status: 431 });
  const first = read(['GET /a HTTP/1.0\r\nA: b\r\n\r\n']);
  expect(read(['POST /b HTTP/1.1\r\n\r\n'])).toMatchObject({ method: 'POST', target: '/b', headers: [] });
  expect(first).toMatchObject({ method: 'GET', target: '/a', minorVersion: 0, headers: ['A', 'b'] });
});

it('a line is read twice at most, in however many pieces its head comes', () => {
  const large = new HeadReader(1024 * 1024);
  const text = `GET / HTTP/1.1\r\n${'a:\r\n'.repeat(100_000)}`;
  const bytes = Buffer.from(text);
  let looks = 0;
  const watched = new Proxy(bytes, {
    get: (target, key) => {
      if (typeof key === 'string' && key.charCodeAt(0) < 0x3a) looks++;
      return Reflect.get(target, key, target);
    },
  });
  let linesRead = 0;
  for (let to = 2; to <= 40_000; to += 4) {
    expect(large.read(watched, 0, to, linesRead)).toBe('needs-more');
    linesRead = large.linesRead;
  }
  expect(looks).toBeLessThan(40_000 * 6);
  expect(linesRead).toBeGreaterThan(39_990);
});

describe('fields that come again on a connection', () => {
  const large = new HeadReader(4096);
  /** All that a connection takes from one head. */
  function readNext(text: string, last: LastFields | null) {
    const bytes = Buffer.from(text, 'latin1');
    const outcome = large.read(bytes, 0, bytes.length, 0, last);
    if (outcome !== 'complete') return { outcome, status: outcome === 'invalid' && large.status };
    const { method, target, fields } = large.head;
    const { minorVersion, headers, meant, passing, facts, options } = fields;
    return { outcome, end: large.end, method, target, minorVersion, headers, meant, passing, facts, options };
  }
  const fieldsRead = () => large.head.fields;
  const FIELDS = 'Host: a\r\nAuthorization: Bearer t\r\nX-A: 1\r\n\r\n';
  const OTHERS = 'Host: a\r\nAuthorization: Bearer u\r\nX-A: 1\r\n\r\n';

  it('are read once, whatever the request line and what follows', () => {
    const last = new LastFields();
    readNext(`GET /a HTTP/1.1\r\n${FIELDS}`, last);
    const first = fieldsRead();
    expect(readNext(`POST /b?c HTTP/1.1\r\n${FIELDS}GET`, last)).toMatchObject({ method: 'POST', target: '/b?c' });
    expect(fieldsRead()).toBe(first);
    readNext(`GET /a HTTP/1.1\r\n${OTHERS}`, last);
    expect(fieldsRead().meant).toEqual(['Host', 'a', 'Authorization', 'Bearer u']);
  });

  it('are read anew for another version, which may mean something else by them', () => {
    const last = new LastFields();
    readNext('GET / HTTP/1.0\r\nTransfer-Encoding: chunked\r\nHost: a\r\n\r\n', last);
    expect(fieldsRead().facts).toBeNull();
    readNext('GET / HTTP/1.1\r\nTransfer-Encoding: chunked\r\nHost: a\r\n\r\n', last);
    expect(fieldsRead().facts).toMatchObject({ body: { kind: 'chunked' } });
  });

  it('are not kept in the buffer that they came in, which is used again', () => {
    const last = new LastFields();
    const bytes = Buffer.from(`GET / HTTP/1.1\r\n${FIELDS}`, 'latin1');
    large.read(bytes, 0, bytes.length, 0, last);
    bytes.fill('x');
    expect(readNext(`GET / HTTP/1.1\r\n${'x'.repeat(FIELDS.length)}\r\n\r\n`, last)).toEqual({
      outcome: 'invalid',
      status: 400,
    });
    expect(readNext(`GET / HTTP/1.1\r\n${FIELDS}`, last)).toMatchObject({
      headers: expect.arrayContaining(['X-A', '1']),
    });
  });

  it('count against the room of the head like any others', () => {
    const last = new LastFields();
    const long = `Host: a\r\nX-A: ${'f'.repeat(1000)}\r\n\r\n`;
    readNext(`GET / HTTP/1.1\r\n${long}`, last);
    expect(readNext(`GET /${'a'.repeat(4000)} HTTP/1.1\r\n${long}`, last)).toEqual({ outcome: 'invalid', status: 414 });
  });

  it('are not waited for where a client never repeats them, nor kept where they are long', () => {
    const last = new LastFields();
    for (let index = 0; index < 6; index++) readNext(`GET / HTTP/1.1\r\nX-A: ${index}\r\n${FIELDS}`, last);
    readNext(`GET / HTTP/1.1\r\n${FIELDS}`, last);
    const first = fieldsRead();
    readNext(`GET / HTTP/1.1\r\n${FIELDS}`, last);
    expect(fieldsRead()).not.toBe(first);
    const other = new LastFields();
    const long = `Host: a\r\nX-A: ${'f'.repeat(3000)}\r\n\r\n`;
    readNext(`GET / HTTP/1.1\r\n${long}`, other);
    const longRead = fieldsRead();
    readNext(`GET / HTTP/1.1\r\n${long}`, other);
    expect(fieldsRead()).not.toBe(longRead);
  });

  it('a head reads the same after any others of its connection', () => {
    const line = fc.constantFrom(
      'Host: a',
      'Host: b',
      'Content-Length: 1',
      'Transfer-Encoding: chunked',
      'X: 1',
      'X : 1',
      'Connection: close',
      'Via: v',
      'Authorization: Bearer t',
      'x-forwarded-for: 1',
    );
    const head = fc
      .tuple(
        fc.constantFrom('GET / HTTP/1.1', 'GET /b HTTP/1.0', 'PUT /c HTTP/1.1', 'GET  /d HTTP/1.1'),
        fc.array(line, { maxLength: 3 }),
        fc.constantFrom('\r\n\r\n', '\r\n\r', '\r\n\r\nGET', '\n\r\n'),
      )
      .map(([start, lines, end]) => [start, ...lines].join('\r\n') + end);
    fc.assert(
      fc.property(fc.array(head, { minLength: 2, maxLength: 6 }), (heads) => {
        const last = new LastFields();
        for (const text of [...heads, ...heads]) expect(readNext(text, last)).toEqual(readNext(text, null));
      }),
    );
  });
});
