/** The sidecar over HTTPS: who may speak, what becomes of certificates that change, sessions, and the command line. */
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { request } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { type ConnectionOptions, connect, type TLSSocket } from 'node:tls';
import { chromium } from 'playwright-core';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { loadGateway } from '../../src/config/load/load-gateway.ts';
import { run } from '../directory/harness.ts';
import { writePair } from '../http/harness.ts';
import { first, second } from '../support/certificates.ts';
import { startTestGateway, type TestGateway } from '../support/gateway.ts';
import { ROOT } from '../support/process.ts';
import { RawClient } from '../support/raw.ts';
import { scraped } from '../support/scrape.ts';
import { hasTool } from '../support/tools.ts';

const ca = [first.cert, second.cert];
const PAGE = { 'sec-fetch-site': 'same-origin', 'content-type': 'application/json' };

let folder: string;
let paths: { readonly cert: string; readonly key: string };
let gateway: TestGateway;
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'scopegate-sidecar-'));
  paths = writePair(folder, first);
  gateway = await startTestGateway({
    upstreamUrl: 'http://127.0.0.1:9',
    seed: false,
    settings: { admin: { tls: { ...paths, minVersion: 'TLSv1.3' }, trustedProxies: ['127.0.0.9'] } },
  });
});
afterEach(async () => {
  await gateway.stop();
  rmSync(folder, { recursive: true });
});

interface Asked {
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: object;
  readonly from?: string;
}

async function call(path: string, { method = 'GET', headers = {}, body, from }: Asked = {}) {
  const sent = request(gateway.adminUrl + path, { method, headers, ca, ...(from && { localAddress: from }) });
  sent.end(body === undefined ? undefined : JSON.stringify(body));
  const [answer] = await once(sent, 'response');
  const { statusCode: status, headers: answered } = answer;
  return { status, headers: answered, body: JSON.parse(await text(answer)) as Record<string, unknown> };
}

const signIn = (more: Asked = {}) =>
  call('/v1/session', {
    ...more,
    method: 'POST',
    headers: { ...PAGE, ...more.headers },
    body: { credential: gateway.adminKey },
  });

async function dial(options: ConnectionOptions = {}): Promise<TLSSocket> {
  const socket = connect({ host: '127.0.0.1', port: Number(new URL(gateway.adminUrl).port), ca, ...options });
  await once(socket, 'secureConnect');
  return socket;
}

async function commonName(): Promise<string> {
  const socket = await dial();
  const { CN } = socket.getPeerCertificate().subject;
  socket.destroy();
  return String(CN);
}

describe('sessions', () => {
  it('have a cookie for this host over HTTPS alone, and go on with it', async () => {
    expect(gateway.adminUrl).toMatch(/^https:/);
    const { status, headers } = await signIn();
    const cookie = String(headers['set-cookie']);
    expect([status, cookie]).toEqual([
      201,
      expect.stringMatching(/^__Host-scopegate_session_\d+=\w{43}; Path=\/; HttpOnly; SameSite=Strict; Secure$/),
    ]);
    const again = await call('/v1/session', { headers: { ...PAGE, cookie: cookie.split(';', 1)[0]! } });
    expect(again.body).toMatchObject({ caller: { kind: 'operator' }, signIn: 'possible' });
  });

  it('say nothing of HTTPS to other ports of this host, which may speak plain HTTP', async () => {
    expect((await call('/livez')).headers['strict-transport-security']).toBeUndefined();
  });

  it.each([
    ['a proxy that is not trusted passes a call on', '127.0.0.1', { 'x-forwarded-for': '198.51.100.7' }, 403],
    ['a trusted proxy was asked over plain HTTP', '127.0.0.9', { 'x-forwarded-proto': 'http' }, 403],
    ['a trusted proxy was asked over HTTPS', '127.0.0.9', { 'x-forwarded-proto': 'https' }, 201],
    ['a proxy below HTTP passes bytes on', '127.0.0.9', {}, 201],
  ])('where %s are opened or not by what the browser speaks', async (_, from, headers, expected) => {
    const { status, headers: answered } = await signIn({ from, headers: headers as Record<string, string> });
    expect(status).toBe(expected);
    expect(String(answered['set-cookie']).startsWith('__Host-')).toBe(expected === 201);
  });
});

it.skipIf(!hasTool('chromium'))(
  'a browser is signed in over it, and stays so',
  async () => {
    const browser = await chromium.launch({ executablePath: '/usr/bin/chromium', args: ['--no-sandbox'] });
    try {
      // Chromium asks no file of ours who vouches for a certificate.
      const page = await browser.newPage({ ignoreHTTPSErrors: true });
      await page.goto(gateway.adminUrl);
      await page.locator('input[type=password]').fill(gateway.adminKey);
      await page.keyboard.press('Enter');
      await page.getByRole('navigation').waitFor();
      await page.reload();
      await page.getByRole('navigation').waitFor();
      expect(await page.context().cookies()).toMatchObject([{ secure: true, httpOnly: true, sameSite: 'Strict' }]);
    } finally {
      await browser.close();
    }
  },
  60_000,
);

