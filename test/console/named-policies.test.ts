/** Named policies in the console: made, attached, changed, detached and deleted; a member is led to none of them. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { hasTool } from '../support/tools.ts';
import { INJECTED_REQUEST_ID, type OpenConsole, saidOf } from './harness.ts';
import { openPeopleConsole, PEOPLE_LOOKS, shiftsOf, windowFaults } from './people.ts';

describe.skipIf(!hasTool('chromium'))('in Chromium', () => {
  let console: OpenConsole;
  const path = (below = '') => `${console.gateway.adminUrl}/o/acme/policies${below}`;
  const read = async (below: string) => (await console.gateway.admin('GET', below)).body;
  const statements = [
    { effect: 'allow', actions: ['bot:read'], resources: ['*'] },
    { effect: 'deny', actions: ['bot:write', 'chat:write'], resources: ['workspace/*:environment/prod'] },
  ];
  beforeAll(async () => {
    console = await openPeopleConsole();
    await console.gateway.admin('PUT', '/iam-policies/readers', { name: 'Readers', statements });
    await console.gateway.admin('PUT', '/iam-policies/readers/attachments/members/bob');
  }, 60_000);
  afterAll(() => console?.[Symbol.asyncDispose]());

  it.each(PEOPLE_LOOKS)(
    'every page is accessible, and nothing moves by itself: %s',
    async (name, look) => {
      const page = await console.page(look, console.gateway.adminKey);
      expect(await shiftsOf(page, path(), () => page.locator('td.name').first().waitFor())).toEqual([]);
      expect(await console.inspect(page, `policies-${name}`)).toEqual([]);
      expect(await shiftsOf(page, path('/readers'), () => page.locator('.lines li').waitFor())).toEqual([]);
      expect(await console.inspect(page, `policy-${name}`)).toEqual([]);
      const buttons = 'main .head .button, main .card .row .button';
      expect(await windowFaults(console, page, buttons, `policy-window-N-${name}`)).toEqual([]);
      expect(console.faults).toEqual([]);
      await page.context().close();
    },
    120_000,
  );

  it('one is made, attached to a member, changed, detached and deleted, and loses nothing that was typed', async () => {
    const page = await console.page({}, console.gateway.adminKey);
    await page.goto(path());
    const dialog = page.getByRole('dialog');
    const confirm = () => dialog.locator('.ends .button').last().click();
    await page.getByRole('button', { name: 'Create policy' }).click();
    const typed = { Id: 'writers', Name: 'Writers', Actions: 'bot:read\nno:such', Resources: '*' };
    for (const [label, value] of Object.entries(typed)) await dialog.getByLabel(label, { exact: true }).fill(value);
    await confirm();
    expect(await dialog.locator('.mistake').innerText()).toContain('"no:such"');
    await dialog.getByLabel('Actions', { exact: true }).fill('bot:read\nbot:write');
    for (const failure of [403, 409, 422, 503, 'down'] as const)
      await console.failing(page, { failure, method: 'PUT' }, async () => {
        await confirm();
        await dialog
          .getByRole('alert')
          .filter({ hasText: saidOf(failure) })
          .waitFor();
        if (failure !== 'down') await dialog.getByText(INJECTED_REQUEST_ID).waitFor();
        expect(await dialog.getByLabel('Actions', { exact: true }).inputValue()).toBe('bot:read\nbot:write');
      });
    await confirm();
    await page.getByText('“Writers” is made').waitFor();
    await page.getByRole('link', { name: 'Writers' }).click();
    await page.getByRole('button', { name: 'Attach' }).click();
    await dialog.getByLabel('Member', { exact: true }).fill('bob');
    await confirm();
    await page.getByRole('link', { name: 'Bob' }).waitFor();
    expect(await read('/members/bob')).toMatchObject({ policies: ['readers', 'writers'] });
    await page.getByRole('button', { name: 'Edit' }).click();
    await dialog.getByRole('button', { name: 'Add a statement' }).click();
    const second = dialog.getByRole('group', { name: 'Statement 2' });
    await second.getByLabel('Effect').selectOption('deny');
    await second.getByLabel('Actions').fill('chat:write');
    await confirm();
    await page.getByText('“Writers” is changed.').waitFor();
    expect(await read('/iam-policies/writers')).toMatchObject({
      statements: [
        { effect: 'allow', actions: ['bot:read', 'bot:write'], resources: ['*'] },
        { effect: 'deny', actions: ['chat:write'], resources: ['*'] },
      ],
    });
    await page.getByRole('button', { name: 'Delete' }).click();
    await confirm();
    await dialog.getByText('policy_attached').waitFor();
    await page.keyboard.press('Escape');
    await page.getByRole('button', { name: 'Detach from Bob' }).click();
    await confirm();
    await page.getByText('It is attached to nobody.').waitFor();
    await page.getByRole('button', { name: 'Delete' }).click();
    await confirm();
    await page.getByText('“Writers” is deleted.').waitFor();
    expect(console.faults.splice(0).filter((fault) => !/404|409|422/.test(fault))).toEqual([]);
    await page.context().close();
  }, 60_000);

  it('a member finds none of them, by no way', async () => {
    const token = await console.gateway.mint({ name: 'mine', owner: 'bob', scopes: ['tokens:manage', 'bot:read'] });
    const page = await console.page({}, token);
    await page.getByRole('link', { name: 'Tokens' }).waitFor();
    expect(await page.getByRole('link', { name: 'Named policies' }).count()).toBe(0);
    for (const below of ['', '/readers']) {
      await page.goto(path(below));
      await page.getByRole('alert').waitFor();
      expect(await page.locator('main').innerText()).not.toMatch(/Readers|chat:write/);
    }
    expect(console.faults.splice(0).filter((fault) => !fault.includes('403'))).toEqual([]);
    await page.context().close();
  }, 60_000);
});
