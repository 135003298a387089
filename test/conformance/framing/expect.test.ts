import { expect, test } from 'vitest';
import { rawRequest } from '../../support/raw.ts';
import { attack } from '../attack.ts';
import { harness } from '../harness.ts';

const at = harness();
const CONTINUE = 'HTTP/1.1 100 Continue\r\n\r\n';

attack({
  name: 'Expect: 100-continue is answered by us, and only after the decision',
  outcome: '100 for what is allowed; else 401 or 403 and close',
  sources: ['RFC 9110 section 10.1.1'],
})(() => {
  test('an allowed request may send its body', async () => {
    using client = await at.connect();
    client.send(rawRequest('POST /files/x', [at.writer, 'Expect: 100-continue', 'Content-Length: 3']));
    await client.untilText(CONTINUE);
    client.send('abc');
    expect((await client.response()).status).toBe(200);
    const request = await at.upstream.request();
    expect([request.body, request.header('expect')]).toEqual(['abc', undefined]);
    expect(client.received.split('100 Continue').length).toBe(2);
  });

  test.each([
    ['no token', () => [], 401],
    ['too small a scope', () => [at.reader], 403],
  ] as const)('%s: refused without an invitation, and what follows is not run', async (_, credential, status) => {
    const headers = [...credential(), 'Expect: 100-continue', 'Content-Length: 3'];
    const bytes = rawRequest('POST /files/x', headers, `abc${rawRequest('GET /files/smuggled', [at.reader])}`);
    const response = await at.refuses(bytes, status);
    expect(response?.header('connection')).toBe('close');
  });
});

attack({
  name: 'an upstream that answers a body before it came does not poison the connection',
  outcome: 'its answer crosses, then close; nothing behind it is run',
  sources: ['RFC 9110 section 10.1.1'],
})(() => {
  test('an upstream that answers before it has the body does not poison the connection', async () => {
    at.upstream.replyToHead = () => 'HTTP/1.1 417 Expectation Failed\r\nContent-Length: 2\r\n\r\nno';
    using client = await at.connect();
    client.send(rawRequest('POST /files/x', [at.writer, 'Expect: 100-continue', 'Content-Length: 100']));
    expect((await client.response()).status).toBe(417);
    const poison = rawRequest('GET /files/poison', [at.reader]);
    client.send(poison.padEnd(100) + rawRequest('GET /files/after', [at.reader]));
    await client.untilEnded();
    at.upstream.replyToHead = null;
    await at.passes(rawRequest('GET /files/next', [at.reader]));
    expect(at.upstream.lines).toEqual(['GET /files/next']);
    expect(client.responses.length).toBe(1);
  });
});

attack({
  name: '100 Continue from an upstream is not taken for its answer',
  outcome: 'the final answer crosses',
  sources: ['RFC 9110 section 15.2'],
})(() => {
  test('an upstream that continues on its own is not heard', async () => {
    at.upstream.reply = () =>
      'HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 100 Continue\r\nX: y\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok';
    const { response } = await at.passes(rawRequest('POST /files/x', [at.writer, 'Content-Length: 3'], 'abc'));
    expect(response.status).toBe(200);
  });
});

attack({
  name: 'an Expect that is not exactly 100-continue, or disguised, or there twice, is refused',
  outcome: '400 or 417; the upstream sees nothing',
  sources: ['RFC 9110 section 10.1.1'],
})(() => {
  test.each(['y 100-continue', '100-continue, x', 'x', '', '100-continue;q=1', '200-ok', '"100-continue"'])(
    '%j is refused',
    async (value) => {
      await at.refuses(
        rawRequest('POST /files/x', [at.writer, `Expect: ${value}`, 'Content-Length: 3'], 'abc'),
        400,
        417,
      );
    },
  );

  test('twice is refused', async () => {
    const headers = [at.writer, 'Expect: 100-continue', 'Expect: 100-continue', 'Content-Length: 3'];
    await at.refuses(rawRequest('POST /files/x', headers, 'abc'), 400);
  });
});

attack({
  name: 'an Expect over HTTP/1.0, or without a body, means nothing',
  outcome: 'forwarded, without 100',
  sources: ['RFC 9110 section 10.1.1'],
})(() => {
  test('over HTTP/1.0 means nothing', async () => {
    using client = await at.connect();
    client.send(rawRequest('POST /files/x HTTP/1.0', [at.writer, 'Expect: 100-continue', 'Content-Length: 3'], 'abc'));
    expect((await client.response()).status).toBe(200);
    expect(client.received).not.toContain('100 Continue');
  });

  test('without a body is no invitation', async () => {
    const { response } = await at.passes(rawRequest('GET /files/x', [at.reader, 'Expect: 100-continue']));
    expect(response.status).toBe(200);
  });
});
