import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { expect, test } from 'vitest';
import { hashToken, mintToken } from '../../../src/secret.ts';
import type { TestGateway } from '../../support/gateway.ts';
import { ask, RawClient, rawRequest } from '../../support/raw.ts';
import { rewriteRow } from '../../support/row-in-file.ts';
import { scraped } from '../../support/scrape.ts';
import { attack } from '../attack.ts';
import { harness } from '../harness.ts';

const at = harness();
const bearer = (token: string) => `Authorization: Bearer ${token}`;
const get = (path: string, token: string) => rawRequest(`GET ${path}`, [bearer(token)]);
const newToken = async (scopes: readonly string[] = ['workflows:read'], gateway: TestGateway = at.gateway) => {
  const { status, body } = await gateway.admin('POST', '/tokens', {
    owner: 'alice',
    name: 'short-lived',
    scopes,
    workspaces: ['ws_sales'],
    expiresInDays: 1,
  });
  expect(status).toBe(201);
  return body as { id: string; token: string };
};
/** One number of /metrics. */
async function metric(gateway: TestGateway, name: string): Promise<number> {
  const text = await scraped(gateway.running.metrics);
  return Number(
    text
      .split('\n')
      .find((line) => line.startsWith(`${name} `))!
      .split(' ')[1],
  );
}
/** Changes the database behind the gateway's back. */
function alter(gateway: TestGateway, sql: string): void {
  const database = new DatabaseSync(join(gateway.folder, 'data', 'scopegate.db'));
  try {
    database.exec(sql);
  } finally {
    database.close();
  }
}

attack({
  name: 'a token that was let through for one thing is judged afresh for the next',
  outcome: '403 for another scope or workspace, cached or not',
  sources: ['CVE-2021-32701', 'GHSA-4mq7-pvjg-xp2r'],
})(() => {
  test('another scope, before and after, on one connection', async () => {
    using client = await at.connect();
    for (const [path, status] of [
      ['/files/x', 200],
      ['/admin/x', 403],
      ['/files/x', 200],
    ] as const) {
      client.send(get(path, at.gateway.tokens.reader));
      expect((await client.response(client.methods.length - 1)).status).toBe(status);
    }
    expect(at.upstream.lines).toEqual(['GET /files/x', 'GET /files/x']);
  });

  test('another workspace', async () => {
    const { reader } = at.gateway.tokens;
    await at.passes(get('/by-query?environmentId=env_live', reader));
    await at.refuses(get('/by-query?environmentId=env_legal', reader), 403);
  });

  test('a role that was lost meanwhile', async () => {
    await using gateway = await at.start({});
    const bytes = get('/by-query?environmentId=env_live', gateway.tokens.reader);
    expect((await ask(gateway.url, bytes)).status).toBe(200);
    const lost = await gateway.admin('DELETE', '/workspaces/ws_sales/assignments/members/bob');
    expect(lost.status).toBeLessThan(300);
    expect((await ask(gateway.url, bytes)).status).toBe(403);
    expect(at.upstream.requests.length).toBe(1);
  });
});

attack({
  name: 'what was asked for before it existed is not remembered as missing once it does',
  outcome: '403 before, forwarded from the request after its creation on',
  sources: [],
})(() => {
  test('an environment', async () => {
    const bytes = get('/by-query?environmentId=env_new', at.gateway.tokens.reader);
    await at.refuses(bytes, 403);
    await at.refuses(bytes, 403);
    expect((await at.gateway.admin('PUT', '/workspaces/ws_sales/environments/env_new', { name: 'N' })).status).toBe(
      201,
    );
    await at.passes(bytes);
  });
});

attack({
  name: 'a flood of unknown tokens does not fill the cache or push out those in use',
  outcome: '401; junk reaches no store, the rest a small room of its own',
  sources: ['CWE-770'],
})(() => {
  test('junk is not looked up; well-formed ones are forgotten again', async () => {
    await using gateway = await at.start({
      settings: { cache: { maxEntries: 1000 }, gateway: { guesses: { tokenFailures: 0 } } },
    });
    const { reader } = gateway.tokens;
    expect((await ask(gateway.url, get('/files/x', reader))).status).toBe(200);
    const present = await metric(gateway, 'scopegate_cache_entries');
    const misses = await metric(gateway, 'scopegate_cache_misses_total');
    const flood = async (token: () => string) => {
      for (let batch = 0; batch < 20; batch++) {
        using client = await RawClient.connect(gateway.url);
        for (let nth = 0; nth < 25; nth++) client.send(get('/files/x', token()));
        await client.response(24);
        expect(client.responses.every(({ status }) => status === 401)).toBe(true);
      }
    };
    await flood(() => `${mintToken('pat_').reveal().slice(0, -1)}-`);
    expect(await metric(gateway, 'scopegate_cache_misses_total')).toBe(misses);
    await flood(() => mintToken('pat_').reveal());
    expect(await metric(gateway, 'scopegate_cache_misses_total')).toBe(misses + 500);
    expect(await metric(gateway, 'scopegate_cache_absent_entries')).toBeLessThanOrEqual(100);
    expect(await metric(gateway, 'scopegate_cache_entries')).toBe(present);
    const asked = await metric(gateway, 'scopegate_cache_misses_total');
    expect((await ask(gateway.url, get('/files/x', reader))).status).toBe(200);
    expect(await metric(gateway, 'scopegate_cache_misses_total')).toBe(asked);
    expect(at.upstream.requests.length).toBe(2);
  });
});

