import { expect, test } from 'vitest';
import { ask, RawClient, rawRequest } from '../../support/raw.ts';
import { hasNode } from '../../support/tools.ts';
import { attack } from '../attack.ts';
import { harness } from '../harness.ts';

const at = harness();
const ok = (body: string) => `HTTP/1.1 200 OK\r\nContent-Length: ${body.length}\r\n\r\n${body}`;

attack({
  name: 'requests sent without waiting are judged one by one and answered in order',
  outcome: 'each by its own rules',
  sources: ['RFC 9112 section 9.3.2'],
})(() => {
  test('are judged one by one and answered in order, whoever is quicker', async () => {
    let finishFirst: (bytes: string) => void = () => {};
    at.upstream.reply = ({ target }) =>
      target === '/files/1' ? new Promise((resolve) => (finishFirst = resolve)) : ok(`answer of ${target}`);
    using client = await at.connect();
    client.send(
      rawRequest('GET /files/1', [at.reader]) +
        rawRequest('GET /admin/2', [at.reader]) +
        rawRequest('GET /files/3', [at.reader]) +
        rawRequest('GET /files/4') +
        rawRequest('GET /files/5', [at.reader]),
    );
    await at.upstream.until(({ requests }) => requests.length === 3);
    finishFirst(ok('answer of /files/1'));
    await client.response(4);
    expect(client.responses.map(({ status }) => status)).toEqual([200, 403, 200, 401, 200]);
    expect([0, 2, 4].map((nth) => client.responses[nth]!.body)).toEqual([
      'answer of /files/1',
      'answer of /files/3',
      'answer of /files/5',
    ]);
    expect(at.upstream.lines.toSorted()).toEqual(['GET /files/1', 'GET /files/3', 'GET /files/5']);
  });
});

attack({
  name: 'a client that sends thousands of requests ahead and goes away takes nothing down with it',
  outcome: 'all of them are given up; the others go on',
  sources: ['CWE-674'],
})(() => {
  test('and goes away before the first is answered', async () => {
    await using gateway = await at.start({
      // They begin 64 to a turn of the event loop; on a busy machine the first are not to be given up before the last come.
      upstream: { maxConnections: 1, maxQueued: 10_000, timeouts: { queueMs: 60_000 } },
    });
    at.upstream.reply = () => undefined;
    using client = await RawClient.connect(gateway.url);
    client.send(rawRequest('GET /public/x').repeat(5000));
    const queued = async () => (await gateway.admin('GET', '/v1/status')).body as Status;
    for (let left = 100; (await queued()).upstreams.platform.queued < 4999; left--) expect(left).toBeGreaterThan(0);
    client.reset();
    await at.upstream.until(({ connections }) => connections.every(({ isEnded }) => isEnded), 'end of the connection');
    at.upstream.clear();
    expect((await ask(gateway.url, rawRequest('GET /public/y'))).status).toBe(200);
    expect((await queued()).upstreams.platform.queued).toBe(0);
  });
});

interface Status {
  readonly upstreams: { readonly platform: { readonly queued: number } };
}

attack({
  name: 'bodies among pipelined requests are no requests',
  outcome: 'the upstream sees the outer ones alone',
  sources: ['RFC 9112 section 9.3.2'],
})(() => {
  test('bodies among them are no requests', async () => {
    const inner = rawRequest('DELETE /files/inner', [at.writer]);
    using client = await at.connect();
    client.send(
      rawRequest('POST /files/1', [at.writer, `Content-Length: ${inner.length}`], inner) +
        rawRequest(
          'POST /files/2',
          [at.writer, 'Transfer-Encoding: chunked'],
          `${inner.length.toString(16)}\r\n${inner}\r\n0\r\n\r\n`,
        ) +
        rawRequest('GET /files/3', [at.reader]),
    );
    await client.response(2);
    expect(at.upstream.lines.toSorted()).toEqual(['GET /files/3', 'POST /files/1', 'POST /files/2']);
  });
});

attack({
  name: 'nothing behind a pipelined request that is refused for its form is run',
  outcome: '400 and close',
  sources: ['RFC 9112 section 11.2'],
})(() => {
  test('an ambiguous one ends the connection: what follows it is not run', async () => {
    using client = await at.connect();
    client.send(
      rawRequest('GET /files/1', [at.reader]) +
        rawRequest('GET /files/2', [at.reader, 'Host: a', 'Host: b']) +
        rawRequest('GET /files/3', [at.reader]),
    );
    await client.untilEnded();
    await at.sentinel();
    expect(client.responses.map(({ status }) => status)).toEqual([200, 400]);
    expect(at.upstream.lines).toEqual(['GET /files/1', 'GET /public/sentinel']);
  });

  test.each([
    ['dots', () => rawRequest('GET /files/../x', [at.reader])],
    ['two hosts', () => rawRequest('GET /files/x', [at.reader, 'Host: a', 'Host: b'])],
    ['another authority', () => rawRequest('GET http://evil.test/files/x', [at.reader])],
  ])('nothing behind a request refused for its form is run (%s)', async (_, odd) => {
    const response = await at.refuses(odd() + rawRequest('GET /files/behind', [at.reader]), 400);
    expect(response?.header('connection')).toBe('close');
  });
});

