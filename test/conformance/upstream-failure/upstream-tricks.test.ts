import { expect, test } from 'vitest';
import { rawRequest } from '../../support/raw.ts';
import { hasNode } from '../../support/tools.ts';
import { attack } from '../attack.ts';
import { harness } from '../harness.ts';

const at = harness();
const get = () => rawRequest('GET /files/x', [at.reader]);
const next = 'HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nnext';

/** The next client, on whichever connection, gets its own answer. */
async function expectNextUnharmed(): Promise<void> {
  at.upstream.reply = () => next;
  const { response } = await at.passes(rawRequest('GET /files/next', [at.reader]));
  expect(response.body).toBe('next');
}

attack({
  name: 'an answer that two parsers could read in two ways is given to nobody',
  outcome: '502; the next client is unharmed',
  sources: ['RFC 9112 section 6.3', 'RFC 9112 section 11.1'],
})(() => {
  test.each([
    ['both framings', 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n'],
    ['two lengths', 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\nabc'],
    ['two equal lengths', 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 2\r\n\r\nab'],
    ['a list of lengths', 'HTTP/1.1 200 OK\r\nContent-Length: 2, 2\r\n\r\nab'],
    ['a negative length', 'HTTP/1.1 200 OK\r\nContent-Length: -2\r\n\r\nab'],
    ['a length with a sign', 'HTTP/1.1 200 OK\r\nContent-Length: +2\r\n\r\nab'],
    ['a hexadecimal length', 'HTTP/1.1 200 OK\r\nContent-Length: 0x2\r\n\r\nab'],
    ['an empty length', 'HTTP/1.1 200 OK\r\nContent-Length:\r\n\r\nab'],
    ['a huge length', 'HTTP/1.1 200 OK\r\nContent-Length: 18446744073709551618\r\n\r\nab'],
    ['an unknown coding', 'HTTP/1.1 200 OK\r\nTransfer-Encoding: xchunked\r\n\r\n0\r\n\r\n'],
    ['a coding twice', 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked, chunked\r\n\r\n0\r\n\r\n'],
    ['another coding', 'HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n'],
    ['a line feed in a value', 'HTTP/1.1 200 OK\r\nX: a\nSet-Cookie: b\r\nContent-Length: 2\r\n\r\nab'],
    ['a carriage return in a value', 'HTTP/1.1 200 OK\r\nX: a\rSet-Cookie: b\r\nContent-Length: 2\r\n\r\nab'],
    ['NUL in a value', 'HTTP/1.1 200 OK\r\nX: a\x00b\r\nContent-Length: 2\r\n\r\nab'],
    ['a control character in a value', 'HTTP/1.1 200 OK\r\nX: a\x01b\r\nContent-Length: 2\r\n\r\nab'],
    ['an escape in a value', 'HTTP/1.1 200 OK\r\nX: a\x1b[2Jb\r\nContent-Length: 2\r\n\r\nab'],
    ['DEL in a value', 'HTTP/1.1 200 OK\r\nX: a\x7fb\r\nContent-Length: 2\r\n\r\nab'],
    ['a folded header', 'HTTP/1.1 200 OK\r\nX: a\r\n b\r\nContent-Length: 2\r\n\r\nab'],
    ['a space in a name', 'HTTP/1.1 200 OK\r\nX Y: a\r\nContent-Length: 2\r\n\r\nab'],
    ['a space before the colon', 'HTTP/1.1 200 OK\r\nContent-Length : 2\r\n\r\nab'],
    ['an empty name', 'HTTP/1.1 200 OK\r\n: a\r\nContent-Length: 2\r\n\r\nab'],
    ['no colon', 'HTTP/1.1 200 OK\r\nX\r\nContent-Length: 2\r\n\r\nab'],
    ['a name above ASCII', 'HTTP/1.1 200 OK\r\nX\xe4: a\r\nContent-Length: 2\r\n\r\nab'],
    ['line feeds', 'HTTP/1.1 200 OK\nContent-Length: 2\n\nab'],
    ['NUL in the reason', 'HTTP/1.1 200 O\x00K\r\nContent-Length: 2\r\n\r\nab'],
    ['an escape in the reason', 'HTTP/1.1 200 O\x1bK\r\nContent-Length: 2\r\n\r\nab'],
    ['no number', 'HTTP/1.1 OK\r\nContent-Length: 2\r\n\r\nab'],
    ['status 99', 'HTTP/1.1 099 Low\r\nContent-Length: 2\r\n\r\nab'],
    ['four digits', 'HTTP/1.1 2000 OK\r\nContent-Length: 2\r\n\r\nab'],
    ['HTTP/0.9', 'ab\r\n\r\n'],
    ['HTTP/2.0', 'HTTP/2.0 200 OK\r\nContent-Length: 2\r\n\r\nab'],
    ['another protocol', 'SSH-2.0-OpenSSH_9.9\r\n\r\n'],
    [
      'a switch that nobody asked for',
      'HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: foo\r\n\r\nfoo',
    ],
    ['a head without an end', `HTTP/1.1 200 OK\r\nX: ${'x'.repeat(200_000)}`],
    ['headers without an end', `HTTP/1.1 200 OK\r\n${'X: y\r\n'.repeat(50_000)}`],
    ['interim answers without an end', 'HTTP/1.1 103 Early Hints\r\n\r\n'.repeat(1000)],
  ])('%s', async (_, bytes) => {
    at.upstream.reply = () => bytes;
    const { response } = await at.passes(Buffer.from(get(), 'latin1'));
    expect(response.status).toBe(502);
    expect(response.body).not.toMatch(/Set-Cookie|SSH-/);
    await expectNextUnharmed();
  });
});

attack({
  name: 'an answer made to be slow to read costs no more than any other',
  outcome: 'it crosses in the usual time',
  sources: [],
})(() => {
  test('a value of blanks without an end costs no more than any other', async () => {
    const took: number[] = [];
    for (let nth = 0; nth < 3; nth++) {
      at.upstream.clear();
      at.upstream.reply = ({ target }) =>
        target === '/files/x' ? `HTTP/1.1 200 OK\r\nX: a${' '.repeat(30_000)}` : next;
      using client = await at.connect();
      client.send(get());
      const { connection } = await at.upstream.request();
      // Read by now: it comes in two pieces.
      await at.sentinel();
      const started = performance.now();
      connection.write(`${' '.repeat(30_000)}b\r\nContent-Length: 2\r\n\r\nok`);
      expect((await client.response()).header('x')?.length).toBe(60_002);
      took.push(performance.now() - started);
    }
    expect(Math.min(...took)).toBeLessThan(1000);
  });
});

attack({
  name: 'surplus bytes behind an answer go to nobody',
  outcome: 'dropped with their connection; the next client is unharmed',
  sources: ['RFC 9112 section 6.3'],
})(() => {
  test.each([
    [
      'a second answer',
      'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nokHTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\npoison',
    ],
    [
      'a second answer behind chunks',
      'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\npoison',
    ],
    ['loose bytes', 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nokpoison'],
    ['an empty line', 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok\r\n'],
  ])('%s', async (_, bytes) => {
    at.upstream.reply = () => bytes;
    const { response } = await at.passes(get());
    expect(response.body).toBe('ok');
    await expectNextUnharmed();
    expect(new Set(at.upstream.requests.map(({ connection }) => connection)).size).toBe(2);
  });
});

attack({
  name: 'a body where none may be, to HEAD, 204 or 304, goes to nobody',
  outcome: 'dropped; the connection stays in step',
  sources: ['RFC 9112 section 6.3', 'RFC 9110 section 8.6'],
})(() => {
  test.each([
    ['HEAD with chunks', 'HEAD', 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n6\r\npoison\r\n0\r\n\r\n'],
    ['HEAD with a body', 'HEAD', 'HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\npoison'],
    ['204 with a body', 'GET', 'HTTP/1.1 204 No Content\r\nContent-Length: 6\r\n\r\npoison'],
    ['204 with chunks', 'GET', 'HTTP/1.1 204 No Content\r\nTransfer-Encoding: chunked\r\n\r\n6\r\npoison\r\n0\r\n\r\n'],
    ['304 with a body', 'GET', 'HTTP/1.1 304 Not Modified\r\nContent-Length: 6\r\n\r\npoison'],
  ])('%s', async (_, method, bytes) => {
    at.upstream.reply = () => bytes;
    using client = await at.connect();
    client.send(rawRequest(`${method} /files/x`, [at.reader]));
    const response = await client.response();
    expect(response.body).toBe('');
    expect(response.header('transfer-encoding')).toBeUndefined();
    // RFC 9110 section 8.6: no Content-Length in a 204.
    if (response.status === 204) expect(response.header('content-length')).toBeUndefined();
    at.upstream.reply = () => next;
    client.send(rawRequest('GET /files/y', [at.reader]));
    expect((await client.response(1)).body).toBe('next');
    expect(client.received).not.toContain('poison');
    await expectNextUnharmed();
  });

  test('HEAD and 304 keep the length that they announce', async () => {
    at.upstream.reply = ({ method }) =>
      method === 'HEAD'
        ? 'HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\n'
        : 'HTTP/1.1 304 Not Modified\r\nContent-Length: 6\r\nETag: "x"\r\n\r\n';
    for (const method of ['HEAD', 'GET']) {
      const { response } = await at.passes(rawRequest(`${method} /files/x`, [at.reader]));
      expect([response.header('content-length'), response.body]).toEqual(['6', '']);
    }
  });
});

attack({
  name: 'bytes on an idle upstream connection are taken for no answer',
  outcome: 'dropped with their connection',
  sources: ['RFC 9112 section 9.3'],
})(() => {
  test('bytes on an idle connection are taken for no answer', async () => {
    await at.passes(get());
    const [connection] = at.upstream.connections;
    connection!.write('HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\npoison');
    await connection!.ended;
    await expectNextUnharmed();
  });
});

attack({
  name: 'an answer that is only unusual is not damaged',
  outcome: 'order, case, repetition and bytes are kept',
  sources: ['RFC 9110 section 5.2'],
})(() => {
  test('order, case, repetition and bytes above ASCII are kept, body or not, at once or later', async () => {
    const headers = [
      ['X-b', '2'],
      ['Set-Cookie', 'a=1'],
      ['x-A', 'gr\xfc\xdfe'],
      ['set-cookie', 'b=2'],
      ['X-Empty', ''],
    ];
    const head = headers.map(([name, value]) => `${name}: ${value}\r\n`).join('');
    const answers: [string, (write: (bytes: string) => void) => void][] = [
      ['length', (write) => write(`HTTP/1.1 203 Gr\xfc\xdfe\r\n${head}Content-Length: 2\r\n\r\nok`)],
      ['no body', (write) => write(`HTTP/1.1 203 Gr\xfc\xdfe\r\n${head}Content-Length: 0\r\n\r\n`)],
      [
        'chunks',
        (write) => write(`HTTP/1.1 203 Gr\xfc\xdfe\r\n${head}Transfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n`),
      ],
      ['chunks later', (write) => write(`HTTP/1.1 203 Gr\xfc\xdfe\r\n${head}Transfer-Encoding: chunked\r\n\r\n`)],
    ];
    for (const [what, act] of answers) {
      at.upstream.clear();
      at.upstream.reply = ({ connection }) => void act((bytes) => connection.write(bytes));
      using client = await at.connect();
      client.send(get());
      if (what === 'chunks later') {
        await client.untilText('\r\n\r\n');
        at.upstream.connections[0]!.write('2\r\nok\r\n0\r\n\r\n');
      }
      const response = await client.response();
      const own = new Set(headers.map(([name]) => name!.toLowerCase()));
      expect(
        response.headers.filter(([name]) => own.has(name.toLowerCase())),
        what,
      ).toEqual(headers);
      expect(response.reason, what).toBe('Gr\xfc\xdfe');
    }
  });
});

attack({
  name: 'hop-by-hop headers of an answer go no further',
  outcome: 'removed',
  sources: ['RFC 9110 section 7.6.1'],
})(() => {
  test('save what belongs to the hop', async () => {
    at.upstream.reply = () =>
      'HTTP/1.1 200 OK\r\nConnection: X-Hop, close\r\nX-Hop: 1\r\nKeep-Alive: timeout=1\r\nUpgrade: h2c\r\n' +
      'Proxy-Authenticate: Basic\r\nX-Request-Id: theirs\r\nVia: 1.1 theirs\r\nContent-Length: 2\r\n\r\nok';
    const { response } = await at.passes(get());
    expect(response.header('x-hop')).toBeUndefined();
    expect(response.header('upgrade')).toBeUndefined();
    expect(response.header('proxy-authenticate')).toBeUndefined();
    expect(response.all('x-request-id').length).toBe(1);
    expect(response.header('x-request-id')).not.toBe('theirs');
    expect(response.all('via')).toEqual(['1.1 theirs, 1.1 scopegate']);
  });
});

attack({
  name: 'trailers of an answer, announced or not, do not hang or break it',
  outcome: 'those that frame or route are dropped, odd ones break off',
  sources: ['RFC 9110 section 6.5.1'],
})(() => {
  test.each([
    ['a length', 'HTTP/1.1 200 OK\r\nTrailer: X-Sum\r\nContent-Length: 2\r\n\r\nok'],
    [
      'chunks',
      'HTTP/1.1 200 OK\r\nTrailer: X-Sum\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\nX-Sum: 1\r\n\r\n',
    ],
    ['no body', 'HTTP/1.1 304 Not Modified\r\nTrailer: X-Sum\r\n\r\n'],
  ])('an announcement of trailers does no harm (%s)', async (_, bytes) => {
    at.upstream.reply = () => bytes;
    for (const version of ['HTTP/1.1', 'HTTP/1.0']) {
      using client = await at.connect();
      client.send(rawRequest(`GET /files/x ${version}`, [at.reader, 'Connection: close']));
      await client.untilEnded();
      expect(client.responses[0]).toMatchObject({ complete: true });
      expect(client.responses[0]!.status).toBeLessThan(400);
    }
  });

  test('trailers cross; those that frame or route do not, and odd ones break nothing', async () => {
    const chunked = (trailers: string) =>
      `HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n${trailers}\r\n`;
    at.upstream.reply = () =>
      chunked(
        'X-Sum: gr\xfc\xdfe\r\nConnection: close\r\nTrailer: x\r\nX-Request-Id: theirs\r\nKeep-Alive: timeout=1\r\n',
      );
    const { response } = await at.passes(get());
    expect(response.trailers).toEqual([['X-Sum', 'gr\xfc\xdfe']]);
    for (const odd of ['X: a\x01b\r\n', 'X\xe4: b\r\n', 'X: a\x7f\r\n', 'Content-Length: 5\r\n', 'X\r\n']) {
      at.upstream.reply = () => chunked(odd);
      using client = await at.connect();
      client.send(get());
      await client.until(({ ending, responses }) => ending !== 'open' || responses[0]?.complete === true);
      expect(client.received).not.toMatch(/[\x01\x7f]/);
      await expectNextUnharmed();
    }
  });
});

attack({
  name: 'interim answers are not taken for the final one',
  outcome: '103 crosses with its Link alone, others whole, 100 not at all; the final one crosses',
  sources: ['RFC 9110 section 15.2', 'RFC 8297'],
})(() => {
  const hints = (...lines: string[]) =>
    `HTTP/1.1 103 Early Hints\r\n${lines.map((line) => `${line}\r\n`).join('')}\r\n`;

  test('a hint reaches the client at once, before the answer is there', async () => {
    at.upstream.replyToHead = (_head, connection) => {
      connection.write(hints('Link: </a>; rel=preload', 'X-Scopegate-Role: admin', 'Link: </b>; rel=preload'));
      return undefined;
    };
    using client = await at.connect();
    const hint = 'HTTP/1.1 103 Early Hints\r\nLink: </a>; rel=preload, </b>; rel=preload\r\n\r\n';
    await client.send(get()).untilText(hint);
    expect(client.received).toBe(hint);
    at.upstream.connections.at(-1)!.write(next);
    await client.untilText('\r\n\r\nnext');
    expect(client.received).toContain(`${hint}HTTP/1.1 200 OK\r\n`);
  });

  test.each([
    ['100', 'HTTP/1.1 100 Continue\r\n\r\n'],
    ['hints without a link', hints('X-A: b')],
    ['hints whose link is none', hints('Link: x')],
    ['hints whose link is not ASCII', hints('Link: </\xe9>; rel=preload')],
  ])('%s do not reach it, and harm nothing', async (_, interim) => {
    at.upstream.reply = () => interim + next;
    const { response } = await at.passes(get());
    expect([response.status, response.body]).toEqual([200, 'next']);
  });

  test.skipIf(!hasNode(24))(
    'any other reaches the client as it is, without what belongs to the connection',
    async () => {
      at.upstream.reply = () =>
        `HTTP/1.1 102 Processing\r\n\r\nHTTP/1.1 199 X\r\nX-Progress: 50%\r\nKeep-Alive: timeout=5\r\nX-Not: \xe9\r\n\r\n${next}`;
      using client = await at.connect();
      await client.send(get()).untilText('\r\n\r\nnext');
      const interim = 'HTTP/1.1 102 Processing\r\n\r\nHTTP/1.1 199 unknown\r\nX-Progress: 50%\r\n\r\n';
      expect(client.received.slice(0, interim.length)).toBe(interim);
      expect(client.received).toContain(`${interim}HTTP/1.1 200 OK\r\n`);
    },
  );

  test('a client of HTTP/1.0 is sent none', async () => {
    at.upstream.reply = () => hints('Link: </x>; rel=preload') + next;
    using client = await at.connect();
    const response = await client.send(`GET /files/x HTTP/1.0\r\nHost: api.test\r\n${at.reader}\r\n\r\n`).response();
    expect(response.body).toBe('next');
  });
});

attack({
  name: 'a line break that a client encodes into its query does not split an answer',
  outcome: 'it stays encoded',
  sources: ['RFC 9112 section 11.1'],
})(() => {
  test('what a client put into its query comes back in no header of ours', async () => {
    at.upstream.reply = ({ target }) => `HTTP/1.1 302 Found\r\nLocation: ${target}\r\nContent-Length: 0\r\n\r\n`;
    const { response } = await at.passes(rawRequest('GET /files/x?a=%0d%0aSet-Cookie:%20b', [at.reader]));
    expect(response.header('location')).toBe('/files/x?a=%0d%0aSet-Cookie:%20b');
    expect(response.header('set-cookie')).toBeUndefined();
  });
});

attack({
  name: 'a status that nobody knows is not taken for a failure',
  outcome: 'it crosses',
  sources: ['RFC 9110 section 15'],
})(() => {
  test('statuses that nobody knows pass', async () => {
    for (const status of [299, 418, 451, 599, 999]) {
      at.upstream.reply = () => `HTTP/1.1 ${status} \r\nContent-Length: 2\r\n\r\nok`;
      const { response } = await at.passes(get());
      expect(response.status).toBe(status);
    }
  });
});