describe('the port', () => {
  it('tells who speaks plain HTTP to it what it speaks, and runs nothing', async () => {
    using client = await RawClient.connect(gateway.adminUrl.replace('https', 'http'));
    client.send('GET /readyz HTTP/1.1\r\nHost: localhost\r\n\r\n');
    await client.untilEnded();
    expect(client.received).toMatch(/^HTTP\/1\.1 400 Bad Request\r\n[\s\S]*"code":"https_only"[\s\S]*https:\/\//);
    expect(gateway.errorLines).toEqual([]);
  });

  it('closes on what is neither, and goes on serving', async () => {
    using client = await RawClient.connect(gateway.adminUrl.replace('https', 'http'));
    client.send('\x00\x01 nonsense \r\n\r\n');
    await client.untilEnded();
    expect(client.received).not.toContain('HTTP/');
    expect((await call('/livez')).status).toBe(200);
  });

  it('refuses TLS older than allowed', async () => {
    await expect(dial({ maxVersion: 'TLSv1.2' })).rejects.toThrow(/protocol version/);
  });

  it('lets go of a connection without a request at the stop', async () => {
    const socket = await dial();
    const closed = once(socket, 'close');
    socket.resume();
    await gateway.running.stop();
    await closed;
    expect(gateway.errorLines).toEqual([]);
  });
});

describe('a certificate that is renewed', () => {
  it('is in use for the next connection, and one that is no pair never', async () => {
    writeFileSync(paths.cert, second.cert);
    await gateway.logged('admin.tls: the new certificate is not used');
    expect(await commonName()).toBe('first.gateway.test');
    const metrics = () => scraped(gateway.running.metrics);
    expect(await metrics()).toContain('scopegate_certificate_current{listener="admin"} 0\n');
    writeFileSync(paths.key, second.key);
    await gateway.logged('admin.tls: the new certificate is in use');
    expect(await commonName()).toBe('second.gateway.test');
    expect(await metrics()).toContain('scopegate_certificate_current{listener="admin"} 1\n');
  });

  it('that cannot serve is told before the start, at its line', () => {
    writeFileSync(paths.key, second.key);
    const path = join(folder, 'gateway.yaml');
    const policy = join(ROOT, 'policies/default.yaml');
    writeFileSync(
      path,
      `policy: ${policy}
upstreams: { api: { targets: ["http://127.0.0.1:9"] } }
admin:
  tls:
    cert: gateway.crt
    key: gateway.key
routes: []
`,
    );
    expect(() => loadGateway(path, {})).toThrow(
      /gateway\.yaml:6:10.*gateway\.key: is not the key of the first certificate/,
    );
  });
});

describe('the command line', () => {
  const env = (more: Record<string, string> = {}) => ({ SCOPEGATE_ADMIN_KEY: gateway.adminKey, ...more });

  it('asks by --url, with who vouches for the certificate in --ca-file', async () => {
    const url = gateway.adminUrl;
    expect(await run(['healthcheck', '--url', url, '--ca-file', paths.cert])).toMatchObject({ code: 0 });
    const words = ['organization', 'list', '--json', '--url', url];
    expect((await run([...words, '--ca-file', paths.cert], env())).code).toBe(0);
    const refused = await run(words, env());
    expect([refused.code, refused.stderr]).toEqual([1, expect.stringMatching(/not trusted: .*--ca-file/)]);
    const none = await run([...words, '--ca-file', join(folder, 'none.pem')], env());
    expect(none.stderr).toContain('none.pem cannot be read (ENOENT)');
    const noPem = await run([...words, '--ca-file', paths.key], env());
    expect(noPem.stderr).toContain('holds no certificate in PEM form');
  });

  it('asks by -c, and knows the certificate by its file, whatever name it is for', async () => {
    const { port } = new URL(gateway.adminUrl);
    const own = join(gateway.folder, 'named.yaml');
    writeFileSync(own, `admin: { host: 127.0.0.2, port: ${port}, tls: { cert: ${paths.cert}, key: ${paths.key} } }\n`);
    const other = await run(['healthcheck', '-c', own]);
    // Nobody listens there: it was asked over HTTPS all the same.
    expect(other.stderr).toContain(`https://127.0.0.2:${port} cannot be asked (ECONNREFUSED)`);
    writeFileSync(own, `admin: { port: ${port}, tls: { cert: ${paths.cert}, key: ${paths.key} } }\n`);
    expect(await run(['healthcheck', '-c', own])).toMatchObject({ code: 0, stdout: 'ready\n' });
    writeFileSync(join(folder, 'other.crt'), second.cert);
    writeFileSync(own, `admin: { port: ${port}, tls: { cert: ${join(folder, 'other.crt')}, key: x } }\n`);
    expect(await run(['healthcheck', '-c', own])).toMatchObject({
      ...{ code: 1, stderr: expect.stringMatching(/certificate is not trusted|another certificate/) },
    });
  });

  it('says so where http and https are mistaken for each other', async () => {
    const plain = gateway.adminUrl.replace('https', 'http');
    const { stderr } = await run(['organization', 'list', '--url', plain], env());
    expect(stderr).toContain('speaks HTTPS');
    const tls = gateway.url.replace('http', 'https');
    expect((await run(['healthcheck', '--url', tls])).stderr).toContain('does it speak plain HTTP?');
  });
});
