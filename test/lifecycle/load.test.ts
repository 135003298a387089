/**
 * Reloads and restarts while clients go on asking: not one request fails, and none meets two configurations.
 * `npm run test:long` asks for the full numbers.
 */
import { mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, expect, it, vi } from 'vitest';
import { type SeededTokens, seed } from '../../src/demo/seed.ts';
import { attack } from '../conformance/attack.ts';
import { SocketUpstream } from '../streams/socket-upstream.ts';
import { Load, type LoadQuestion, streamForHalfASecond } from '../support/load.ts';
import { ROOT } from '../support/process.ts';
import { type HttpUpstream, startHttpUpstream } from '../support/recorder.ts';
import { ADMIN_KEY, type Served, serve } from './served.ts';

const LONG = process.env.SCOPEGATE_LONG === '1';
const REQUESTS = LONG ? 100_000 : 5_000;
const RELOADS = LONG ? 50 : 10;
const ROLLS = LONG ? 20 : 5;
const TIMEOUT_MS = LONG ? 900_000 : 120_000;
const PATIENCE = { timeout: 30_000, interval: 10 };

const folder = mkdtempSync(join(tmpdir(), 'scopegate-load-'));
const configuration = join(folder, 'gateway.yaml');
const upstreams: Record<string, HttpUpstream> = {};

let sockets: SocketUpstream;

beforeAll(async () => {
  sockets = await SocketUpstream.start();
  for (const name of ['v1', 'v2'])
    upstreams[name] = await startHttpUpstream((request, response) => {
      if (request.url === '/stream') return streamForHalfASecond(response);
      let length = 0;
      request.on('data', (chunk: Buffer) => {
        length += chunk.length;
      });
      request.on('end', () => response.end(`${name} ${request.headers.authorization !== undefined} ${length}`));
    });
});
afterAll(async () => {
  for (const upstream of Object.values(upstreams)) await upstream.stop();
  await sockets.stop();
  rmSync(folder, { recursive: true, force: true });
});

const running: { stop(): Promise<unknown> }[] = [];
/** Also where a test gave up half way. */
afterEach(async () => {
  for (const each of running.splice(0)) await each.stop();
});
async function started(): Promise<Served> {
  const served = await serve(configuration);
  // It may have ended by itself, or not at all.
  running.push({ stop: () => served.stop('SIGKILL') });
  return served;
}
function loading(url: () => string): Load {
  const load = new Load(url);
  running.unshift(load);
  return load;
}

/** Two configurations that differ in policy, route and upstream: an answer that mixes them gives itself away. */
function write(version: 'v1' | 'v2'): void {
  const policy = readFileSync(join(ROOT, 'policies/coze.yaml'), 'utf8');
  writeFileSync(
    join(folder, `${version}.yaml`),
    policy.replace('The token lacks a permission that this API requires.', version),
  );
  const flip = {
    id: 'flip',
    match: { path: '/flip' },
    require: { scopes: [version === 'v1' ? 'bot:read' : 'chat:write'] },
    forwardAuthorization: version === 'v1',
    upstream: version,
  };
  const socket = { id: 'socket', match: { path: '/socket' }, public: true, upstream: 'sockets' };
  const open = { id: 'open', match: { path: '/**' }, public: true, upstream: 'steady' };
  const text = JSON.stringify({
    gateway: { port: 0 },
    admin: { port: 0 },
    policy: `${version}.yaml`,
    store: { driver: 'sqlite', path: 'data/scopegate.db' },
    log: { access: 'none' },
    upstreams: {
      steady: { targets: [upstreams.v1!.url] },
      sockets: { targets: [sockets.url] },
      [version]: { targets: [upstreams[version]!.url] },
    },
    routes: [flip, socket, open],
  });
  writeFileSync(join(folder, 'next'), text);
  renameSync(join(folder, 'next'), configuration);
}