attack({
  name: 'many requests at once with a token that is not at hand do not storm the store',
  outcome: 'one look-up for each fact, however many wait for it',
  sources: [],
})(() => {
  test('ninety clients ask the store no more than one does', async () => {
    const misses = () => metric(at.gateway, 'scopegate_cache_misses_total');
    const [one, many] = [await newToken(), await newToken()];
    const before = await misses();
    await at.passes(get('/files/x', one.token));
    const forOne = (await misses()) - before;
    expect(forOne).toBeGreaterThan(0);
    // Fewer than one token may have at once of an upstream (maxShare): all of them may be under way together.
    const clients = await Promise.all(Array.from({ length: 90 }, () => at.connect()));
    for (const client of clients) client.send(get('/files/x', many.token));
    for (const client of clients) {
      expect((await client.response()).status).toBe(200);
      client.close();
    }
    expect((await misses()) - before - forOne).toBeLessThanOrEqual(forOne);
  });
});

attack({
  name: 'a revocation in the midst of requests is not undone by one that was under way',
  outcome: '401 for every request sent after it was acknowledged',
  sources: ['RFC 7009 section 2'],
})(() => {
  test('thirty times', async () => {
    for (let round = 0; round < 30; round++) {
      const { id, token } = await newToken();
      using client = await at.connect();
      const revoked = at.gateway.admin('POST', `/tokens/${id}/revoke`);
      for (let nth = 0; nth < 20; nth++) client.send(get(`/files/${nth}`, token));
      expect((await revoked).status).toBe(200);
      using after = await at.connect();
      after.send(get('/files/after', token));
      expect((await after.response()).status).toBe(401);
      await client.response(19);
    }
    expect(at.upstream.lines).not.toContain('GET /files/after');
  });
});

attack({
  name: 'a damaged record is an outage for whoever needs it, and for nobody else',
  outcome: '503, never 200 and never 401; the upstream sees nothing',
  sources: [],
})(() => {
  test('cut off, of another type, empty, or with more than belongs there', async () => {
    await using gateway = await at.start({});
    for (const record of ['{"cut', '"text"', '[]', '{}', 'null', '{"__proto__": {"state": "active"}}']) {
      const { token } = await newToken(['workflows:read'], gateway);
      rewriteRow(join(gateway.folder, 'data', 'scopegate.db'), hashToken(token), record);
      const refused = await ask(gateway.url, get('/files/x', token));
      expect([refused.status, refused.header('retry-after')], record).toEqual([503, expect.any(String)]);
    }
    expect(at.upstream.text).toBe('');
    expect((await ask(gateway.url, get('/files/x', gateway.tokens.reader))).status).toBe(200);
    expect(gateway.errorLines).toEqual([]);
  });
});

attack({
  name: 'a store that breaks under way opens nothing',
  outcome: '503 for what is not at hand, and soon for all; never 200, 401 or 403 by guess',
  sources: [],
})(() => {
  test('known, unknown and revoked tokens alike', async () => {
    await using gateway = await at.start({ settings: { cache: { maxStalenessMs: 500 } } });
    const { reader } = gateway.tokens;
    const { token: cold } = await newToken(['workflows:read'], gateway);
    expect((await ask(gateway.url, get('/files/x', reader))).status).toBe(200);
    alter(gateway, 'DROP TABLE records; DROP TABLE changes');
    for (const token of [cold, mintToken('pat_').reveal()])
      expect((await ask(gateway.url, get('/files/x', token))).status).toBe(503);
    // Cached facts are believed for half a second of silence, and no longer.
    using client = await RawClient.connect(gateway.url);
    const silentMs = performance.now();
    for (let nth = 0; ; nth++) {
      client.send(get('/files/x', reader));
      const { status } = await client.response(nth);
      if (status === 503) break;
      expect(status).toBe(200);
      expect(performance.now() - silentMs).toBeLessThan(5000);
    }
    const forwarded = at.upstream.requests.length;
    expect((await ask(gateway.url, get('/files/x', reader))).status).toBe(503);
    expect((await ask(gateway.url, rawRequest('GET /files/x'))).status).toBe(401);
    expect((await ask(gateway.url, get('/files/x', 'pat_junk'))).status).toBe(401);
    expect((await ask(gateway.url, rawRequest('GET /public/x'))).status).toBe(200);
    expect(at.upstream.lines.slice(forwarded)).toEqual(['GET /public/x']);
  });
});

attack({
  name: 'a clock that is set forward or back stretches nothing that is cached',
  outcome: 'expiry follows the date; how long a fact is believed does not',
  sources: [],
})(() => {
  test('forward: an expired token is refused at once; back: a silent store is still not believed', async () => {
    let aheadMs = 0;
    let silentMs = 0;
    await using gateway = await at.start({
      clock: { nowMs: () => Date.now() + aheadMs, monotonicMs: () => performance.now() + silentMs },
      settings: { cache: { maxStalenessMs: 2000 } },
    });
    const { token } = await newToken(['workflows:read'], gateway);
    const bytes = get('/files/x', token);
    expect((await ask(gateway.url, bytes)).status).toBe(200);
    aheadMs = 2 * 86_400_000;
    expect((await ask(gateway.url, bytes)).status).toBe(401);
    aheadMs = -86_400_000;
    expect((await ask(gateway.url, bytes)).status).toBe(200);
    alter(gateway, 'DROP TABLE records; DROP TABLE changes');
    silentMs = 2001;
    expect((await ask(gateway.url, bytes)).status).toBe(503);
    expect(at.upstream.requests.length).toBe(2);
  });
});
