/** What a page says when the API is slow, refuses or is away, or when the browser itself cannot show it. */
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { hasTool } from '../support/tools.ts';
import { INJECTED_REQUEST_ID, type OpenConsole, openConsole, saidOf } from './harness.ts';

describe.skipIf(!hasTool('chromium'))('in Chromium', () => {
  let console: OpenConsole;
  beforeAll(async () => {
    console = await openConsole();
  }, 60_000);
  afterAll(() => console?.[Symbol.asyncDispose]());

  async function onTokens(): Promise<Page> {
    const page = await console.page({}, console.gateway.adminKey);
    await page.locator('td.name').first().waitFor();
    return page;
  }

  it.each([403, 503] as const)(
    'a list that is answered %d says so with its request, and loads when it may',
    async (failure) => {
      const page = await onTokens();
      await console.failing(page, { failure, calls: /\/tokens$/ }, async () => {
        await page.getByRole('link', { name: 'Explain' }).click();
        await page.goto(`${console.gateway.adminUrl}/o/acme/tokens?state=active`);
        await page.getByRole('alert').waitFor();
        expect(await page.getByRole('alert').innerText()).toContain(INJECTED_REQUEST_ID);
        expect(await page.getByRole('navigation').isVisible()).toBe(true);
      });
      await page.getByRole('button', { name: 'Try again' }).click();
      await page.locator('td.name').first().waitFor();
      expect(console.faults).toEqual([]);
      await page.context().close();
    },
  );

  it('a slow answer is waited for, and an API that is away is asked again', async () => {
    const page = await onTokens();
    await console.failing(page, { failure: 'slow', calls: /\/tokens$/ }, async () => {
      await page.goto(`${console.gateway.adminUrl}/o/acme/tokens?state=active`);
      await page.getByText('Loading').waitFor();
      await page.locator('td.name').first().waitFor();
    });
    await console.failing(page, { failure: 'down' }, async () => {
      await page.reload();
      await page.getByRole('alert').waitFor();
      expect(await page.getByRole('alert').innerText()).toContain('does not answer');
    });
    await page.getByRole('button', { name: 'Try again' }).click();
    await page.locator('td.name').first().waitFor();
    expect(console.faults).toEqual([]);
    await page.context().close();
  });

  it.each([409, 422] as const)('a change that is answered %d leaves what was typed', async (failure) => {
    const page = await onTokens();
    await page.getByRole('link', { name: 'Create token' }).click();
    await page.getByLabel('Name').fill('typed before');
    await page.getByLabel('Owner').fill('bob');
    await console.failing(page, { failure, method: 'POST', calls: /\/tokens$/ }, async () => {
      await page.getByRole('button', { name: 'Create the token' }).click();
      await page.getByRole('alert').waitFor();
    });
    expect(await page.getByLabel('Name').inputValue()).toBe('typed before');
    expect(console.faults).toEqual([]);
    await page.context().close();
  });

  it.each([
    ['find by value', '/v1/tokens/find', 'Find by value', 'Find', 'Value of the token', 'pat_of_nobody'],
    ['rotation', '/rotate', 'Rotate', 'Rotate', 'The old value ends', '60'],
  ] as const)(
    'a %s that fails says so in its window, keeps what was chosen, and is made when it may',
    async (...names) => {
      const [, call, opens, acts, label, chosen] = names;
      await console.gateway.mint({ name: `for ${opens}`, owner: 'alice', kind: 'service', scopes: ['bot:read'] });
      const page = await onTokens();
      if (call === '/rotate') {
        await page.getByRole('link', { name: `for ${opens}` }).click();
        await page.locator('dl.facts').waitFor();
      }
      await page.getByRole('button', { name: opens }).click();
      const dialog = page.getByRole('dialog');
      const field = dialog.getByLabel(label);
      if (call === '/rotate') await field.selectOption(chosen);
      else await field.fill(chosen);
      const act = () => dialog.getByRole('button', { name: acts, exact: true }).click();
      for (const failure of [403, 409, 422, 503, 'down'] as const)
        await console.failing(page, { failure, method: 'POST', calls: new RegExp(`${call}$`) }, async () => {
          await act();
          await dialog
            .getByRole('alert')
            .filter({ hasText: saidOf(failure) })
            .waitFor();
          if (failure !== 'down') await dialog.getByText(INJECTED_REQUEST_ID).waitFor();
          expect(await field.inputValue()).toBe(chosen);
        });
      await console.failing(page, { failure: 'ended', method: 'POST', calls: new RegExp(`${call}$`) }, async () => {
        await act();
        await page.getByRole('dialog', { name: 'Your session has ended' }).waitFor();
        await page.getByLabel('Admin key or personal token').fill(console.gateway.adminKey);
        await page.keyboard.press('Enter');
        await page.getByRole('dialog', { name: 'Your session has ended' }).waitFor({ state: 'detached' });
      });
      expect(await field.inputValue()).toBe(chosen);
      await act();
      await page
        .getByText(call === '/rotate' ? 'I have stored it' : 'No token of this gateway has this value.')
        .waitFor();
      // The browser itself tells of every 404.
      expect(console.faults.splice(0).filter((fault) => !fault.includes('404'))).toEqual([]);
      await page.context().close();
    },
  );

  it('a rotation that was given up leaves nothing to the next one', async () => {
    const page = await onTokens();
    await console.gateway.mint({ name: 'rotated twice', owner: 'alice', kind: 'service', scopes: ['bot:read'] });
    await page.reload();
    await page.getByRole('link', { name: 'rotated twice' }).click();
    await page.getByRole('button', { name: 'Rotate' }).click();
    const grace = page.getByRole('dialog').getByLabel('The old value ends');
    const first = await grace.inputValue();
    await grace.selectOption('60');
    await page.keyboard.press('Escape');
    await page.getByRole('dialog').waitFor({ state: 'detached' });
    await page.getByRole('button', { name: 'Rotate' }).click();
    expect(await grace.inputValue()).toBe(first);
    await page.context().close();
    expect(console.faults).toEqual([]);
  });

  it('a session that is gone is opened again over the page', async () => {
    const page = await onTokens();
    await console.failing(page, { failure: 'ended', calls: /\/tokens/ }, async () => {
      await page.locator('td.name a').first().click();
      await page.getByRole('dialog', { name: 'Your session has ended' }).waitFor();
    });
    await page.getByLabel('Admin key or personal token').fill(console.gateway.adminKey);
    await page.keyboard.press('Enter');
    await page.locator('dl.facts').waitFor();
    expect(console.faults).toEqual([]);
    await page.context().close();
  });

  it('where scripts are off, or one does not load, the page says what to do', async () => {
    const loaded = await console.page({});
    await loaded.route('**/assets/*.js', (route) => route.abort('connectionreset'));
    await loaded.reload();
    const context = await loaded.context().browser()!.newContext({ javaScriptEnabled: false });
    const bare = await context.newPage();
    await bare.goto(console.gateway.adminUrl);
    for (const page of [loaded, bare]) {
      const text = await page.locator('main').innerText();
      expect(text).toMatch(/reload the page.*allow scripts.*scopegate --help/);
      expect(text).toContain('请刷新页面');
    }
    expect(console.faults.splice(0)).toEqual(['console: Failed to load resource: net::ERR_CONNECTION_RESET']);
    await Promise.all([context.close(), loaded.context().close()]);
  });
});
