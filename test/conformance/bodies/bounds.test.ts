/** How much of a body is waited for, for whom, and for how long. */
import { expect, test } from 'vitest';
import { ask, rawRequest } from '../../support/raw.ts';
import { scraped } from '../../support/scrape.ts';
import { attack } from '../attack.ts';
import { counted, harness, ROUTES } from '../harness.ts';

const LIMIT = 4096;
const at = harness({
  routes: [
    ...ROUTES,
    {
      id: 'space',
      match: { methods: ['POST'], path: '/space' },
      require: { scopes: ['bot:write'], workspace: { from: 'body.space_id', as: 'workspace', role: 'member' } },
    },
  ],
  settings: { gateway: { limits: { inspectedBodyBytes: LIMIT, inspectedBodyTotalBytes: 8 * LIMIT } } },
});
const JSON_TYPE = 'Content-Type: application/json';
const text = (length: number) => {
  const known = '{"space_id":"ws_sales","x":""}';
  return known.replace('""', `"${'x'.repeat(length - known.length)}"`);
};
const waiting = async () => {
  const metrics = await scraped(at.gateway.running.metrics);
  return Number(/^scopegate_waiting_body_bytes (\d+)$/m.exec(metrics)![1]);
};
const owner = () => `Authorization: Bearer ${at.gateway.tokens.owner}`;
/** A body of which `sent` bytes have come, and more is to come. */
const begin = async (credential: string, sent: number) => {
  const client = await at.connect();
  client.send(
    rawRequest('POST /space', [credential, JSON_TYPE, `Content-Length: ${LIMIT}`], text(LIMIT).slice(0, sent)),
  );
  return client;
};
const until = async (bytes: number) => {
  while ((await waiting()) !== bytes) await new Promise((next) => setImmediate(next));
};

attack({
  name: 'a body is read for nobody without token and scope',
  outcome: '401 or 403 at once, without an invitation, while the body has not come',
  sources: ['RFC 9110 section 10.1.1'],
})(() => {
  test.each([
    ['no token', () => [], 401],
    ['an unknown token', () => [`Authorization: Bearer pat_${'x'.repeat(49)}`], 401],
    ['too small a scope', () => [at.reader], 403],
  ] as const)('%s', async (_name, credential, status) => {
    using client = await at.connect();
    client.send(rawRequest('POST /space', [...credential(), JSON_TYPE, 'Expect: 100-continue', 'Content-Length: 30']));
    expect((await client.response()).status).toBe(status);
    expect(client.received).not.toContain('100 Continue');
    expect(await waiting()).toBe(0);
  });
});

attack({
  name: 'a body that is looked into keeps its framing, whatever comes before it and behind it',
  outcome: 'it crosses byte for byte, counted or in chunks with its trailers; an expected 100 is sent first',
  sources: ['RFC 9112 section 6'],
})(() => {
  test('in chunks, with trailers, byte by byte', async () => {
    const chunks = [...text(64)].map((char) => `1;x=y\r\n${char}\r\n`).join('');
    const head = rawRequest('POST /space', [at.writer, JSON_TYPE, 'Transfer-Encoding: chunked', 'Trailer: X-Sum']);
    const { request } = await at.passes(`${head}${chunks}0\r\nX-Sum: 7\r\n\r\n`);
    expect([request.framing, request.body, request.trailers]).toEqual(['chunked', text(64), [['X-Sum', '7']]]);
  });

  test('asked for by 100 Continue, once', async () => {
    using client = await at.connect();
    client.send(rawRequest('POST /space', [at.writer, JSON_TYPE, 'Expect: 100-continue', 'Content-Length: 64']));
    await client.untilText('HTTP/1.1 100 Continue\r\n\r\n');
    client.send(text(64));
    expect((await client.response()).status).toBe(200);
    expect(client.received.split('100 Continue').length).toBe(2);
    expect((await at.upstream.request()).body).toBe(text(64));
  });

  test('of HTTP/1.0', async () => {
    const bytes = rawRequest('POST /space', [at.writer, JSON_TYPE, 'Content-Length: 64'], text(64));
    const { request } = await at.passes(bytes.replace('HTTP/1.1', 'HTTP/1.0'));
    expect(request.body).toBe(text(64));
  });

  test('requests that are pipelined behind one that waits are answered in their order', async () => {
    using client = await begin(at.writer, 100);
    await until(100);
    client.send(text(LIMIT).slice(100) + rawRequest('GET /files/behind', [at.reader]));
    expect((await client.response(1)).status).toBe(200);
    expect(at.upstream.lines.sort()).toEqual(['GET /files/behind', 'POST /space']);
  });

  test('up to its last byte', async () => {
    const { request } = await at.passes(
      rawRequest('POST /space', [at.writer, JSON_TYPE, `Content-Length: ${LIMIT}`], text(LIMIT)),
    );
    expect(request.body).toBe(text(LIMIT));
    expect(await waiting()).toBe(0);
  });
});

