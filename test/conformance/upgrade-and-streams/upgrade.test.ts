import { expect, test } from 'vitest';
import { RawClient, rawRequest } from '../../support/raw.ts';
import { hasNode } from '../../support/tools.ts';
import { attack } from '../attack.ts';
import { harness } from '../harness.ts';

const at = harness();
/** Before, such a request is answered with 400. */
const canTakeForPlain = hasNode(22, 21);
const UPGRADE = ['Connection: Upgrade', 'Upgrade: websocket', 'Sec-WebSocket-Key: eA==', 'Sec-WebSocket-Version: 13'];
const PLAIN = 'HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n';
const SWITCH = 'HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n';
/** What a client might send ahead, hoping that somebody runs it. */
const AHEAD = rawRequest('GET /admin/smuggled', ['Authorization: Bearer x']);

attack({
  name: 'an upgrade to a WebSocket without a right to it dials nobody',
  outcome: '401, 403 or 404; the upstream sees nothing, not even what was sent ahead',
  sources: ['RFC 6455 section 10.5', 'RFC 9110 section 7.8'],
})(() => {
  test('without a token', () => at.refuses(rawRequest('GET /socket', UPGRADE), 401));

  test('with a wrong one', () =>
    at.refuses(rawRequest('GET /socket', [...UPGRADE, `Authorization: Bearer pat_${'0'.repeat(49)}`]), 401));

  test('with a scope too few', () => at.refuses(rawRequest('GET /admin/x', [...UPGRADE, at.reader]), 403));

  test('to a path without a route', () => at.refuses(rawRequest('GET /nowhere', [...UPGRADE, at.reader]), 404));

  test('with two tokens that differ', () =>
    at.refuses(rawRequest('GET /socket?authorization=Bearer%20other', [...UPGRADE, at.reader]), 401));

  test('with the token in the query alone, where the route does not say so', () =>
    at.refuses(rawRequest(`GET /files/x?authorization=${at.gateway.tokens.reader}`, UPGRADE), 401));

  test('and what was sent ahead is not run either', async () => {
    const response = await at.refuses(rawRequest('GET /socket', UPGRADE) + AHEAD + AHEAD, 401);
    expect(response?.header('connection')).toBe('close');
  });
});

attack({
  name: 'an upgrade whose target a URL parser would change is refused',
  outcome: '400; the upstream sees nothing',
  sources: ['CVE-2021-29492'],
})(() => {
  test.each(["/files/x?a=%27&b='c'", '/files/{x}', '/files/x?a="b"', '/files/x?a=<b>', '/files/x`y'])(
    'whose target a URL parser would change: %s',
    async (target) => {
      await at.refuses(rawRequest(`GET ${target}`, [...UPGRADE, at.reader]), 400);
    },
  );

  test.each(['/public/%2e%2e/admin/x', '/public\\..\\admin\\x', '/public/..;/admin/x', '/admin/x#/public/x'])(
    'whose target leads elsewhere: %s',
    async (target) => {
      await at.refuses(rawRequest(`GET ${target}`, UPGRADE), 400);
    },
  );

  test('whose target would be changed by taking the token out of it', () =>
    at.refuses(rawRequest(`GET /socket?authorization=${at.gateway.tokens.reader}&`, UPGRADE), 400));
});

attack({
  name: 'an upgrade by POST, with a body, over HTTP/1.0 or not named in Connection is a plain request',
  outcome: 'forwarded without Upgrade, then close',
  sources: ['RFC 9110 section 7.8'],
})(() => {
  test.each([
    ['a POST', 'POST /files/x', [], ''],
    ['with a length', 'GET /files/x', ['Content-Length: 3'], 'abc'],
    ['in chunks', 'GET /files/x', ['Transfer-Encoding: chunked'], '3\r\nabc\r\n0\r\n\r\n'],
    ['over HTTP/1.0', 'GET /files/x HTTP/1.0', [], ''],
    ['not named in Connection', 'GET /files/x', ['Connection: close'], ''],
  ])('%s', async (_, line, headers, body) => {
    const named = headers.some((header) => header.startsWith('Connection'));
    const upgrade = [...UPGRADE.slice(named ? 1 : 0, 2), ...headers];
    if (!canTakeForPlain && body !== '')
      return void (await at.refuses(rawRequest(line, [at.writer, ...upgrade], body), 400));
    const token = line.startsWith('POST') ? at.writer : at.reader;
    const { request, response } = await at.passes(rawRequest(line, [token, ...upgrade], body));
    expect(request.all('upgrade')).toEqual([]);
    expect(request.all('connection')).toEqual([]);
    expect(response.status).toBe(200);
    expect(response.header('connection')).toBe('close');
  });
});

