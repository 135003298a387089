/** The pages of routes and refusals, in Chromium: what they show, to whom, live, and when the API is slow or refuses. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { REFUSAL_REASONS } from '../../src/console/page/refusals/refusal-reasons.ts';
import { REASON_NAMES } from '../../src/core/reason.ts';
import { run } from '../directory/harness.ts';
import { timePasses } from '../support/time.ts';
import { hasTool } from '../support/tools.ts';
import { INJECTED_REQUEST_ID, type Look, type OpenConsole, openConsole, SCREENSHOTS } from './harness.ts';

const LOOKS: readonly Look[] = [
  { width: 390, scheme: 'dark', language: 'zh' },
  { width: 1280, scheme: 'light', language: 'en' },
  ...(SCREENSHOTS === undefined
    ? []
    : ([
        { width: 1920, scheme: 'dark', language: 'en' },
        { width: 390, scheme: 'light', language: 'en' },
      ] as const)),
];

it('the reasons to choose from are those that the gateway has', () => {
  expect(REFUSAL_REASONS).toEqual(REASON_NAMES);
});

describe.skipIf(!hasTool('chromium'))('in Chromium', () => {
  let console: OpenConsole;
  let mine: string;
  beforeAll(async () => {
    console = await openConsole();
    mine = await console.gateway.mint({ name: 'mine', owner: 'bob', scopes: ['tokens:manage', 'bot:read'] });
    await send('DELETE', '/v1/bots/bot_sales', console.gateway.tokens.owner);
    await send('POST', '/v3/chat', mine);
    await send('POST', `/api/v1/workflows/${'long-'.repeat(30)}/runs?environmentId=x`, console.gateway.tokens.reader);
    await send('GET', '/v1/workspaces', null);
    await send('GET', '/nowhere', null);
  }, 60_000);
  afterAll(() => console?.[Symbol.asyncDispose]());

  async function send(method: string, path: string, token: string | null): Promise<number> {
    const headers = token === null ? {} : { authorization: `Bearer ${token}` };
    const answer = await fetch(console.gateway.url + path, { method, headers });
    await answer.text();
    return answer.status;
  }

  it.each(LOOKS.map((look) => [`${look.width}-${look.scheme}-${look.language}`, look] as const))(
    'are accessible: %s',
    async (name, look) => {
      const page = await console.page(look, console.gateway.adminKey);
      for (const [shown, path] of [
        ['routes', '/routes'],
        ['refusals', '/o/acme/refusals'],
        ['all-refusals', '/refusals?live=1'],
      ] as const) {
        await page.goto(console.gateway.adminUrl + path);
        await page.locator('td.name').first().waitFor();
        expect(await console.inspect(page, `${shown}-${name}`), shown).toEqual([]);
        expect(await page.evaluate('document.documentElement.scrollWidth'), shown).toBeLessThanOrEqual(look.width);
      }
      await page.context().close();
      expect(console.faults).toEqual([]);
    },
    120_000,
  );

  it('routes say what they ask for and where they stand, and lead to their refusals and to an explanation', async () => {
    const page = await console.page({}, console.gateway.adminKey);
    await page.getByRole('link', { name: 'Routes' }).click();
    const chat = page.getByRole('row').filter({ hasText: '/v3/chat' });
    expect((await chat.innerText()).replace(/\s+/g, ' ')).toMatch(
      /POST \/v3\/chat chat · gateway\.yaml:\d+ .*chat:write/,
    );
    expect(await chat.innerText()).toMatch(/1 refused/);
    await page.getByLabel('Path, id or host').fill('/v1/bots');
    await expect.poll(() => page.getByRole('status').innerText()).toBe('2 found');
    expect(page.url()).toContain('path=%2Fv1%2Fbots');
    await page.getByLabel('Method').selectOption('PUT');
    await expect.poll(() => page.getByRole('status').innerText()).toBe('1 found');
    await page.getByRole('link', { name: 'Explain a request' }).click();
    expect(await page.getByLabel('Path or address').inputValue()).toBe('/v1/bots/{botId}');
    await page.goto(`${console.gateway.adminUrl}/routes?only=unused`);
    await page.getByText('Never', { exact: true }).first().waitFor();
    expect(await page.locator('main').innerText()).not.toContain('/v3/chat');
    await page.context().close();
    expect(console.faults).toEqual([]);
  }, 60_000);

  it('a refusal is found by its reason, comes by itself while live, and leads to its explanation', async () => {
    const page = await console.page({}, console.gateway.adminKey);
    await page.getByRole('link', { name: 'Refusals', exact: true }).click();
    await page.locator('td.name').first().waitFor();
    await page.getByLabel('Reason').selectOption('scope_missing');
    await expect.poll(() => page.locator('table').innerText()).not.toContain('method_not_allowed');
    const before = await page.getByRole('row').count();
    await page.getByLabel(/^Live/).check();
    expect(page.url()).toMatch(/reason=scope_missing.*live=1/);
    await send('POST', '/v3/chat', mine);
    await expect.poll(() => page.getByRole('row').count(), { timeout: 6000 }).toBe(before + 1);
    await page.locator('td.name a').first().click();
    await page
      .getByRole('heading', { name: /Refused · 403/ })
      .first()
      .waitFor();
    expect(page.url()).toMatch(/\/o\/acme\/explain\?id=[0-9A-Z]{26}$/);
    await page.getByText('Nothing that it rests on has changed since.').waitFor();
    expect(await page.locator('.note').allInnerTexts()).toEqual([
      expect.stringMatching(
        /^Then[\s\S]*Refused · 403 · scope_missing[\s\S]*POST \/v3\/chat[\s\S]* \(tok_\w+\) · (Alice|Bob) \((alice|bob)\)/,
      ),
      expect.stringMatching(/^Now[\s\S]*Refused · 403 · scope_missing/),
    ]);
    await page.getByText('As a test case').click();
    await page.locator('.test-case').getByRole('button', { name: 'Copy' }).click();
    await page.locator('.test-case').getByRole('button', { name: 'Copied' }).waitFor();
    const copied = String(await page.evaluate('navigator.clipboard.readText()'));
    expect(copied).toContain('deny: { "POST /v3/chat": scope_missing }');
    const file = join(console.gateway.folder, 'copied.test.yaml');
    writeFileSync(file, copied);
    expect(await run(['test', file], {})).toMatchObject({ code: 0 });
    expect(await console.inspect(page, 'test-case-1280-light-en')).toEqual([]);
    const { body } = await console.gateway.admin('POST', '/v1/tokens/find', { token: mine });
    const { id, name } = body as { id: string; name: string };
    await console.gateway.admin('PATCH', `/tokens/${id}`, { name: `${name} renamed` });
    await console.gateway.admin('POST', `/tokens/${id}/deactivate`);
    await page.reload();
    await page.getByRole('row', { name: /token\.state active inactive/ }).waitFor();
    expect(await console.inspect(page, 'then-and-now-1280-light-en')).toEqual([]);
    await page.setViewportSize({ width: 390, height: 900 });
    expect(await console.inspect(page, 'then-and-now-390-light-en')).toEqual([]);
    await console.gateway.admin('POST', `/tokens/${id}/activate`);
    await page.getByRole('link', { name: 'Make a token that passes' }).click();
    expect(page.url()).toMatch(/\/o\/acme\/tokens\/new\?refusal=[0-9A-Z]{26}$/);
    await page.context().close();
    // What is not whole yet the sidecar cannot say the reach of.
    expect(console.faults.splice(0).filter((fault) => !fault.includes('422'))).toEqual([]);
  }, 60_000);

  it('nothing is asked while nobody looks at the window', async () => {
    const page = await console.page({}, console.gateway.adminKey);
    await page.goto(`${console.gateway.adminUrl}/refusals?live=1`);
    await page.locator('td.name').first().waitFor();
    await page.evaluate(
      `Object.defineProperty(document, 'visibilityState', { value: 'hidden', configurable: true });
       document.dispatchEvent(new Event('visibilitychange'))`,
    );
    const rows = await page.getByRole('row').count();
    const asked: string[] = [];
    page.on('request', (request) => asked.push(request.url()));
    await send('GET', '/v1/workspaces', null);
    await timePasses(4500, 'two looks that are not taken');
    expect(asked).toEqual([]);
    expect(await page.getByRole('row').count()).toBe(rows);
    await page.evaluate(`delete document.visibilityState; document.dispatchEvent(new Event('visibilitychange'))`);
    await expect.poll(() => page.getByRole('row').count(), { timeout: 6000 }).toBe(rows + 1);
    await page.context().close();
    expect(console.faults).toEqual([]);
  }, 60_000);

  it('a member sees refusals of their own tokens, and no routes', async () => {
    const page = await console.page({}, mine);
    await page.getByRole('link', { name: 'Refusals' }).click();
    await page.locator('td.name').first().waitFor();
    const text = await page.locator('main').innerText();
    expect(text).toContain('/v3/chat');
    expect(text).not.toMatch(/bot_sales|nowhere|Not known/);
    expect(await page.getByRole('link', { name: 'Routes' }).count()).toBe(0);
    await page.goto(`${console.gateway.adminUrl}/routes`);
    expect(await page.getByRole('alert').innerText()).toMatch(/forbidden/);
    expect(console.faults.splice(0).filter((fault) => !fault.includes('403'))).toEqual([]);
    await page.context().close();
  }, 60_000);

  it.each(['/routes', '/o/acme/refusals'])(
    '%s says what went wrong, and waits for what is slow',
    async (path) => {
      const page = await console.page({}, console.gateway.adminKey);
      const calls = /^\/v1\/(routes|refusals)$/;
      await console.failing(page, { failure: 403, calls }, async () => {
        await page.goto(console.gateway.adminUrl + path);
        await page.getByRole('alert').waitFor();
        expect(await page.getByRole('alert').innerText()).toContain(INJECTED_REQUEST_ID);
      });
      await console.failing(page, { failure: 'slow', calls }, async () => {
        await page.getByRole('button', { name: 'Try again' }).click();
        await page.locator('td.name').first().waitFor();
      });
      expect(console.faults).toEqual([]);
      await page.context().close();
    },
    60_000,
  );
});

describe.skipIf(!hasTool('chromium'))('where refusals are not remembered', () => {
  it('the page says how that is switched on', async () => {
    await using console = await openConsole({ settings: { explain: { keep: 0 } } });
    const page = await console.page({}, console.gateway.adminKey);
    await page.goto(`${console.gateway.adminUrl}/refusals`);
    await page.getByText('Refusals are not remembered here').waitFor();
    expect(await page.locator('main').innerText()).toContain('explain: { keep: 10000, forMinutes: 1440 }');
    expect(console.faults).toEqual([]);
  }, 60_000);
});
