/** Every page of the console in both languages and schemes, from a narrow telephone to a wide screen. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { hasTool } from '../support/tools.ts';
import { type Look, type OpenConsole, openConsole, SCREENSHOTS } from './harness.ts';

/** The two that differ in everything; the others are for whoever wants to see them. */
const LOOKS: readonly Look[] = [
  { width: 390, scheme: 'dark', language: 'zh' },
  { width: 1280, scheme: 'light', language: 'en' },
];
const FURTHER: readonly Look[] = [
  { width: 1920, scheme: 'dark', language: 'en' },
  { width: 1280, scheme: 'light', language: 'zh' },
  { width: 390, scheme: 'light', language: 'en' },
];
const nameOf = ({ width, scheme, language }: Look) => `${width}-${scheme}-${language}`;

describe.skipIf(!hasTool('chromium'))('in Chromium', () => {
  let console: OpenConsole;
  beforeAll(async () => {
    console = await openConsole();
    const long = 'a name as long as a name may be, without end '.repeat(3).slice(0, 128);
    await console.gateway.mint({ name: long, scopes: ['bot:read'], owner: 'bob' });
  }, 60_000);
  afterAll(() => console?.[Symbol.asyncDispose]());

  it.each([...LOOKS, ...(SCREENSHOTS === undefined ? [] : FURTHER)].map((look) => [nameOf(look), look] as const))(
    'every page is accessible: %s',
    async (name, look) => {
      const page = await console.page(look);
      await page.locator('input[type=password]').waitFor();
      expect(await console.inspect(page, `sign-in-${name}`)).toEqual([]);
      await page.locator('input[type=password]').fill(console.gateway.adminKey);
      await page.keyboard.press('Enter');
      await page.locator('.figure').first().waitFor();
      await page.goto(`${console.gateway.adminUrl}/o/acme/tokens`);
      await page.locator('td.name').first().waitFor();
      expect(await console.inspect(page, `tokens-${name}`)).toEqual([]);
      await page.locator('td.name a').last().click();
      await page.locator('dl.facts').waitFor();
      expect(await console.inspect(page, `token-${name}`)).toEqual([]);
      await page.locator('.button.danger').first().click();
      await page.getByRole('dialog').waitFor();
      expect(await console.inspect(page, `revoke-${name}`)).toEqual([]);
      await page.goto(`${console.gateway.adminUrl}/o/acme/tokens/new`);
      await page.locator('form details summary').first().waitFor();
      expect(await console.inspect(page, `new-token-${name}`)).toEqual([]);
      const { body } = await console.gateway.admin('GET', '/tokens?owner=bob');
      const { id } = (body as { items: { id: string }[] }).items.at(-1)!;
      await page.goto(`${console.gateway.adminUrl}/o/acme/explain?token=${id}&method=DELETE&url=/v1/bots/bot_sales`);
      await page.locator('.badge').first().waitFor();
      expect(await console.inspect(page, `explain-${name}`)).toEqual([]);
      await page.context().close();
      expect(console.faults).toEqual([]);
    },
    120_000,
  );
});
