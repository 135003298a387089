/** Organizations in the console, for the operator alone: made, changed and deleted, the last only by their name. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { hasTool } from '../support/tools.ts';
import { INJECTED_REQUEST_ID, type OpenConsole, saidOf } from './harness.ts';
import { openPeopleConsole, PEOPLE_LOOKS, shiftsOf, windowFaults } from './people.ts';

describe.skipIf(!hasTool('chromium'))('in Chromium', () => {
  let console: OpenConsole;
  const path = () => `${console.gateway.adminUrl}/organizations`;
  const read = (org: string) => console.gateway.admin('GET', `/v1/organizations/${org}`);
  beforeAll(async () => {
    console = await openPeopleConsole();
  }, 60_000);
  afterAll(() => console?.[Symbol.asyncDispose]());

  it.each(PEOPLE_LOOKS)(
    'the page is accessible, and nothing moves by itself: %s',
    async (name, look) => {
      const page = await console.page(look, console.gateway.adminKey);
      expect(await shiftsOf(page, path(), () => page.locator('.lines li').first().waitFor())).toEqual([]);
      expect(await console.inspect(page, `organizations-${name}`)).toEqual([]);
      expect(await windowFaults(console, page, 'main .button', `organizations-window-N-${name}`)).toEqual([]);
      expect(console.faults).toEqual([]);
      await page.context().close();
    },
    60_000,
  );

  it('one is made, renamed and deleted, and loses nothing that was typed', async () => {
    const page = await console.page({}, console.gateway.adminKey);
    await page.goto(path());
    const dialog = page.getByRole('dialog');
    const confirm = () => dialog.locator('.ends .button').last().click();
    await page.getByRole('button', { name: 'Create organization' }).click();
    await dialog.getByLabel('Id', { exact: true }).fill('umbra');
    await dialog.getByLabel('Name', { exact: true }).fill('Umbra');
    for (const failure of [403, 409, 422, 503] as const)
      await console.failing(page, { failure, method: 'PUT' }, async () => {
        await confirm();
        await dialog
          .getByRole('alert')
          .filter({ hasText: saidOf(failure) })
          .waitFor();
        await dialog.getByText(INJECTED_REQUEST_ID).waitFor();
        expect(await dialog.getByLabel('Name', { exact: true }).inputValue()).toBe('Umbra');
      });
    await confirm();
    await page.getByText('“Umbra” is made').waitFor();
    await page.getByRole('button', { name: 'Edit Umbra' }).click();
    await dialog.getByLabel('Name', { exact: true }).fill('Umbra & Co');
    await confirm();
    await page.getByRole('button', { name: 'Edit Umbra & Co' }).waitFor();
    expect((await read('umbra')).body).toMatchObject({ name: 'Umbra & Co', edition: 'team' });
    await page.getByRole('button', { name: 'Delete Umbra & Co' }).click();
    await dialog.getByLabel('Type').fill('Acme');
    await confirm();
    await dialog.getByText('This is not its name.').first().waitFor();
    await dialog.getByLabel('Type').fill('Umbra & Co');
    await confirm();
    await page.getByText('“Umbra & Co” is deleted.').waitFor();
    expect((await read('umbra')).status).toBe(404);
    expect(console.faults.splice(0).filter((fault) => !fault.includes('404'))).toEqual([]);
    await page.context().close();
  }, 60_000);

  it('a member finds none of it', async () => {
    const token = await console.gateway.mint({ name: 'mine', owner: 'bob', scopes: ['tokens:manage', 'bot:read'] });
    const page = await console.page({}, token);
    await page.getByRole('link', { name: 'Tokens' }).waitFor();
    expect(await page.getByRole('link', { name: 'Organizations' }).count()).toBe(0);
    await page.goto(path());
    await page.getByRole('alert').waitFor();
    expect(await page.locator('main').innerText()).not.toContain('Acme');
    expect(console.faults.splice(0).filter((fault) => !fault.includes('403'))).toEqual([]);
    await page.context().close();
  }, 60_000);
});
