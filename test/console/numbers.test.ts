/** The pages of numbers in Chromium: the overview, the traffic and the status, while they ask again and again, and when that fails. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { hasTool } from '../support/tools.ts';
import { INJECTED_REQUEST_ID, LOOKS, type OpenConsole, openConsole } from './harness.ts';
import { shiftsOf } from './people.ts';

describe.skipIf(!hasTool('chromium'))('in Chromium', () => {
  let console: OpenConsole;
  let asking: NodeJS.Timeout;
  beforeAll(async () => {
    console = await openConsole({
      settings: { limits: { 'per-token': { requests: 100_000, window: 'minute', per: 'token' } } },
    });
    const { url, tokens } = console.gateway;
    const ask = (path: string, token: string, method = 'GET') =>
      fetch(url + path, { method, headers: { authorization: `Bearer ${token}` } }).then((answer) => answer.text());
    // Some are refused, and what is allowed fails at an upstream that is not there.
    asking = setInterval(() => {
      void ask('/v1/workspaces', tokens.owner);
      void ask('/v1/bots/bot_sales', tokens.reader, 'PUT');
      void ask('/nowhere', tokens.reader);
      void ask('/v1/workspaces', 'pat_nobody');
    }, 100);
    const asked = async () =>
      ((await console.gateway.admin('GET', '/v1/traffic')).body as { total: { requests: number } }).total.requests;
    // The counters are read every two seconds.
    while ((await asked()) < 20);
  }, 60_000);
  afterAll(async () => {
    clearInterval(asking);
    await console?.[Symbol.asyncDispose]();
  });

  const at = (path: string) => console.gateway.adminUrl + path;
  const drawn = (page: Page) => page.locator('.plot canvas').nth(3).waitFor();
  const counted = (page: Page) => page.locator('td.name').first().waitFor();
  const PAGES: ReadonlyArray<readonly [string, string, (page: Page) => Promise<void>]> = [
    ['overview', '/o/acme', counted],
    ['traffic', '/traffic', drawn],
    ['status', '/status', counted],
  ];

  it.each(LOOKS.map((look) => [`${look.width}-${look.scheme}-${look.language}`, look] as const))(
    'every page is accessible, fits, and stays where it is when its numbers come: %s',
    async (name, look) => {
      const page = await console.page(look, console.gateway.adminKey);
      for (const [what, path, settled] of PAGES) {
        expect(await shiftsOf(page, at(path), () => settled(page)), what).toEqual([]);
        expect(await console.inspect(page, `${what}-${name}`), what).toEqual([]);
        expect(await page.evaluate('document.documentElement.scrollWidth'), what).toBe(look.width);
      }
      await page.goto(at('/traffic'));
      await drawn(page);
      // The gateway is younger than the five minutes that are shown.
      expect(await page.getByText(/Counted since|开始计数/).count()).toBe(1);
      await page.locator('.chart summary').first().click();
      await page.locator('.scrolled td').first().waitFor();
      expect(await console.inspect(page, `traffic-table-${name}`)).toEqual([]);
      await page.context().close();
      expect(console.faults).toEqual([]);
    },
    120_000,
  );

  it('the first page after signing in is the overview, and its numbers lead to what they count', async () => {
    const page = await console.page({});
    await page.locator('input[type=password]').fill(console.gateway.adminKey);
    await page.keyboard.press('Enter');
    await page.waitForURL('**/o/acme');
    await page.getByRole('link', { name: /Not ended/ }).waitFor();
    await page
      .getByRole('row', { name: /personal/ })
      .getByRole('link')
      .first()
      .click();
    await page.waitForURL('**/o/acme/tokens?kind=personal&state=active');
    await page.locator('td.name').nth(3).waitFor();
    await page.goBack();
    await page.getByRole('link', { name: 'scope_missing' }).click();
    await page.waitForURL('**/o/acme/refusals?reason=scope_missing');
    await page.goto(at('/o/acme'));
    await page.getByRole('link', { name: /Gateway processes 1/ }).click();
    await page.getByRole('heading', { name: 'Status' }).waitFor();
    await page.context().close();
    expect(console.faults).toEqual([]);
  }, 60_000);

  it('a member sees the numbers of their own, and no page of the gateway', async () => {
    const token = await console.gateway.mint({ name: 'own', owner: 'bob', scopes: ['tokens:manage', 'bot:read'] });
    const page = await console.page({}, token);
    await page.goto(at('/o/acme'));
    await counted(page);
    const text = await page.locator('main').innerText();
    expect(text).toContain('acme: your own tokens');
    expect(text).not.toMatch(/Gateway|service|token_unknown/);
    expect(await page.getByRole('link', { name: 'Traffic' }).count()).toBe(0);
    await page.context().close();
    expect(console.faults).toEqual([]);
  }, 60_000);

  it('how far back is asked stands in the address, and pausing ends the asking', async () => {
    const page = await console.page({}, console.gateway.adminKey);
    await page.goto(at('/traffic'));
    await drawn(page);
    await page.getByRole('button', { name: '24 h' }).click();
    await page.waitForURL('**/traffic?range=24h');
    await page.waitForResponse(/range=24h/);
    await page.goto(at('/traffic?range=5m'));
    // It asks by itself.
    for (let nth = 0; nth < 3; nth++) await page.waitForResponse(/range=5m/);
    await page.getByRole('button', { name: 'Pause' }).click();
    await page.waitForURL('**/traffic?range=5m&live=off');
    await page.getByText('Paused').first().waitFor();
    const answers: string[] = [];
    page.on('request', (request) => answers.push(request.url()));
    await expect.poll(() => page.locator('.live-note').innerText(), { timeout: 8000 }).toMatch(/[3-9] seconds ago/);
    expect(answers).toEqual([]);
    await page.context().close();
    expect(console.faults).toEqual([]);
  }, 60_000);

  it.each(PAGES)(
    '%s: what was shown stays while the API fails or is slow, and says how old it is',
    async (_, path, settled) => {
      const page = await console.page({}, console.gateway.adminKey);
      await page.goto(at(path));
      await settled(page);
      const note = page.locator('.live-note');
      const calls = /overview|traffic|status/;
      await expect.poll(() => note.innerText()).toBe('Live');
      await console.failing(page, { failure: 503, calls }, async () => {
        await page.getByText('Not up to date').first().waitFor({ timeout: 15_000 });
        await expect
          .poll(() => note.innerText(), { timeout: 15_000 })
          .toMatch(new RegExp(`as of [1-9]\\d* seconds? ago[\\s\\S]*store_unavailable ${INJECTED_REQUEST_ID}`));
        await settled(page);
        expect(await page.getByRole('alert').count()).toBe(0);
      });
      await expect.poll(() => note.innerText(), { timeout: 15_000 }).toBe('Live');
      await console.failing(page, { failure: 'slow', calls }, async () => {
        await page.waitForRequest(calls);
        await page.waitForResponse(calls);
        await settled(page);
      });
      await expect.poll(() => note.innerText(), { timeout: 15_000 }).toBe('Live');
      await page.context().close();
      expect(console.faults).toEqual([]);
    },
    90_000,
  );

  it('without anything to show yet, the failure is told with its code', async () => {
    const page = await console.page({}, console.gateway.adminKey);
    await console.failing(page, { failure: 503, calls: /overview|traffic|status/ }, async () => {
      for (const [, path] of PAGES) {
        await page.goto(at(path));
        await page.getByRole('alert').first().waitFor();
        expect(await page.getByRole('alert').first().innerText()).toContain('store_unavailable');
      }
    });
    await page.context().close();
    expect(console.faults).toEqual([]);
  }, 60_000);

  it('where all of it fails the overview says so once, and one press asks for all of it again', async () => {
    const page = await console.page({}, console.gateway.adminKey);
    const calls = /\/(overview|traffic|status)$/;
    const refused = new Set<string>();
    page.on('response', (response) => {
      const [, call] = calls.exec(new URL(response.url()).pathname) ?? [];
      if (call !== undefined && response.status() === 503) refused.add(call);
    });
    await console.failing(page, { failure: 503, calls }, async () => {
      await page.goto(at('/o/acme'));
      await expect.poll(() => refused.size, { timeout: 15_000 }).toBe(3);
      await page.getByRole('alert').first().waitFor();
      expect(await page.getByRole('alert').count()).toBe(1);
    });
    await page.getByRole('button', { name: 'Try again' }).click();
    await counted(page);
    await page.getByRole('link', { name: /Gateway processes 1/ }).waitFor();
    await page.reload();
    await console.failing(page, { failure: 503, calls: /\/(traffic|status)$/ }, async () => {
      await page.reload();
      await page.getByRole('alert').waitFor();
      await page.getByRole('link', { name: /Not ended/ }).waitFor();
    });
    await page.getByRole('alert').getByRole('button', { name: 'Try again' }).click();
    await page.getByRole('link', { name: /Gateway processes 1/ }).waitFor();
    expect(await page.getByRole('alert').count()).toBe(0);
    await page.context().close();
    expect(console.faults).toEqual([]);
  }, 60_000);

  it('a reload is asked for by a button, and a mistake is shown with its place', async () => {
    const page = await console.page({}, console.gateway.adminKey);
    await page.goto(at('/status'));
    await counted(page);
    const file = join(console.gateway.folder, 'gateway.yaml');
    const good = readFileSync(file, 'utf8');
    writeFileSync(file, `${good}\nnonsense: 1\n`);
    await page.getByRole('button', { name: 'Reload the configuration' }).click();
    await page.getByText('Refused: the configuration stays as it was.').waitFor();
    const problem = page.locator('.note.bad .places li').first();
    await problem.waitFor();
    expect(await problem.innerText()).toMatch(/gateway\.yaml:\d+:\d+ \S/);
    expect(await console.inspect(page, 'status-refused-1280-light-en')).toEqual([]);
    writeFileSync(file, good);
    await page.getByRole('button', { name: 'Reload the configuration' }).click();
    await page.getByText('The files are in force.').waitFor();
    await problem.waitFor({ state: 'detached' });
    await page.context().close();
    // The browser itself tells of the refusal.
    expect(console.faults.splice(0).filter((fault) => !fault.includes('422'))).toEqual([]);
  }, 60_000);

  it('with several organizations the operator begins with the gateway, and chooses one', async () => {
    await console.gateway.admin('PUT', '/v1/organizations/other', { name: 'Other', edition: 'team' });
    const page = await console.page({}, console.gateway.adminKey);
    const settled = () => page.locator('td.name').nth(1).waitFor();
    expect(await shiftsOf(page, at('/'), settled)).toEqual([]);
    await page.getByRole('link', { name: /Requests a second [1-9]/ }).waitFor();
    expect(await console.inspect(page, 'organizations-1280-light-en')).toEqual([]);
    await page.getByRole('link', { name: 'Other', exact: true }).click();
    await page.waitForURL('**/o/other');
    await page.getByText('scopegate token create').waitFor();
    expect(await console.inspect(page, 'overview-empty-1280-light-en')).toEqual([]);
    await page.context().close();
    expect(console.faults).toEqual([]);
  }, 60_000);
});
