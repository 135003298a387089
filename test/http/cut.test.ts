/** Half an answer over HTTPS is seen as half, and a connection that both sides leave at once is really left. */
import { once } from 'node:events';
import { type AddressInfo, connect, createServer } from 'node:net';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { resetConnection } from '../../src/http/socket-close.ts';
import { started } from '../support/process.ts';
import { Recorder } from '../support/recorder.ts';
import { hasTool } from '../support/tools.ts';
import { startTlsGateway, type TlsGateway } from './harness.ts';

const ROUTES = [{ id: 'public', match: { path: '/public/**' }, public: true }];

let upstream: Recorder;
let harness: TlsGateway;
beforeAll(async () => {
  upstream = await Recorder.start();
  harness = await startTlsGateway(upstream.url, { routes: ROUTES });
});
beforeEach(() => upstream.clear());
afterAll(async () => {
  await harness[Symbol.asyncDispose]();
  await upstream[Symbol.asyncDispose]();
});

describe.skipIf(!hasTool('curl'))('half an answer over HTTPS', () => {
  const curl = (...args: readonly string[]) => {
    const { port } = new URL(harness.gateway.url);
    const trust = ['-sS', '--cacert', harness.paths.cert, '--resolve', `gateway.test:${port}:127.0.0.1`];
    return started('curl', [...trust, ...args, `https://gateway.test:${port}/public/x`]);
  };

  it.each([
    ['in chunks', '--http1.1', 'Transfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n'],
    ['of a known length', '--http1.1', 'Content-Length: 9\r\n\r\nhalf'],
    ['without any length, to HTTP/1.0', '--http1.0', 'Transfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n'],
  ])('%s', async (_name, version, start) => {
    upstream.replyToHead = (_head, connection) => {
      connection.write(`HTTP/1.1 200 OK\r\n${start}`);
      return undefined;
    };
    const run = curl(version, '-N');
    await run.until('half');
    upstream.connections[0]!.reset();
    expect(await run.exit()).toBeOneOf([18, 56]);
    expect(harness.gateway.errorLines).toEqual([]);
    upstream.replyToHead = null;
    const after = curl('--http1.1');
    expect([await after.exit(), after.stdout()]).toEqual([0, 'ok']);
  });
});

it('a connection whose own end is on its way is cut, too, and does not stay open', async () => {
  const closed = Promise.withResolvers<boolean>();
  await using server = createServer((socket) => {
    socket.on('close', () => closed.resolve(socket.destroyed));
    socket.write('half');
    socket.end();
    resetConnection(socket);
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const client = connect((server.address() as AddressInfo).port, '127.0.0.1');
  client.on('error', () => {}).resume();
  expect(await closed.promise).toBe(true);
});
