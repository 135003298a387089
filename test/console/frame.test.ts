/** What stands around the pages of the console, in Chromium: beside them where there is room, behind a button where there is none. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { hasTool } from '../support/tools.ts';
import { type OpenConsole, openConsole } from './harness.ts';

describe.skipIf(!hasTool('chromium'))('in Chromium', () => {
  let console: OpenConsole;
  beforeAll(async () => {
    console = await openConsole();
    const other = { name: 'Another company with a long name', edition: 'team' };
    await console.gateway.admin('PUT', '/v1/organizations/other', other);
  }, 60_000);
  afterAll(() => console?.[Symbol.asyncDispose]());

  it('on a telephone the ways to the pages wait behind a button', async () => {
    const page = await console.page({ width: 390 }, console.gateway.adminKey);
    await page.goto(`${console.gateway.adminUrl}/o/acme/tokens`);
    await page.locator('td.name').first().waitFor();
    const menu = page.getByRole('button', { name: 'Menu' });
    const explain = page.getByRole('link', { name: 'Explain', exact: true });
    expect(await explain.isVisible()).toBe(false);
    await menu.click();
    await explain.waitFor();
    expect(await console.inspect(page, 'menu-390-light-en')).toEqual([]);
    await explain.focus();
    await page.keyboard.press('Escape');
    await explain.waitFor({ state: 'hidden' });
    expect(await page.evaluate('document.activeElement.textContent')).toBe('Menu');
    await page.keyboard.press('Enter');
    await explain.click();
    await page.getByRole('heading', { name: 'Explain', exact: true }).waitFor();
    expect(await explain.isVisible()).toBe(false);
    expect(await page.evaluate('document.documentElement.scrollWidth')).toBe(390);
    await page.context().close();
    expect(console.faults).toEqual([]);
  }, 60_000);

  it.each([860, 480])('at %d pixels of height the way out is in sight, and all ways can be reached', async (height) => {
    const page = await console.page({ width: 1280 }, console.gateway.adminKey);
    await page.setViewportSize({ width: 1280, height });
    const out = (await page.getByRole('button', { name: 'Sign out' }).boundingBox())!;
    expect(out.y + out.height).toBeLessThanOrEqual(height);
    const last = page.getByRole('link', { name: 'All refusals' });
    await last.focus();
    expect((await last.boundingBox())!.y).toBeLessThan(out.y);
    expect(await console.inspect(page, `low-${height}-light-en`)).toEqual([]);
    await page.context().close();
    expect(console.faults).toEqual([]);
  });

  it('another organization shows the same page of it', async () => {
    const page = await console.page({ width: 1280 }, console.gateway.adminKey);
    await page.goto(`${console.gateway.adminUrl}/o/acme/explain`);
    await page.getByLabel('Organization').selectOption('other');
    await page.waitForURL('**/o/other/explain');
    expect(await page.getByRole('button', { name: 'Menu' }).isVisible()).toBe(false);
    expect(await console.inspect(page, 'organizations-1280-light-en')).toEqual([]);
    await page.context().close();
    expect(console.faults).toEqual([]);
  }, 60_000);

  it('keys lead to pages, search and create; never while somebody types, and they can be switched off', async () => {
    const page = await console.page({ width: 1280 }, console.gateway.adminKey);
    await page.goto(`${console.gateway.adminUrl}/o/acme/tokens`);
    await page.locator('td.name').first().waitFor();
    await page.keyboard.press('?');
    await page.getByRole('dialog', { name: 'Keys' }).waitFor();
    expect(await console.inspect(page, 'keys-1280-light-en')).toEqual([]);
    const keys = await page.locator('.keys dt').allInnerTexts();
    expect(new Set(keys).size).toBe(keys.length);
    expect(keys.map((each) => each.replace(/\s+/g, ' '))).toEqual(
      expect.arrayContaining(['g t', 'g r', '/', 'c', '?']),
    );
    await page.keyboard.press('g');
    await page.keyboard.press('r');
    expect(page.url()).toMatch(/tokens$/);
    await page.keyboard.press('Escape');
    await page.getByRole('dialog').waitFor({ state: 'detached' });
    for (const [letters, heading] of [
      ['gr', 'Refusals'],
      ['gu', 'Routes'],
      ['gt', 'Tokens'],
    ] as const) {
      for (const letter of letters) await page.keyboard.press(letter);
      await page.getByRole('heading', { name: heading, exact: true }).waitFor();
    }
    await page.keyboard.press('/');
    await page.keyboard.type('c?gr');
    expect(await page.evaluate('document.activeElement.value')).toBe('c?gr');
    expect(page.url()).toContain('/tokens');
    await page.keyboard.press('Escape');
    await page.getByRole('heading', { name: 'Tokens', exact: true }).click();
    await page.keyboard.press('Control+c');
    await page.keyboard.press('c');
    await page.getByRole('heading', { name: 'Create a token' }).waitFor();

    await page.getByRole('button', { name: 'Keys' }).click();
    await page.getByLabel('Use keys').uncheck();
    await page.getByRole('button', { name: 'Close' }).click();
    await page.reload();
    await page.getByRole('heading', { name: 'Create a token' }).click();
    for (const letter of 'gt?') await page.keyboard.press(letter);
    expect(page.url()).toMatch(/\/tokens\/new/);
    expect(await page.getByRole('dialog').count()).toBe(0);
    await page.context().close();
    expect(console.faults).toEqual([]);
  }, 60_000);
});