attack({
  name: 'a broken request does not overtake or cut into the answers before it',
  outcome: 'they arrive whole, then 400 and close',
  sources: ['RFC 9112 section 9.3.2'],
})(() => {
  test('a broken one is answered after the whole ones before it', async () => {
    let finish: (bytes: string) => void = () => {};
    at.upstream.reply = () => new Promise((resolve) => (finish = resolve));
    using client = await at.connect();
    client.send(`${rawRequest('GET /files/1', [at.reader])}\x00 broken\r\n\r\n`);
    await at.upstream.until(({ requests }) => requests.length === 1);
    client.send('more of it\r\n\r\n');
    finish(ok('first'));
    await client.untilEnded();
    expect(client.responses.map(({ status }) => status)).toEqual([200, 400]);
    expect(client.responses[0]!.body).toBe('first');
  });

  test('a broken one does not cut into an answer that has begun', async () => {
    let connection: { write(bytes: string): void } | undefined;
    at.upstream.reply = (request) => {
      if (request.target !== '/files/1') return ok('ok');
      connection = request.connection;
      return 'HTTP/1.1 200 OK\r\nContent-Length: 8\r\n\r\nhalf';
    };
    using client = await at.connect();
    client.send(rawRequest('GET /files/1', [at.reader]));
    await client.untilText('half');
    client.send('\x00 broken\r\n\r\n');
    await at.sentinel();
    connection!.write('half');
    await client.untilEnded();
    expect(client.received).toMatch(/halfhalf/);
    expect(client.responses.map(({ status }) => status)).toEqual([200, 400]);
  });
});

attack({
  name: 'nothing behind a refused body in a pipeline is run',
  outcome: 'the answers before it, its own, and close',
  sources: ['RFC 9112 section 9.3'],
})(() => {
  test('a refused body in the middle ends the connection after the answers before it', async () => {
    using client = await at.connect();
    client.send(
      rawRequest('GET /files/1', [at.reader]) +
        rawRequest('POST /files/2', ['Content-Length: 3'], 'abc') +
        rawRequest('GET /files/3', [at.reader]),
    );
    await client.untilEnded();
    await at.sentinel();
    expect(client.responses.map(({ status }) => status)).toEqual([200, 401]);
    expect(at.upstream.lines).toEqual(['GET /files/1', 'GET /public/sentinel']);
  });
});

attack({
  name: 'nothing behind Connection: close is run',
  outcome: 'closed after its answer',
  sources: ['RFC 9112 section 9.6'],
})(() => {
  test('after Connection: close nothing is run', async () => {
    using client = await at.connect();
    client.send(rawRequest('GET /files/1', [at.reader, 'Connection: close']) + rawRequest('GET /files/2', [at.reader]));
    await client.untilEnded();
    await at.sentinel();
    expect(at.upstream.lines).toEqual(['GET /files/1', 'GET /public/sentinel']);
    expect(client.responses[0]?.status).toBe(200);
  });
});

attack({
  name: 'nothing behind a request to upgrade is run',
  outcome: 'closed after its answer',
  sources: ['RFC 9110 section 7.8'],
})(() => {
  test.skipIf(!hasNode(22, 21))(
    'behind a request to upgrade nothing is lost half way: the connection ends',
    async () => {
      for (const headers of [
        ['Connection: Upgrade', 'Upgrade: foo'],
        ['Connection: Upgrade', 'Upgrade: h2c', 'Content-Length: 3'],
      ]) {
        at.upstream.clear();
        using client = await at.connect();
        const body = headers.length === 3 ? 'abc' : '';
        client.send(
          rawRequest('POST /files/1', [at.writer, ...headers], body) + rawRequest('GET /files/2', [at.reader]),
        );
        client.send(rawRequest('GET /files/3', [at.reader]));
        await client.untilEnded();
        expect(client.responses.map(({ status }) => status)).toEqual([200]);
        expect(client.responses[0]!.header('connection')).toBe('close');
        await at.sentinel();
        expect(at.upstream.lines).toEqual(['POST /files/1', 'GET /public/sentinel']);
      }
    },
  );
});

attack({
  name: 'the answers of two clients never change places',
  outcome: 'each gets its own, in order',
  sources: ['CVE-2026-29057'],
})(() => {
  test('the answers of two clients never change places', async () => {
    at.upstream.reply = ({ target }) => ok(`for ${target}`);
    await Promise.all(
      Array.from({ length: 10 }, async (_, who) => {
        using client = await at.connect();
        // Together fewer than one token may have at once of an upstream (maxShare).
        const own = Array.from({ length: 9 }, (__, nth) => `/files/${who}-${nth}`);
        client.send(own.map((path) => rawRequest(`GET ${path}`, [at.reader])).join(''));
        await client.response(8);
        expect(client.responses.map(({ body }) => body)).toEqual(own.map((path) => `for ${path}`));
      }),
    );
  });
});
