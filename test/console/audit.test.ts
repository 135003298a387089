/** The audit trail in the console: found by the server with what stands in the address, opened, taken out; of members their own acts. */
import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { hasTool } from '../support/tools.ts';
import { INJECTED_REQUEST_ID, type OpenConsole } from './harness.ts';
import { openPeopleConsole, PEOPLE_LOOKS, shiftsOf, tabToName } from './people.ts';

describe.skipIf(!hasTool('chromium'))('in Chromium', () => {
  let console: OpenConsole;
  let bob: string;
  const path = (below = '') => `${console.gateway.adminUrl}/o/acme/audit${below}`;
  const rows = '.table-box > table > tbody > tr';
  beforeAll(async () => {
    console = await openPeopleConsole();
    const { gateway } = console;
    bob = await gateway.mint({ name: 'mine', owner: 'bob', scopes: ['tokens:manage', 'bot:read'] });
    const { body } = await gateway.admin('POST', '/v1/tokens/find', { token: bob });
    const { id } = body as { id: string };
    const asBob = { authorization: `Bearer ${bob}` };
    await gateway.admin('PATCH', `/tokens/${id}`, { name: 'a name that is longer than the one before' }, asBob);
    await gateway.admin('PUT', '/members/eve', { name: 'Eve', role: 'admin' }, asBob);
    await gateway.admin('PATCH', '/members/bob', { name: 'Robert', email: 'bob@example.com' });
  }, 60_000);
  afterAll(() => console?.[Symbol.asyncDispose]());

  it.each(PEOPLE_LOOKS)(
    'is accessible, and nothing moves by itself: %s',
    async (name, look) => {
      const page = await console.page(look, console.gateway.adminKey);
      expect(await shiftsOf(page, path(), () => page.locator(rows).first().waitFor())).toEqual([]);
      expect(await console.inspect(page, `audit-${name}`)).toEqual([]);
      await page.locator(`${rows} .button`).first().click();
      await page.locator('.changes').waitFor();
      expect(page.url()).toContain('event=evt_');
      expect(await console.inspect(page, `audit-open-${name}`)).toEqual([]);
      await page.goto(path('?kind=team'));
      await page.locator('.empty').waitFor();
      expect(await console.inspect(page, `audit-none-${name}`)).toEqual([]);
      expect(console.faults).toEqual([]);
      await page.context().close();
    },
    120_000,
  );

  it('is narrowed and opened by the keyboard alone; a reload shows the same', async () => {
    const page = await console.page({}, console.gateway.adminKey);
    await page.getByRole('link', { name: 'Audit' }).waitFor();
    await tabToName(page, /^Audit$/);
    await page.keyboard.press('Enter');
    await page.locator(rows).first().waitFor();
    await tabToName(page, /^To what/);
    await page.keyboard.type('member/bob');
    await expect.poll(() => page.url()).toContain('object=member%2Fbob');
    await expect.poll(() => page.locator(rows).count()).toBeLessThan(5);
    await tabToName(page, /Show the details of Member changed bob/);
    await page.keyboard.press('Enter');
    await page.locator('.changes').waitFor();
    for (let round = 0; round < 2; round++) {
      const changes = await page.locator('.changes').innerText();
      expect(changes).toMatch(/name\s+Bob\s+Robert/);
      expect(changes).toMatch(/email\s+–\s+bob@example\.com/);
      await page.reload();
      await page.locator('.changes').waitFor();
    }
    await page.getByRole('button', { name: 'Clear filters' }).click();
    await expect.poll(() => page.locator(rows).count()).toBeGreaterThan(10);
    expect(console.faults).toEqual([]);
    await page.context().close();
  }, 60_000);

  it('is found by who, by outcome and by when, and paged', async () => {
    const page = await console.page({}, console.gateway.adminKey);
    await page.goto(path('?actor=bob&outcome=refused'));
    await page.locator(rows).first().waitFor();
    expect(await page.locator(rows).count()).toBe(1);
    expect(await page.locator(rows).innerText()).toMatch(/Member: PUT[\s\S]*eve[\s\S]*bob[\s\S]*Refused/);
    await page.goto(path());
    await page.getByLabel('From').fill('2099-01-01T00:00');
    await page.getByText('Nothing fits these filters').waitFor();
    expect(new URL(page.url()).searchParams.get('since')).toMatch(/^209[89]-.*Z$/);
    for (let nth = 0; nth < 60; nth++) await console.gateway.admin('PATCH', '/members/alice', { name: `Alice ${nth}` });
    await page.goto(path('?object=alice'));
    await page.getByText('50 on this page, more follow').waitFor();
    await page.getByRole('button', { name: 'Next page' }).click();
    await page.getByRole('button', { name: 'First page' }).waitFor();
    expect(page.url()).toContain('cursor=');
    expect(console.faults).toEqual([]);
    await page.context().close();
  }, 60_000);

  it('is taken out as it is narrowed, or says why not', async () => {
    const page = await console.page({}, console.gateway.adminKey);
    await page.goto(path('?kind=member'));
    await page.locator(rows).first().waitFor();
    for (const failure of [403, 409, 422, 503] as const) {
      await console.failing(page, { failure, calls: /audit-events$/ }, async () => {
        await page.getByRole('button', { name: /^Export/ }).click();
        await page.getByRole('alert').waitFor();
        expect(await page.getByRole('alert').innerText()).toContain(INJECTED_REQUEST_ID);
      });
      await page.reload();
      await page.locator(rows).first().waitFor();
    }
    const downloading = page.waitForEvent('download');
    await page.getByRole('button', { name: /^Export/ }).click();
    const download = await downloading;
    expect(download.suggestedFilename()).toBe('audit-acme.jsonl');
    const lines = readFileSync(await download.path(), 'utf8')
      .trim()
      .split('\n');
    const events = lines.map((line) => JSON.parse(line) as { at: string; target: { type: string } });
    expect(new Set(events.map(({ target }) => target.type))).toEqual(new Set(['member']));
    expect(events.map(({ at }) => at)).toEqual(
      events
        .map(({ at }) => at)
        .toSorted()
        .toReversed(),
    );
    expect(console.faults).toEqual([]);
    await page.context().close();
  }, 60_000);

  it('a member finds what they did, and nothing of others: on the page, by the address, and in the export', async () => {
    const page = await console.page({}, bob);
    await page.getByRole('link', { name: 'Audit' }).click();
    await page.locator(rows).first().waitFor();
    for (const query of ['', '?actor=admin-key', '?object=alice', '?kind=workspace']) {
      await page.goto(path(query));
      await page.getByRole('status').filter({ hasText: 'found' }).waitFor();
      expect(await page.locator('main').innerText()).not.toMatch(/alice|Admin key|ws_sales|Member changed/);
    }
    await page.goto(path());
    await page.locator(rows).first().waitFor();
    expect(await page.locator(rows).count()).toBe(2);
    const downloading = page.waitForEvent('download');
    await page.getByRole('button', { name: /^Export/ }).click();
    const text = readFileSync(await (await downloading).path(), 'utf8');
    expect(text.trim().split('\n')).toHaveLength(2);
    expect(text).not.toContain('alice');
    expect(console.faults).toEqual([]);
    await page.context().close();
  }, 60_000);
});
