/** Promises about HTTPS: who may speak, what becomes of certificates that change, and that a bad pair harms nobody. */

import { X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import { renameSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type ConnectionOptions, connect, type TLSSocket } from 'node:tls';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { attack } from '../conformance/attack.ts';
import { first, second } from '../support/certificates.ts';
import { ROOT, started } from '../support/process.ts';
import { RawClient } from '../support/raw.ts';
import { Recorder } from '../support/recorder.ts';
import { scraped } from '../support/scrape.ts';
import { hasTool } from '../support/tools.ts';
import { startTlsGateway, type TlsGateway, writePair } from './harness.ts';

const ROUTES = [{ id: 'public', match: { path: '/public/**' }, public: true }];
const IN_USE = 'the new certificate is in use';
const REFUSED = 'the new certificate is not used';

let upstream: Recorder;
beforeAll(async () => {
  upstream = await Recorder.start();
});
afterAll(() => upstream[Symbol.asyncDispose]());

async function dial(url: string, options: ConnectionOptions = {}): Promise<TLSSocket> {
  const socket = connect({
    host: '127.0.0.1',
    port: Number(new URL(url).port),
    ca: [first.cert, second.cert],
    ALPNProtocols: ['http/1.1'],
    ...options,
  });
  await once(socket, 'secureConnect');
  return socket;
}

async function commonName(url: string): Promise<string | undefined> {
  const socket = await dial(url);
  const { CN } = socket.getPeerCertificate().subject;
  socket.destroy();
  return String(CN);
}

/** One request on a connection that stays: its status line. */
async function statusOn(socket: TLSSocket): Promise<string> {
  socket.write('GET /public/x HTTP/1.1\r\nHost: gateway.test\r\n\r\n');
  const [chunk] = (await once(socket, 'data')) as [Buffer];
  return chunk.toString('latin1').split('\r\n', 1)[0]!;
}

async function metric({ gateway }: TlsGateway, line: string): Promise<boolean> {
  const text = await scraped(gateway.running.metrics);
  return text.split('\n').includes(line);
}

describe('HTTPS', () => {
  it('is spoken to clients that trust the certificate', async () => {
    await using harness = await startTlsGateway(upstream.url, { routes: ROUTES });
    expect(harness.gateway.url).toMatch(/^https:/);
    const socket = await dial(harness.gateway.url);
    expect(socket.authorized).toBe(true);
    expect(await statusOn(socket)).toBe('HTTP/1.1 200 OK');
    expect(upstream.requests.at(-1)!.header('x-forwarded-proto')).toBe('https');
    socket.destroy();
  });

  it.skipIf(!hasTool('curl'))('is spoken to curl', async () => {
    await using harness = await startTlsGateway(upstream.url, { routes: ROUTES });
    const { port } = new URL(harness.gateway.url);
    const curl = started('curl', [
      ...['-sS', '--http1.1', '--cacert', harness.paths.cert, '--resolve', `gateway.test:${port}:127.0.0.1`],
      ...['-w', ' %{http_version}', `https://gateway.test:${port}/public/x`],
    ]);
    expect([await curl.exit(), curl.stdout()]).toEqual([0, 'ok 1.1']);
  });

  it('is what the OAuth issuer says, where no public URL is set', async () => {
    await using harness = await startTlsGateway(upstream.url, { policy: join(ROOT, 'policies/scrydon.yaml') });
    const socket = await dial(harness.gateway.url);
    socket.write('GET /.well-known/oauth-authorization-server HTTP/1.1\r\nHost: evil.test\r\n\r\n');
    const [chunk] = (await once(socket, 'data')) as [Buffer];
    expect(chunk.toString('latin1')).toContain('"issuer":"https://127.0.0.1:0"');
    socket.destroy();
  });
});

attack({
  name: 'plain HTTP, or a version of TLS older than allowed, gets nowhere on the port of HTTPS',
  outcome: 'the connection ends without an answer; the upstream sees nothing',
  sources: ['RFC 8996'],
})(() => {
  it('refuses versions older than the oldest that is allowed', async () => {
    await using harness = await startTlsGateway(upstream.url, { routes: ROUTES, tls: { minVersion: 'TLSv1.3' } });
    await expect(dial(harness.gateway.url, { maxVersion: 'TLSv1.2' })).rejects.toThrow(/protocol version/);
    (await dial(harness.gateway.url)).destroy();
  });

  it('answers nothing to a client that speaks plain HTTP to it, and forwards nothing', async () => {
    await using harness = await startTlsGateway(upstream.url, { routes: ROUTES });
    upstream.clear();
    using client = await RawClient.connect(harness.gateway.url.replace('https', 'http'));
    client.send('GET /public/x HTTP/1.1\r\nHost: gateway.test\r\n\r\n');
    await client.untilEnded();
    expect(client.received).not.toContain('HTTP/');
    expect(upstream.text).toBe('');
    expect(harness.gateway.errorLines).toEqual([]);
  });
});

describe('certificates that change', () => {
  it('are in use for the next connection, while those that stand go on', async () => {
    await using harness = await startTlsGateway(upstream.url, { routes: ROUTES });
    expect(await commonName(harness.gateway.url)).toBe('first.gateway.test');
    const standing = await dial(harness.gateway.url);
    expect(await statusOn(standing)).toBe('HTTP/1.1 200 OK');

    writePair(harness.folder, second);
    await harness.gateway.logged(IN_USE);

    expect(await commonName(harness.gateway.url)).toBe('second.gateway.test');
    expect(await statusOn(standing)).toBe('HTTP/1.1 200 OK');
    standing.destroy();
    expect(await metric(harness, 'scopegate_certificate_reloads_total{listener="gateway",outcome="applied"} 1')).toBe(
      true,
    );
    expect(await metric(harness, 'scopegate_certificate_current{listener="gateway"} 1')).toBe(true);
  });

  it('are seen when a link to them is moved, as secrets are mounted', async () => {
    await using harness = await startTlsGateway(upstream.url, { routes: ROUTES });
    writeFileSync(join(harness.folder, 'second.crt'), second.cert);
    writeFileSync(join(harness.folder, 'second.key'), second.key);
    for (const part of ['crt', 'key']) {
      symlinkSync(`second.${part}`, join(harness.folder, `next.${part}`));
      renameSync(join(harness.folder, `next.${part}`), join(harness.folder, `gateway.${part}`));
    }
    await harness.gateway.logged(IN_USE);
    expect(await commonName(harness.gateway.url)).toBe('second.gateway.test');
  });
});

attack({
  name: 'a certificate renewed without its key, or the other way round, is not served',
  outcome: 'the last good pair stays in use; told in log and metrics',
  sources: [],
})(() => {
  it('that are no pair leave the last good one in use, and say so', async () => {
    await using harness = await startTlsGateway(upstream.url, { routes: ROUTES });
    writeFileSync(harness.paths.cert, second.cert);
    await harness.gateway.logged(REFUSED);
    expect(harness.gateway.logLines.join('')).toContain('is not the key of the first certificate');
    expect(await commonName(harness.gateway.url)).toBe('first.gateway.test');
    expect(await metric(harness, 'scopegate_certificate_reloads_total{listener="gateway",outcome="refused"} 1')).toBe(
      true,
    );
    expect(await metric(harness, 'scopegate_certificate_current{listener="gateway"} 0')).toBe(true);
    const { body } = await harness.gateway.admin('GET', '/v1/status');
    const endsAt = new Date(new X509Certificate(first.cert).validTo).toISOString();
    const served = { listener: 'gateway', file: harness.paths.cert, endsAt, current: false };
    expect(body).toMatchObject({ certificates: [served] });

    writeFileSync(harness.paths.key, second.key);
    await harness.gateway.logged(IN_USE);
    expect(await commonName(harness.gateway.url)).toBe('second.gateway.test');
    expect(await metric(harness, 'scopegate_certificate_current{listener="gateway"} 1')).toBe(true);
  });
});
