/** The OAuth endpoints while the store is gone: 503, never `active: false`, never success, never "wrong secret". */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { loadPolicy } from '../../src/config/load/load-policy.ts';
import { accountLimit } from '../../src/core/rate-limit.ts';
import { AuthFailureThrottle } from '../../src/edge/throttles/auth-failure-throttle.ts';
import type { Listener } from '../../src/http/listener.ts';
import { startListener } from '../../src/http/start-listener.ts';
import { AccountLimit } from '../../src/oauth/account-limit.ts';
import { ClientAuthentication } from '../../src/oauth/client-authentication.ts';
import { oauthEndpoints } from '../../src/oauth/endpoints.ts';
import { mintToken } from '../../src/secret.ts';
import { SqliteStore } from '../../src/store/sqlite/store.ts';

const folder = mkdtempSync(join(tmpdir(), 'scopegate-outage-'));
let listener: Listener;

beforeAll(async () => {
  const store = new SqliteStore(join(folder, 'data', 'scopegate.db'));
  await store.close();
  const { policy } = loadPolicy(fileURLToPath(new URL('../../policies/scrydon.yaml', import.meta.url)), {});
  const endpoints = oauthEndpoints({
    store,
    policy: () => policy!,
    nowMs: () => Date.now(),
    clients: new ClientAuthentication(
      store,
      new AuthFailureThrottle(
        () => ({ failuresMax: 20, windowMs: 60_000 }),
        () => performance.now(),
      ),
    ),
    isAdmin: (authorization) => authorization === 'Bearer admin',
    issuer: 'https://api.example.com',
    prefix: '/api',
    onError: (error) => expect.unreachable(String(error)),
    limit: new AccountLimit(
      accountLimit({ requests: 1, windowMs: 1000 }),
      () => expect.unreachable(),
      () => performance.now(),
    ),
    tellsIssued: false,
    onIssue: () => expect.unreachable(),
  });
  listener = await startListener({
    name: 'test',
    host: '127.0.0.1',
    port: 0,
    tls: null,
    handle: (exchange) => {
      const name = exchange.target.slice(1) as 'token' | 'introspect' | 'revoke';
      const authorization = exchange.headers.filter(
        (_, index, all) => index % 2 === 1 && all[index - 1]!.toLowerCase() === 'authorization',
      );
      endpoints[name]({
        exchange,
        ids: { requestId: 'r', decisionId: 'r' },
        authorization,
        address: '127.0.0.1',
        allowed: null,
        answerHeaders: [],
      });
    },
    refuse: () => ({ headers: [], body: '' }),
    onBug: (error) => expect.unreachable(String(error)),
  });
});
afterAll(async () => {
  await listener.drain({ deadlineMs: 0, idleMs: 0 });
  rmSync(folder, { recursive: true, force: true });
});

describe.each(['token', 'introspect', 'revoke'])('%s', (name) => {
  // The admin key asks for no token of its own.
  it.each<readonly [who: string, authorization: string]>([
    ['a client', `Basic ${btoa('sa_1:sgs_1')}`],
    ...(name === 'token' ? [] : [['the admin key', 'Bearer admin'] as const]),
  ])('answers %s with 503 and Retry-After', async (_who, authorization) => {
    const answer = await fetch(`${listener.url}/${name}`, {
      method: 'POST',
      headers: { authorization, 'content-type': 'application/x-www-form-urlencoded' },
      body: new URLSearchParams({ grant_type: 'client_credentials', token: mintToken('sgt_').reveal() }),
    });
    expect({ status: answer.status, retry: answer.headers.get('retry-after') }).toEqual({ status: 503, retry: '1' });
    const body = (await answer.json()) as Record<string, unknown>;
    expect(body).toMatchObject({ error: 'temporarily_unavailable' });
    expect(body).not.toHaveProperty('active');
  });
});