attack({
  name: 'bodies that wait are bounded, each of them, of one token, and all together',
  outcome: '413 above the size of one; 503 above a share or the whole; what was read is let go',
  sources: ['CWE-770'],
})(() => {
  test('a body that is announced too large is not even asked for', async () => {
    const lines = [at.writer, JSON_TYPE, 'Expect: 100-continue', `Content-Length: ${LIMIT + 1}`];
    const response = await at.refuses(rawRequest('POST /space', lines), 413);
    expect(response?.header('connection')).toBe('close');
  });

  test('one that grows too large is cut, and nothing behind it is run', async () => {
    const head = rawRequest('POST /space', [at.writer, JSON_TYPE, 'Transfer-Encoding: chunked']);
    const chunk = `400\r\n${'x'.repeat(1024)}\r\n`;
    await at.refuses(`${head}${chunk.repeat(6)}0\r\n\r\n${rawRequest('GET /files/behind', [at.reader])}`, 413);
    expect(await waiting()).toBe(0);
  });

  test('a token has an eighth, whatever is free, and others have theirs meanwhile', async () => {
    using first = await begin(at.writer, LIMIT - 10);
    await until(LIMIT - 10);
    // Not by `refuses`: over HTTP/2 it would ask another process, where nothing waits.
    const more = rawRequest('POST /space', [at.writer, JSON_TYPE, 'Content-Length: 64'], text(64));
    expect((await ask(at.gateway.url, more)).status).toBe(503);
    expect(at.upstream.lines).toEqual([]);
    await at.passes(rawRequest('POST /space', [owner(), JSON_TYPE, 'Content-Length: 64'], text(64)));
    first.send(text(LIMIT).slice(-10));
    expect((await first.response()).status).toBe(200);
    await at.passes(rawRequest('POST /space', [at.writer, JSON_TYPE, 'Content-Length: 64'], text(64)));
    expect(await waiting()).toBe(0);
  });

  test('many tokens fill the whole, and no more; a client that goes gives back its part', async () => {
    const tokens = [at.writer, owner()];
    while (tokens.length < 10) tokens.push(`Authorization: Bearer ${await at.gateway.mint({ scopes: ['bot:write'] })}`);
    const open = await Promise.all(tokens.slice(0, 8).map((token) => begin(token, LIMIT - 10)));
    await until(8 * (LIMIT - 10));
    const before = await counted(at.gateway, 'overloaded');
    const more = rawRequest('POST /space', [tokens[8]!, JSON_TYPE, 'Content-Length: 100'], text(100));
    const response = await ask(at.gateway.url, more);
    expect([response.status, response.header('retry-after'), at.upstream.lines]).toEqual([503, '1', []]);
    expect(await counted(at.gateway, 'overloaded')).toBe(before + 1);
    open[0]!.reset();
    await until(7 * (LIMIT - 10));
    await at.passes(rawRequest('POST /space', [tokens[8]!, JSON_TYPE, 'Content-Length: 64'], text(64)));
    for (const client of open) client.close();
    await until(0);
  });
});

attack({
  name: 'what is in force when the body has come decides, not what was when its head came',
  outcome: '401 for a token that was revoked meanwhile; nothing crosses',
  sources: ['CWE-367'],
})(() => {
  test('a token that is revoked while its body comes', async () => {
    const { body } = await at.gateway.admin('POST', '/tokens', {
      ...{ owner: 'alice', name: 'short', scopes: ['bot:write'], workspaces: ['ws_sales'], expiresInDays: 1 },
    });
    const { id, token } = body as { id: string; token: string };
    using client = await begin(`Authorization: Bearer ${token}`, 100);
    await until(100);
    expect((await at.gateway.admin('POST', `/tokens/${id}/revoke`)).status).toBe(200);
    client.send(text(LIMIT).slice(100));
    expect((await client.response()).status).toBe(401);
    expect(at.upstream.lines).toEqual([]);
    expect(await waiting()).toBe(0);
  });
});
