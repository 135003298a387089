/** The list of tokens in the console: filters in the address, found by a pasted value, and many revoked with what failed named. */
import { createHash } from 'node:crypto';
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { hasTool } from '../support/tools.ts';
import { type Look, type OpenConsole, openConsole } from './harness.ts';

const LOOKS: readonly Look[] = [
  { width: 390, scheme: 'dark', language: 'en' },
  { width: 1280, scheme: 'light', language: 'zh' },
  { width: 1920, scheme: 'dark', language: 'zh' },
];

describe.skipIf(!hasTool('chromium'))('in Chromium', () => {
  let console: OpenConsole;
  beforeAll(async () => {
    console = await openConsole();
    await console.gateway.mint({ name: 'old export', owner: 'bob', scopes: ['bot:read'] });
  }, 60_000);
  afterAll(() => console?.[Symbol.asyncDispose]());

  const list = async (look: Partial<Look>, query = ''): Promise<Page> => {
    const page = await console.page(look, console.gateway.adminKey);
    page.setDefaultTimeout(8000);
    await page.goto(`${console.gateway.adminUrl}/o/acme/tokens${query}`);
    await page.locator('td.name, .empty').first().waitFor();
    return page;
  };
  const names = (page: Page) => page.locator('td.name a').allInnerTexts();
  const stateOf = async (name: string) => {
    const { body } = await console.gateway.admin('GET', `/tokens?name=${encodeURIComponent(name)}`);
    return (body as { items: Array<{ state: string }> }).items.map(({ state }) => state);
  };

  it.each(LOOKS.map((look) => [`${look.width}-${look.scheme}-${look.language}`, look] as const))(
    'the list, its dialogs and what is chosen are accessible: %s',
    async (name, look) => {
      const page = await list(look);
      await page.locator('td.choose input').nth(1).check();
      await page.locator('td.choose input').nth(0).check();
      expect(await console.inspect(page, `list-${name}`)).toEqual([]);
      await page.locator('.chosen .button.danger').click();
      await page.getByRole('dialog').waitFor();
      expect(await console.inspect(page, `revoke-many-${name}`)).toEqual([]);
      await page.keyboard.press('Escape');
      await page.getByRole('dialog').waitFor({ state: 'detached' });
      await page.locator('.head .button').first().click();
      await page.getByRole('dialog').waitFor();
      expect(await console.inspect(page, `find-${name}`)).toEqual([]);
      expect(console.faults.splice(0)).toEqual([]);
      await page.context().close();
    },
  );

  it('is narrowed by the server, and the address says by what', async () => {
    const page = await list({});
    const find = page.getByRole('search');
    await find.getByLabel('Name').fill('OLD');
    await expect.poll(() => names(page)).toEqual(['old export']);
    await find.getByLabel('Last used').selectOption('Never');
    await find.getByLabel('Scope').selectOption('bot:read');
    await find.getByLabel('Workspace').fill('ws_sales');
    await expect.poll(() => new URL(page.url()).search).toBe('?name=OLD&use=never&scope=bot%3Aread&workspace=ws_sales');
    expect(await names(page)).toEqual(['old export']);
    await find.getByLabel('Scope').selectOption('chat:write');
    await page.getByText('No token fits these filters').waitFor();
    await page.goBack();
    await page.reload();
    await page.locator('td.name').first().waitFor();
    expect(await find.getByLabel('Name').inputValue()).toBe('OLD');
    await find.getByRole('button', { name: 'Clear filters' }).click();
    await find.getByLabel('Worth a look').selectOption('It never expires.');
    await expect.poll(() => names(page)).toEqual(['nightly report']);
    expect(console.faults.splice(0)).toEqual([]);
    await page.context().close();
  });

  it('offers owners and workspaces by their names, as they are typed', async () => {
    const page = await list({});
    const offered = page.locator('datalist option');
    await expect.poll(() => offered.allTextContents()).toEqual(expect.arrayContaining(['Alice', 'Bob', 'Sales']));
    await page.getByLabel('Owner').fill('ali');
    await expect.poll(() => offered.allTextContents()).not.toContain('Bob');
    expect(await offered.allTextContents()).toContain('Alice');
    await page.getByLabel('Owner').fill('alice');
    await expect.poll(() => new URL(page.url()).search).toBe('?owner=alice');
    expect(console.faults.splice(0)).toEqual([]);
    await page.context().close();
  });

  it('finds the token of a pasted value by its hash, which alone is sent', async () => {
    const token = await console.gateway.mint({ name: 'was pasted', owner: 'bob', scopes: ['bot:read'] });
    const page = await list({});
    const sent: string[] = [];
    page.on('request', (request) => sent.push(`${request.url()} ${request.postData() ?? ''}`));
    await page.getByRole('button', { name: 'Find by value' }).click();
    await page.getByLabel('Value of the token').fill(token.slice(0, -1) + (token.endsWith('0') ? '1' : '0'));
    await page.keyboard.press('Enter');
    await page.getByText('No token of this gateway has this value.').waitFor();
    await page.getByLabel('Value of the token').fill(token);
    await page.keyboard.press('Enter');
    await page.getByRole('heading', { name: 'was pasted' }).waitFor();
    expect(sent.join('\n')).toContain(createHash('sha256').update(token).digest('hex'));
    expect(sent.join('\n') + page.url() + (await page.content())).not.toContain(token.slice(4));
    expect(console.faults.splice(0).filter((fault) => !fault.includes('404'))).toEqual([]);
    await page.context().close();
  });

  it('revokes many: by their number, past one that fails, which is named and stays chosen', async () => {
    for (const nth of [1, 2, 3])
      await console.gateway.mint({ name: `many ${nth}`, owner: 'bob', scopes: ['bot:read'] });
    const page = await list({}, '?name=many');
    await page.getByLabel('All of this page').check();
    await page.locator('.chosen').getByRole('button', { name: 'Revoke' }).click();
    const dialog = page.getByRole('dialog', { name: 'Revoke 3 tokens?' });
    expect(await dialog.locator('li').allInnerTexts()).toHaveLength(3);
    expect(await dialog.locator('li').first().innerText()).toMatch(/many \d Bob bob/);
    const confirm = dialog.getByRole('button', { name: 'Revoke' });
    await confirm.click();
    await dialog.getByText('This is not their number.').waitFor();
    await dialog.getByLabel('Type 3 to go on').fill('3');
    const href = String(await page.locator('td.name a', { hasText: 'many 2' }).getAttribute('href'));
    const calls = new RegExp(`${href.split('/').at(-1)}/revoke`);
    await console.failing(page, { failure: 409, calls, method: 'POST' }, async () => {
      await confirm.click();
      await page.getByRole('alert').waitFor();
    });
    expect(await page.getByRole('alert').innerText()).toMatch(/many 2: Somebody else was faster.*\(conflict · \w+\)/);
    await page.getByText(/2 tokens are revoked\..*gateway process has applied it/).waitFor();
    await page.getByText('1 chosen').waitFor();
    expect([await stateOf('many 1'), await stateOf('many 2')]).toEqual([['revoked'], ['active']]);
    await page.locator('.chosen').getByRole('button', { name: 'Revoke' }).click();
    await page.getByLabel('Type 1 to go on').fill('1');
    await page.getByRole('dialog').getByRole('button', { name: 'Revoke' }).click();
    await page.getByText('1 token is revoked.').waitFor();
    expect(await stateOf('many')).toEqual(['revoked', 'revoked', 'revoked']);
    expect(console.faults.splice(0)).toEqual([]);
    await page.context().close();
  });

  it.each(['down', 'slow', 'ended', 403, 503] as const)(
    'a revocation of many that meets %s says so of each, and is made when it may',
    async (failure) => {
      for (const nth of [1, 2])
        await console.gateway.mint({ name: `${failure} ${nth}`, owner: 'bob', scopes: ['bot:read'] });
      const page = await list({}, `?name=${failure}&state=active`);
      await page.getByLabel('All of this page').check();
      const revoke = async () => {
        await page.locator('.chosen').getByRole('button', { name: 'Revoke' }).click();
        await page.getByLabel('Type 2 to go on').fill('2');
        await page.getByRole('dialog').getByRole('button', { name: 'Revoke' }).click();
      };
      await console.failing(page, { failure, calls: /\/revoke$/, method: 'POST' }, async () => {
        await revoke();
        if (failure === 'slow') await page.getByText('2 tokens are revoked.').waitFor();
        else if (failure === 'ended') {
          await page.getByRole('dialog', { name: 'Your session has ended' }).waitFor();
          await page.getByLabel('Admin key or personal token').fill(console.gateway.adminKey);
          await page.keyboard.press('Enter');
          await page.getByRole('dialog').waitFor({ state: 'detached' });
        } else await page.getByText('2 tokens could not be revoked').waitFor();
      });
      if (failure !== 'slow') {
        await revoke();
        await page.getByText('2 tokens are revoked.').waitFor();
      }
      expect(await stateOf(String(failure))).toEqual(['revoked', 'revoked']);
      expect(console.faults.splice(0)).toEqual([]);
      await page.context().close();
    },
  );
});
