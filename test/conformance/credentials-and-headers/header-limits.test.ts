import { expect, test } from 'vitest';
import { rawRequest } from '../../support/raw.ts';
import { attack } from '../attack.ts';
import { harness } from '../harness.ts';

const at = harness();
const TOO_LARGE = 431;
const TOO_LONG = 414;

attack({
  name: 'a target longer than anybody needs is refused in bounded memory',
  outcome: '414 and close, also where it comes in pieces; the upstream sees nothing',
  sources: ['RFC 9112 section 3', 'RFC 9110 section 15.5.15'],
})(() => {
  test.each([
    ['a target of 200 kB', () => rawRequest(`GET /files/${'x'.repeat(200_000)}`, [at.reader])],
    ['a query of 200 kB', () => rawRequest(`GET /files/x?${'x'.repeat(200_000)}`, [at.reader])],
    ['a target of 17 kB', () => rawRequest(`GET /files/${'x'.repeat(17_000)}`, [at.reader])],
    ['a target without an end', () => `POST /files/${'x'.repeat(20_000)}`],
  ])('%s', async (_, bytes) => {
    const response = await at.refuses(bytes(), TOO_LONG);
    expect(response?.header('connection')).toBe('close');
    expect(response?.header('x-request-id')).toMatch(/^\w{26}$/);
  });

  test('a target that comes in pieces', async () => {
    using client = await at.connect();
    client.send(`GET /files/${'x'.repeat(8000)}`);
    // Read by now.
    await at.sentinel();
    client.send(`${'x'.repeat(20_000)} HTTP/1.1\r\n`);
    expect((await client.response()).status).toBe(TOO_LONG);
  });

  test('a target behind another request on the same connection', async () => {
    using client = await at.connect();
    client.send(rawRequest('GET /public/x') + rawRequest(`GET /files/${'x'.repeat(20_000)}`));
    const [first, second] = [await client.response(), await client.response(1)];
    expect([first.status, second.status]).toEqual([200, TOO_LONG]);
  });
});

attack({
  name: 'a header or token larger than anybody needs, or headers without an end, are refused in bounded memory',
  outcome: '431 and close; the upstream sees nothing',
  sources: ['RFC 6585 section 5'],
})(() => {
  test.each([
    [
      'a header whose value looks like a long target',
      () => rawRequest('GET /files/x', [at.reader, `GET: /${'x'.repeat(20_000)}`]),
    ],
    [
      'a long header behind a long target',
      () => rawRequest(`GET /files/${'x'.repeat(2000)}`, [`X: ${'x'.repeat(15_000)}`]),
    ],
    ['a header of 200 kB', () => rawRequest('GET /files/x', [at.reader, `X: ${'x'.repeat(200_000)}`])],
    ['a header name of 200 kB', () => rawRequest('GET /files/x', [at.reader, `${'x'.repeat(200_000)}: x`])],
    ['a token of 100 kB', () => rawRequest('GET /files/x', [`Authorization: Bearer pat_${'x'.repeat(100_000)}`])],
    [
      '30,000 headers',
      () => rawRequest('GET /files/x', [at.reader, ...Array.from({ length: 30_000 }, (_, i) => `x${i}: y`)]),
    ],
    [
      '30,000 times one header',
      () => rawRequest('GET /files/x', [at.reader, ...Array.from({ length: 30_000 }, () => 'x: y')]),
    ],
  ])('%s', async (_, bytes) => {
    const response = await at.refuses(bytes(), TOO_LARGE);
    expect(response?.header('connection')).toBe('close');
    expect(response?.header('x-request-id')).toMatch(/^\w{26}$/);
  });

  test('a header without an end', async () => {
    using client = await at.connect();
    client.send(`GET /files/x HTTP/1.1\r\nHost: api.test\r\n${at.reader}\r\nX: `);
    const block = Buffer.alloc(16 * 1024, 'x');
    const push = (): void => {
      while (!client.socket.destroyed && client.socket.write(block));
    };
    client.socket.on('drain', push);
    push();
    await new Promise((resolve) => client.socket.once('close', resolve));
    expect(client.responses[0]?.status).toBe(431);
    expect(at.upstream.text).toBe('');
  });
});

attack({
  name: 'a header behind many others is not overlooked',
  outcome: 'all are judged and all cross',
  sources: ['RFC 9110 section 5.4'],
})(() => {
  test('1500 headers that fit are all judged and all cross', async () => {
    const many = Array.from({ length: 1500 }, (_, index) => `a${index}: b`);
    const { request } = await at.passes(rawRequest('GET /files/x', [at.reader, ...many]));
    expect(request.headers.filter(([name]) => /^a\d+$/.test(name)).length).toBe(1500);
  });
});

attack({
  name: 'a header line that is not one by the letter is refused',
  outcome: '400; the upstream sees nothing',
  sources: ['RFC 9112 section 5', 'CVE-2019-9900', 'CVE-2021-22959', 'CVE-2023-30589', 'CVE-2024-27982'],
})(() => {
  test.each([
    'X : y',
    'X\t: y',
    ' X: y',
    'X',
    ': y',
    'X\x00: y',
    'X: y\x00',
    'X: a\rb',
    'X: a\nb',
    'X: a\r\n b',
    'X: a\r\n\tb',
    'X\r\n: y',
    'X\xe4: y',
    'X(: y',
    'X"Y: z',
    'X/Y: z',
    'X{}: z',
    'X: y\r\r',
  ])('%j', async (line) => {
    await at.refuses(Buffer.from(rawRequest('GET /files/x', [at.reader, line]), 'latin1'), 400);
    await at.refuses(
      Buffer.from(`GET /files/x HTTP/1.1\r\n${line}\r\nHost: api.test\r\n${at.reader}\r\n\r\n`, 'latin1'),
      400,
    );
  });
});

attack({
  name: 'control characters in a header value are refused',
  outcome: '400; the upstream sees nothing',
  sources: ['RFC 9110 section 5.5'],
})(() => {
  test.each(['X: a\x01b', 'X: a\x0bb', 'X: a\x0cb', 'X: a\x1bb', 'X: a\x7fb'])('%j never crosses', async (line) => {
    await at.refuses(rawRequest('GET /files/x', [at.reader, line]), 400);
  });
});
