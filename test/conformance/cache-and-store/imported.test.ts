import { createHash, randomBytes } from 'node:crypto';
import { expect, test } from 'vitest';
import type { TestGateway } from '../../support/gateway.ts';
import { ask, rawRequest } from '../../support/raw.ts';
import { scraped } from '../../support/scrape.ts';
import { attack } from '../attack.ts';
import { harness } from '../harness.ts';

const settings = { import: { patterns: [{ prefix: 'key-', minLength: 20, maxLength: 40 }] } };
const at = harness({ settings });
const imported = () => `key-${randomBytes(12).toString('hex')}`;
const take = async (token: string, gateway: TestGateway = at.gateway) => {
  const sha256 = createHash('sha256').update(token).digest('hex');
  const rights = { owner: 'alice', scopes: ['workflows:read'], workspaces: ['ws_sales'], expiresInDays: 30 };
  const { body } = await gateway.admin('POST', '/tokens/import', { tokens: [{ sha256, name: 'imported', ...rights }] });
  return (body as { tokens: Array<{ outcome: string; id?: string; code?: string }> }).tokens[0]!;
};
const call = async (token: string, gateway: TestGateway = at.gateway) =>
  (await ask(gateway.url, rawRequest('GET /any/thing', [`Authorization: Bearer ${token}`]))).status;
const lookUps = async (gateway: TestGateway = at.gateway) => {
  const text = await scraped(gateway.running.metrics);
  return Number(/^scopegate_cache_misses_total (\d+)$/m.exec(text)![1]);
};

attack({
  name: 'junk that looks like a token of the system from which tokens were imported',
  outcome: '401; another form never reaches the store, this form once for each text',
  sources: [],
})(() => {
  test('of another form, and of this one', async () => {
    const before = await lookUps();
    for (const junk of ['key-short', `key-${'x'.repeat(60)}`, `kez-${'x'.repeat(24)}`, `pat_${'x'.repeat(49)}`])
      expect(await call(junk), junk).toBe(401);
    expect(await lookUps()).toBe(before);
    const token = imported();
    for (let turn = 0; turn < 3; turn++) expect(await call(token)).toBe(401);
    expect(await lookUps()).toBe(before + 1);
  });
});

attack({
  name: 'a flood of such junk, to spend the store’s time or to shut out who shares the address',
  outcome: '401 at a slow pace; a right token from that address is held up at most once, and never refused',
  sources: [],
})(() => {
  test('sixty at once where five are free', async () => {
    const few = { gateway: { guesses: { tokenFailures: 0 } }, import: { ...settings.import, missesPerMinute: 5 } };
    await using small = await at.start({ settings: few });
    const [known, cold] = [imported(), imported()];
    for (const token of [known, cold]) expect((await take(token, small)).outcome).toBe('imported');
    expect(await call(known, small)).toBe(200);
    const before = await lookUps(small);
    const startedMs = performance.now();
    const junk = Array.from({ length: 60 }, () => call(imported(), small));
    const held = call(cold, small);
    expect(await call(known, small), 'known').toBe(200);
    expect(await held, 'not known yet').toBe(200);
    expect(new Set(await Promise.all(junk))).toEqual(new Set([401]));
    expect(await lookUps(small)).toBeGreaterThanOrEqual(before + 60);
    // 5 at once, then one in 10 ms, is the promise.
    expect(performance.now() - startedMs).toBeGreaterThan(450);
  });
});

attack({
  name: 'a value that was ended is imported once more',
  outcome: 'refused, and 401 at the gateway, whether its token was revoked, replaced or deleted',
  sources: [],
})(() => {
  test.each([
    ['POST', '/revoke', { outcome: 'existing' }],
    ['POST', '/rotate', { outcome: 'refused', code: 'value_ended' }],
    ['DELETE', '', { outcome: 'refused', code: 'value_ended' }],
  ])('%s %s', async (method, below, again) => {
    const token = imported();
    const { id } = await take(token);
    expect(await call(token)).toBe(200);
    expect((await at.gateway.admin(method, `/tokens/${id}${below}`)).status).toBe(200);
    expect(await call(token)).toBe(401);
    expect(await take(token)).toMatchObject(again);
    expect(await call(token)).toBe(401);
  });
});