const open = (): LoadQuestion => ({
  path: '/x',
  check: ({ status, body }) => (status === 200 && body === 'v1 false 0' ? undefined : `${status} ${body}`),
});
const upload = (): LoadQuestion => ({
  method: 'POST',
  path: '/upload',
  body: 'x'.repeat(100_000),
  check: ({ status, body }) => (status === 200 && body === 'v1 false 100000' ? undefined : `${status} ${body}`),
});
const stream = (): LoadQuestion => ({
  path: '/stream',
  check: ({ status, body }) => (status === 200 && body.endsWith('data: end\n\n') ? undefined : `${status} ${body}`),
});
const allowed = (token: string, seen: Set<string>) => (): LoadQuestion => ({
  path: '/flip',
  headers: { Authorization: `Bearer ${token}` },
  check: ({ status, body }) => {
    seen.add(body);
    return status === 200 && (body === 'v1 true 0' || body === 'v2 false 0') ? undefined : `${status} ${body}`;
  },
});
const refused = (token: string, seen: Set<string>) => (): LoadQuestion => ({
  path: '/flip',
  headers: { Authorization: `Bearer ${token}` },
  check: ({ status, headers, body }) => {
    const told = `${status} ${headers['x-accepted-scopes']} ${(JSON.parse(body) as { msg: string }).msg}`;
    seen.add(told);
    return told === '403 bot:read v1' || told === '403 chat:write v2' ? undefined : told;
  },
});

attack({
  name: 'a reload under load fails no request, and no answer mixes two configurations',
  outcome: 'old or new, whole; the request after it sees the new one',
  sources: [],
})(() => {
  it(
    `${RELOADS} reloads fail none of ${REQUESTS} requests, and no answer mixes two configurations`,
    async () => {
      write('v1');
      const served = await started();
      const { tokens }: { tokens: SeededTokens } = await seed(served.admin, ADMIN_KEY);
      const status = async () => {
        const answer = await fetch(`${served.admin}/v1/status`, { headers: { authorization: `Bearer ${ADMIN_KEY}` } });
        return (await answer.json()) as { configuration: { generation: number } };
      };
      const load = loading(() => served.gateway);
      const seen = { allowed: new Set<string>(), refused: new Set<string>() };
      load.add(12, open);
      load.add(2, upload);
      load.add(2, stream);
      load.add(8, allowed(tokens.owner, seen.allowed));
      load.add(8, refused(tokens.reader, seen.refused));
      for (let reload = 1; reload <= RELOADS; reload++) {
        await load.until((REQUESTS / RELOADS) * reload);
        const version = reload % 2 === 1 ? 'v2' : 'v1';
        write(version);
        if (reload % 3 === 0) served.child.kill('SIGHUP');
        else if (reload % 3 === 1)
          await fetch(`${served.admin}/v1/reload`, {
            method: 'POST',
            headers: { authorization: `Bearer ${ADMIN_KEY}` },
          });
        await vi.waitUntil(async () => (await status()).configuration.generation > reload, PATIENCE);
        const told = await fetch(`${served.gateway}/flip`, { headers: { authorization: `Bearer ${tokens.owner}` } });
        expect(await told.text(), 'the request after a reload').toMatch(new RegExp(`^${version} `));
      }
      await load.until(REQUESTS);
      await load.stop();
      expect(load.failures).toEqual([]);
      expect([...seen.allowed].sort()).toEqual(['v1 true 0', 'v2 false 0']);
      expect([...seen.refused].sort()).toEqual(['403 bot:read v1', '403 chat:write v2']);
      expect((await status()).configuration.generation).toBe(RELOADS + 1);
      if (LONG) process.stdout.write(`${load.requests} requests, ${RELOADS} reloads, 0 failed\n`);
      expect(await served.stop()).toBe(0);
    },
    TIMEOUT_MS,
  );
});

attack({
  name: 'a restart under load fails no request, upload, stream or WebSocket',
  outcome: 'what has begun is finished by the old process, exit 0',
  sources: [],
})(() => {
  it(
    `${ROLLS} rolling restarts fail none of their requests, uploads, streams and WebSockets`,
    async () => {
      write('v1');
      let current = await started();
      const load = loading(() => current.gateway);
      load.add(32, open);
      load.add(4, upload);
      load.add(8, stream);
      load.addSockets(4, '/socket');
      for (let roll = 1; roll <= ROLLS; roll++) {
        await load.until((REQUESTS / ROLLS) * roll);
        const old = current;
        current = await started();
        expect(await old.stop(), 'exit code').toBe(0);
      }
      await load.stop();
      expect(load.failures).toEqual([]);
      if (LONG) process.stdout.write(`${load.requests} requests, ${ROLLS} restarts, 0 failed\n`);
      expect(await current.stop()).toBe(0);
    },
    TIMEOUT_MS,
  );
});