attack({
  name: 'an upgrade whose length is declared as zero is an upgrade, and one with a length of two readings is none',
  outcome: 'tunnelled like any other; 400 for two lengths, and the upstream sees nothing',
  sources: ['RFC 9110 section 7.8', 'RFC 9112 section 6.3'],
})(() => {
  test.each(['Content-Length: 0', 'content-length: 000'])('%s', async (length) => {
    at.upstream.replyToHead = () => SWITCH;
    using client = await at.connect();
    client.send(`${rawRequest('GET /socket', [...UPGRADE, at.reader, length])}ahead`);
    await client.untilText('101 Switching Protocols');
    client.send(' and behind');
    await at.upstream.until(({ text }) => text.endsWith('\r\n\r\nahead and behind'));
    const [head] = at.upstream.text.split('\r\n\r\n');
    expect(head).toMatch(/\r\nupgrade: websocket/i);
    expect(head).not.toMatch(/content-length|transfer-encoding/i);
    at.upstream.connections[0]!.write('from afar');
    await client.untilText('from afar');
  });

  test('the rights are looked at as without it', () =>
    at.refuses(rawRequest('GET /socket', [...UPGRADE, 'Content-Length: 0']) + AHEAD, 401));

  test.each([['0', '0'], ['0', '5'], ['0, 0'], ['+0'], ['0x0'], ['-0']])('%s %s', async (...lengths) => {
    const lines = lengths.map((length) => `Content-Length: ${length}`);
    await at.refuses(rawRequest('GET /socket', [...UPGRADE, at.reader, ...lines]) + AHEAD, 400);
  });
});

attack({
  name: 'an upgrade behind a request that is not answered yet does not overtake its answer',
  outcome: 'forwarded as a plain request, answers in order',
  sources: ['RFC 9110 section 7.8'],
})(() => {
  test.skipIf(!canTakeForPlain)('one behind a request that is not answered yet: answers stay in order', async () => {
    using client = await at.connect();
    client.send(rawRequest('GET /files/1', [at.reader]) + rawRequest('GET /socket', [...UPGRADE, at.reader]));
    await client.response(1);
    expect(at.upstream.lines).toEqual(['GET /files/1', 'GET /socket']);
    expect(at.upstream.requests[1]!.all('upgrade')).toEqual([]);
  });
});

