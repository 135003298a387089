/** Service accounts in the console: made with their secret shown once, ended with what goes with them, and found by nobody else. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { hasTool } from '../support/tools.ts';
import { INJECTED_REQUEST_ID, type OpenConsole } from './harness.ts';
import { issueTo, openPeopleConsole, PEOPLE_LOOKS, shiftsOf, tabToName } from './people.ts';

describe.skipIf(!hasTool('chromium'))('in Chromium', () => {
  let console: OpenConsole;
  const path = (below = '') => `${console.gateway.adminUrl}/o/acme/service-accounts${below}`;
  const make = async (name: string, tokens = 0) => {
    const input = { name, scopes: ['bot:read'], roles: [{ workspace: 'ws_sales', role: 'member' }] };
    const { body } = await console.gateway.admin('POST', '/service-accounts', input);
    const made = body as { clientId: string; clientSecret: string };
    for (let count = 0; count < tokens; count++) await issueTo(console, made.clientId, made.clientSecret);
    return made;
  };
  beforeAll(async () => {
    console = await openPeopleConsole();
  }, 60_000);
  afterAll(() => console?.[Symbol.asyncDispose]());

  it.each(PEOPLE_LOOKS)(
    'every page is accessible, and nothing moves by itself: %s',
    async (name, look) => {
      const { clientId } = await make('a program with a name that is rather long, as names of programs may well be', 2);
      const page = await console.page(look, console.gateway.adminKey);
      expect(await shiftsOf(page, path(), () => page.locator('td.name').first().waitFor())).toEqual([]);
      expect(await console.inspect(page, `accounts-${name}`)).toEqual([]);
      expect(await shiftsOf(page, path(`/${clientId}`), () => page.locator('dl.facts').waitFor())).toEqual([]);
      expect(await console.inspect(page, `account-${name}`)).toEqual([]);
      await page.locator('.button.danger').last().click();
      await page.getByRole('dialog').locator('input[type=radio]').last().check();
      await page.getByRole('dialog').locator('input:not([type=radio])').waitFor();
      expect(await console.inspect(page, `account-delete-${name}`)).toEqual([]);
      await page.goto(path('/new'));
      await page.locator('form .group').first().waitFor();
      await page.locator('form section:nth-of-type(3) .button').click();
      expect(await console.inspect(page, `account-new-${name}`)).toEqual([]);
      await page.goto(path('?name=nobody-is-called-so'));
      await page.locator('.empty').waitFor();
      expect(await console.inspect(page, `accounts-none-${name}`)).toEqual([]);
      expect(console.faults).toEqual([]);
      await page.context().close();
    },
    120_000,
  );

  it('one is made by the keyboard alone; its secret works, and is not let go of by mistake', async () => {
    const page = await console.page({}, console.gateway.adminKey);
    await page.getByRole('link', { name: 'Service accounts' }).waitFor();
    await tabToName(page, /^Service accounts$/);
    await page.keyboard.press('Enter');
    await page.getByRole('heading', { name: 'Service accounts', level: 1 }).waitFor();
    await tabToName(page, /^Create service account$/);
    await page.keyboard.press('Enter');
    await page.getByRole('heading', { name: 'Create a service account' }).waitFor();
    await tabToName(page, /^Name/);
    await page.keyboard.type('importer by keyboard');
    await tabToName(page, /^Bot /);
    await page.keyboard.press('Enter');
    await tabToName(page, /^bot:read/);
    await page.keyboard.press('Space');
    await tabToName(page, /^Add a role$/);
    await page.keyboard.press('Enter');
    await page.getByRole('combobox', { name: 'Workspace' }).waitFor();
    await page.keyboard.press('Shift+Tab');
    await page.keyboard.press('Shift+Tab');
    await page.keyboard.press('Shift+Tab');
    await page.keyboard.type('ws_sales');
    await tabToName(page, /^Create the service account$/);
    await page.keyboard.press('Enter');
    await page.getByRole('dialog').waitFor();
    await page.keyboard.press('Escape');
    expect(await page.getByRole('alert').textContent()).toContain('cannot be shown again');
    const secret = (await page.getByRole('dialog').locator('code').first().textContent())!;
    await tabToName(page, /^I have stored it$/);
    await page.keyboard.press('Space');
    await tabToName(page, /^Close$/);
    await page.keyboard.press('Enter');
    await page.getByRole('heading', { name: 'importer by keyboard' }).waitFor();
    await page.getByRole('link', { name: 'Sales' }).waitFor();
    expect(await page.content()).not.toContain(secret);
    const clientId = decodeURIComponent(page.url().split('/').at(-1)!);
    expect(await issueTo(console, clientId, secret)).toMatch(/^sgt_/);
    expect(console.faults).toEqual([]);
    await page.context().close();
  }, 60_000);

  it.each([403, 409, 422, 503] as const)(
    '%d in the middle loses nothing that was typed',
    async (failure) => {
      const page = await console.page({}, console.gateway.adminKey);
      await page.goto(path('/new'));
      await page.getByLabel('Name').fill('typed before');
      await page.locator('form .group summary').first().click();
      await page.locator('form .group input').first().check();
      await page.getByRole('button', { name: 'Add a role' }).click();
      await page.getByRole('combobox', { name: 'Workspace' }).fill('ws_legal');
      await console.failing(page, { failure, method: 'POST', calls: /\/service-accounts$/ }, async () => {
        await page.getByRole('button', { name: 'Create the service account' }).click();
        await page.getByRole('alert').waitFor();
        expect(await page.getByRole('alert').innerText()).toContain(INJECTED_REQUEST_ID);
      });
      expect(await page.getByLabel('Name').inputValue()).toBe('typed before');
      expect(await page.getByRole('combobox', { name: 'Workspace' }).inputValue()).toBe('ws_legal');
      await page.getByRole('button', { name: 'Create the service account' }).click();
      await page.getByRole('dialog').waitFor();
      expect(console.faults).toEqual([]);
      await page.context().close();
    },
    60_000,
  );

  it('a role in a workspace that is not there is refused beside the roles', async () => {
    const page = await console.page({}, console.gateway.adminKey);
    await page.goto(path('/new'));
    await page.getByLabel('Name').fill('nowhere');
    await page.locator('form .group summary').first().click();
    await page.locator('form .group input').first().check();
    await page.getByRole('button', { name: 'Add a role' }).click();
    await page.getByRole('combobox', { name: 'Workspace' }).fill('ws_none');
    await page.getByRole('button', { name: 'Create the service account' }).click();
    await page.getByRole('alert').waitFor();
    expect(await page.locator('section .mistake').innerText()).toContain('"ws_none"');
    expect(console.faults.splice(0).filter((fault) => !fault.includes('422'))).toEqual([]);
    await page.context().close();
  }, 60_000);

  it('a deletion says what goes with it, asks for the name where tokens end, fails without loss, and is told of', async () => {
    const { clientId } = await make('to delete', 3);
    const page = await console.page({}, console.gateway.adminKey);
    await page.goto(path(`/${clientId}`));
    await page.getByRole('button', { name: 'Delete' }).click();
    const dialog = page.getByRole('dialog');
    await dialog.getByText('3 access tokens live on until they expire').waitFor();
    expect(await dialog.locator('input:not([type=radio])').count()).toBe(0);
    await dialog.getByLabel('End at once').check();
    await dialog.getByText('3 access tokens end at once').first().waitFor();
    await dialog.getByText('its role in 1 workspace ends').waitFor();
    await dialog.getByRole('button', { name: 'Delete' }).click();
    await dialog.getByText('This is not its name.').waitFor();
    await dialog.getByLabel(/^Type/).fill('to delete');
    for (const failure of [403, 409, 422, 503] as const)
      await console.failing(page, { failure, method: 'DELETE' }, async () => {
        await dialog.getByRole('button', { name: 'Delete' }).click();
        await dialog.getByRole('alert').waitFor();
        expect(await dialog.getByLabel(/^Type/).inputValue()).toBe('to delete');
      });
    await dialog.getByRole('button', { name: 'Delete' }).click();
    await page.getByText('“to delete” is deleted.').waitFor();
    await page.getByText(/gateway process has applied it after/).waitFor();
    expect((await console.gateway.admin('GET', `/service-accounts/${clientId}`)).status).toBe(404);
    // The browser itself tells of every 404.
    expect(console.faults.splice(0).filter((fault) => !fault.includes('404'))).toEqual([]);
    await page.context().close();
  }, 60_000);

  it('is disabled with its tokens left alone, enabled again, and given another secret', async () => {
    const { clientId, clientSecret } = await make('goes on', 1);
    const page = await console.page({}, console.gateway.adminKey);
    await page.goto(path(`/${clientId}`));
    await page.getByRole('button', { name: 'Disable' }).click();
    await page.getByRole('dialog').getByText('1 access token lives on').waitFor();
    await page.getByRole('dialog').getByRole('button', { name: 'Disable' }).click();
    await page.getByText('“goes on” is disabled.').waitFor();
    await expect(issueTo(console, clientId, clientSecret)).rejects.toThrow('invalid_client');
    await page.getByRole('button', { name: 'Enable' }).click();
    await page.getByRole('dialog').getByRole('button', { name: 'Enable' }).click();
    await page.getByText('“goes on” is enabled.').waitFor();
    await page.getByRole('button', { name: 'Rotate secret' }).click();
    await page.getByRole('dialog').getByRole('button', { name: 'Rotate secret' }).click();
    await page.getByRole('dialog', { name: 'The value of' }).waitFor();
    const secret = (await page.getByRole('dialog').locator('code').first().textContent())!;
    expect(await issueTo(console, clientId, secret)).toMatch(/^sgt_/);
    await expect(issueTo(console, clientId, clientSecret)).rejects.toThrow('invalid_client');
    expect(console.faults).toEqual([]);
    await page.context().close();
  }, 60_000);

  it('a member is led to none, and finds none by the address', async () => {
    const { clientId } = await make('known to few');
    const token = await console.gateway.mint({ name: 'mine', owner: 'bob', scopes: ['tokens:manage', 'bot:read'] });
    const page = await console.page({}, token);
    await page.getByRole('link', { name: 'Tokens' }).waitFor();
    expect(await page.getByRole('link', { name: 'Service accounts' }).count()).toBe(0);
    for (const below of ['', `/${clientId}`]) {
      await page.goto(path(below));
      await page.getByRole('alert').waitFor();
      expect(await page.locator('main').innerText()).toMatch(/not_allowed/);
      expect(await page.content()).not.toContain('known to few');
    }
    // The browser itself tells of every 403.
    expect(console.faults.splice(0).filter((fault) => !fault.includes('403'))).toEqual([]);
    await page.context().close();
  }, 60_000);
});