attack({
  name: 'an upstream that answers an upgrade with 200, 403 or 426 gets no tunnel',
  outcome: 'its answer crosses, then close; bytes sent ahead are not run',
  sources: ['RFC 9110 section 7.8'],
})(() => {
  test.each([
    ['200', 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\nX-A: 1\r\n\r\nok', 'ok'],
    ['403', 'HTTP/1.1 403 No\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nno\r\n0\r\n\r\n', 'no'],
    ['426', 'HTTP/1.1 426 Upgrade Required\r\nUpgrade: foo\r\nConnection: Upgrade\r\nContent-Length: 0\r\n\r\n', ''],
    ['204', 'HTTP/1.1 204 None\r\nX-A: 1\r\n\r\n', ''],
    ['400', 'HTTP/1.1 400 Bad\r\nX-Hop: 1\r\nConnection: X-Hop, close\r\nContent-Length: 1\r\n\r\nx', 'x'],
  ])('is relayed: %s; nothing is tunnelled', async (status, answer, body) => {
    at.upstream.reply = ({ target }) => (target === '/socket' ? answer : PLAIN);
    using client = await at.connect();
    client.send(rawRequest('GET /socket', [...UPGRADE, at.reader]) + AHEAD);
    const response = await client.response();
    expect(response.status).toBe(Number(status));
    expect(response.body).toBe(body);
    expect(response.header('x-hop')).toBeUndefined();
    expect(response.header('via')).toBe('1.1 scopegate');
    if (status === '426')
      expect([response.all('upgrade'), response.all('connection')]).toEqual([['foo'], ['close, upgrade']]);
    client.send(AHEAD);
    await client.finish().untilEnded();
    await at.sentinel();
    expect(client.responses).toHaveLength(1);
    expect(at.upstream.lines).toEqual(['GET /socket', 'GET /public/sentinel']);
  });
});

attack({
  name: 'an upgrade that finds every place for upgrades to the upstream taken does not wait in line',
  outcome: '503 with Retry-After at once; the upstream sees nothing, and plain requests are served meanwhile',
  sources: ['RFC 9110 section 15.6.4', 'CWE-770'],
})(() => {
  test('is told to come back, and is carried once there is room', async () => {
    at.upstream.replyToHead = (head) => (head.startsWith('GET /socket') ? SWITCH : '');
    const gateway = await at.start({ upstream: { maxConnections: 1, maxUpgrades: 1 } });
    const reader = `Authorization: Bearer ${gateway.tokens.reader}`;
    const upgrade = rawRequest('GET /socket', [...UPGRADE, reader]);
    using first = await RawClient.connect(gateway.url);
    await first.send(upgrade).untilText('101 Switching Protocols');
    using second = await RawClient.connect(gateway.url);
    const refused = await second.send(upgrade).response();
    expect([refused.status, refused.header('retry-after'), refused.header('connection')]).toEqual([503, '1', 'close']);
    using plain = await RawClient.connect(gateway.url);
    at.upstream.replyToHead = (head) => (head.startsWith('GET /socket') ? SWITCH : PLAIN);
    expect((await plain.send(rawRequest('GET /public/x')).response()).status).toBe(200);
    first.close();
    await at.upstream.connections[0]!.ended;
    using third = await RawClient.connect(gateway.url);
    await third.send(upgrade).untilText('101 Switching Protocols');
  });
});

attack({
  name: 'an upstream that requires an upgrade still says to what',
  outcome: '426 with Upgrade, named in Connection; nothing that would carry requests unseen',
  sources: ['RFC 9110 section 15.5.22', 'RFC 9110 section 7.8'],
})(() => {
  const require = (protocols: string) =>
    `HTTP/1.1 426 Upgrade Required\r\nUpgrade: ${protocols}\r\nConnection: Upgrade\r\nContent-Length: 0\r\n\r\n`;

  test('over a connection that is kept', async () => {
    at.upstream.reply = ({ target }) => (target === '/files/x' ? require('h2c, foo/2, TLS/1.2') : PLAIN);
    using client = await at.connect();
    const response = await client.send(rawRequest('GET /files/x', [at.reader, 'Connection: keep-alive'])).response();
    expect([response.status, response.all('upgrade'), response.all('connection')]).toEqual([
      426,
      ['foo/2'],
      ['upgrade'],
    ]);
    expect((await client.send(rawRequest('GET /public/x')).response(1)).status).toBe(200);
  });

  test('not where nothing is left, nor to a client of HTTP/1.0', async () => {
    at.upstream.reply = () => require('h2c');
    const bare = await at.passes(rawRequest('GET /files/x', [at.reader]));
    expect([bare.response.status, bare.response.header('upgrade')]).toEqual([426, undefined]);
    at.upstream.reply = () => require('foo');
    using client = await at.connect();
    const old = await client.send(`GET /files/x HTTP/1.0\r\nHost: api.test\r\n${at.reader}\r\n\r\n`).response();
    expect([old.status, old.header('upgrade')]).toEqual([426, undefined]);
  });
});

attack({
  name: 'half an answer to an upgrade never looks whole',
  outcome: 'the client sees it break off',
  sources: ['RFC 9112 section 8'],
})(() => {
  test.each([
    ['half an answer', 'HTTP/1.1 200 OK\r\nContent-Length: 20\r\n\r\nhalf'],
    ['half a chunk', 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n14\r\nhalf'],
  ])('%s never looks whole', async (_, answer) => {
    at.upstream.reply = ({ connection }) => void connection.end(answer);
    using client = await at.connect();
    client.send(rawRequest('GET /socket', [...UPGRADE, at.reader]));
    await client.untilEnded();
    expect(client.responses.every(({ complete }) => !complete)).toBe(true);
  });
});

attack({
  name: 'an upstream that switches to what was not offered, or answers nonsense, gets no tunnel',
  outcome: '502 and close',
  sources: ['RFC 9110 section 7.8'],
})(() => {
  test.each([
    ['to what was not offered', SWITCH.replace('websocket', 'foo')],
    ['to nothing', 'HTTP/1.1 101 Switching Protocols\r\n\r\n'],
    ['to more than was offered', SWITCH.replace('websocket', 'websocket, foo')],
    ['with a header that would split the answer', SWITCH.replace('Connection', 'X: a\x01b\r\nConnection')],
    ['garbage', 'SSH-2.0-OpenSSH_9.9\r\n\r\n'],
    ['nothing at all', ''],
  ])('but %s is unreachable', async (_, answer) => {
    at.upstream.reply = ({ connection }) => void connection.end(answer);
    using client = await at.connect();
    client.send(rawRequest('GET /socket', [...UPGRADE, at.reader]));
    expect((await client.response()).status).toBe(502);
    await client.untilEnded();
    expect(client.received).not.toContain('101');
  });
});

const upgraded = async (headers: readonly string[], line = 'GET /socket') => {
  await at.passes(rawRequest(line, [...UPGRADE, ...headers]));
  return at.upstream.requests[0]!;
};

attack({
  name: 'the headers of an upgrade carry no token, no forged identity and no hop',
  outcome: 'as for any other request',
  sources: ['RFC 9110 section 7.6.1', 'CVE-2025-64484'],
})(() => {
  test('are those of any other request: no token, no forged identity, no hop', async () => {
    const request = await upgraded([
      at.reader,
      'X-Scopegate-Role: admin',
      'x_scopegate_subject: root',
      'X-Forwarded-For: 6.6.6.6',
      'X-Original-URL: /admin/x',
      'Proxy-Authorization: Basic eA==',
      'Connection: X-Hop',
      'X-Hop: 1',
      'HTTP2-Settings: AAMAAABkAAQAAP__',
      'Cookie: a=1',
      'cookie: b=2',
      '__proto__: x',
    ]);
    expect(request.text).not.toMatch(/^(?:authorization|proxy-authorization|x-hop|x-original-url)/im);
    expect(request.text).not.toContain(at.gateway.tokens.reader);
    expect(request.text).not.toMatch(/root|6\.6\.6\.6|scopegate-role/i);
    expect(request.header('x-scopegate-subject')).toBe('bob');
    expect(request.header('x-forwarded-for')).toBe('127.0.0.1');
    expect(request.all('connection')).toEqual(['Upgrade']);
    expect(request.all('upgrade')).toEqual(['websocket']);
    expect(request.all('host')).toEqual([new URL(at.upstream.url).host]);
    expect(request.all('cookie').join('; ')).toBe('a=1; b=2');
    expect(request.header('__proto__')).toBe('x');
    expect(request.header('sec-websocket-key')).toBe('eA==');
  });

  test('keep every byte above ASCII', async () => {
    expect((await upgraded([at.reader, 'X-Name: J\xfcrgen'])).header('x-name')).toBe('J\xfcrgen');
  });

  test('and the token in the query goes nowhere', async () => {
    const request = await upgraded([], `GET /socket?a=1&authorization=Bearer%20${at.gateway.tokens.reader}&b=%2F`);
    expect(request.target).toBe('/socket?a=1&b=%2F');
    expect(request.text).not.toContain(at.gateway.tokens.reader);
  });

  test('offer what is left when what carries requests is taken out', async () => {
    const request = await upgraded([at.reader], 'GET /files/x');
    expect(request.all('upgrade')).toEqual(['websocket']);
    at.upstream.clear();
    await at.passes(rawRequest('GET /files/x', ['Connection: Upgrade', 'Upgrade: h2c, foo/2', at.reader]));
    expect(at.upstream.requests[0]!.all('upgrade')).toEqual(['foo/2']);
  });
});

attack({
  name: 'an upgrade to what would carry requests unseen, h2c above all, opens no way past the decision',
  outcome: 'judged and forwarded as a plain request, without Upgrade',
  sources: ['RFC 9110 section 7.8', 'RFC 9113 section 3.1'],
})(() => {
  test.each(['h2c', 'H2C', 'h2', 'TLS/1.0', 'HTTP/2.0', 'http/1.1', 'h2c, tls/1.2', ''])('to %j', async (protocol) => {
    const { request, response } = await at.passes(
      rawRequest('GET /files/x', [at.reader, 'Connection: Upgrade', `Upgrade: ${protocol}`]),
    );
    expect(request.all('upgrade')).toEqual([]);
    expect(response.status).toBe(200);
  });

  test.skipIf(!canTakeForPlain)('with a body: the body is a body, and what follows is judged', async () => {
    using client = await at.connect();
    client.send(
      rawRequest('POST /files/x', [at.writer, 'Connection: Upgrade', 'Upgrade: foo', 'Content-Length: 3'], 'abc') +
        rawRequest('GET /admin/x', [at.reader]),
    );
    await client.until(({ responses, ending }) => responses.length === 2 || ending !== 'open');
    expect(at.upstream.requests.map(({ body }) => body)).toEqual(['abc']);
    expect(at.upstream.lines).toEqual(['POST /files/x']);
  });

  test('and is judged like one', async () => {
    await at.refuses(rawRequest('GET /admin/x', [at.reader, 'Connection: Upgrade', 'Upgrade: h2c']), 403);
    await at.refuses(rawRequest('GET /files/x', ['Connection: Upgrade', 'Upgrade: h2c']), 401);
  });
});
