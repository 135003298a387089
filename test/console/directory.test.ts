/** Members, teams and workspaces in the console: found, changed and ended with what goes with them; a member finds their own alone. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { hasTool } from '../support/tools.ts';
import { INJECTED_REQUEST_ID, type OpenConsole } from './harness.ts';
import { openPeopleConsole, PEOPLE_LOOKS, shiftsOf, tabToName } from './people.ts';

describe.skipIf(!hasTool('chromium'))('in Chromium', () => {
  let console: OpenConsole;
  const path = (below: string) => `${console.gateway.adminUrl}/o/acme/${below}`;
  const put = async (below: string, body: unknown) => {
    const { status } = await console.gateway.admin('PUT', below, body);
    expect(status, below).toBeLessThan(300);
  };
  beforeAll(async () => {
    console = await openPeopleConsole();
    await put('/teams/crew', { name: 'Crew', members: ['alice', 'bob'] });
    await put('/workspaces/ws_legal/assignments/teams/crew', { role: 'member' });
    const statements = [{ effect: 'allow', actions: ['bot:read'], resources: ['*'] }];
    await put('/iam-policies/readers', { name: 'Readers', statements });
    await put('/iam-policies/readers/attachments/members/bob', undefined);
    await put('/iam-policies/readers/attachments/teams/crew', undefined);
  }, 60_000);
  afterAll(() => console?.[Symbol.asyncDispose]());

  it.each(PEOPLE_LOOKS)(
    'every page is accessible, and nothing moves by itself: %s',
    async (name, look) => {
      const page = await console.page(look, console.gateway.adminKey);
      for (const area of ['members', 'teams', 'workspaces']) {
        const rows = () => page.locator('td.name').first().waitFor();
        expect(await shiftsOf(page, path(area), rows)).toEqual([]);
        expect(await console.inspect(page, `${area}-${name}`)).toEqual([]);
      }
      for (const one of ['members/bob', 'teams/crew', 'workspaces/ws_sales']) {
        await page.goto(path(one));
        await page.locator('dl.facts').waitFor();
        await page.getByText('Loading').waitFor({ state: 'detached' });
        expect(await console.inspect(page, `${one.replace('/', '-')}-${name}`)).toEqual([]);
        await page.locator('.head .button.danger').last().click();
        await page.locator('.cascade').waitFor();
        expect(await console.inspect(page, `${one.replace('/', '-')}-end-${name}`)).toEqual([]);
      }
      expect(console.faults).toEqual([]);
      await page.context().close();
    },
    120_000,
  );

  it('a member is added, given another role and removed by the keyboard alone', async () => {
    const page = await console.page({}, console.gateway.adminKey);
    await page.goto(path('members'));
    await page.locator('td.name').first().waitFor();
    await tabToName(page, /^Add member$/);
    await page.keyboard.press('Enter');
    await page.getByRole('dialog').waitFor();
    await page.getByRole('dialog').getByLabel('Id').focus();
    await page.keyboard.type('bob');
    await tabToName(page, /^Name/);
    await page.keyboard.type('Zoe');
    await tabToName(page, /^Add member$/);
    await page.keyboard.press('Enter');
    await page.getByRole('alert').waitFor();
    expect(await page.getByRole('dialog').locator('.mistake').innerText()).toContain('already');
    await page.getByRole('dialog').getByLabel('Id').focus();
    await page.keyboard.press('ControlOrMeta+a');
    await page.keyboard.type('zoe');
    await tabToName(page, /^Add member$/);
    await page.keyboard.press('Enter');
    await page.getByText('“Zoe” is a member.').waitFor();
    await page.goto(path('members?name=ZO'));
    await tabToName(page, /^Zoe/);
    await page.keyboard.press('Enter');
    await page.getByRole('heading', { name: 'Zoe' }).waitFor();
    await tabToName(page, /^Change role$/);
    await page.keyboard.press('Enter');
    await page.getByRole('dialog').waitFor();
    await page.getByRole('dialog').getByLabel('Role').focus();
    await page.keyboard.type('admin');
    await tabToName(page, /^Change role$/);
    await page.keyboard.press('Enter');
    await page.getByText('has another role').waitFor();
    expect((await console.gateway.admin('GET', '/members/zoe')).body).toMatchObject({ role: 'admin' });
    await tabToName(page, /^Remove$/);
    await page.keyboard.press('Enter');
    await page.locator('.cascade').waitFor();
    await tabToName(page, /^Remove$/);
    await page.keyboard.press('Enter');
    await page.getByText('“Zoe” is removed.').waitFor();
    // The browser itself tells of every 404.
    expect(console.faults.splice(0).filter((fault) => !fault.includes('404'))).toEqual([]);
    await page.context().close();
  }, 60_000);

  it('a removal draws what goes with it, asks for the name, and loses nothing that was typed where it fails', async () => {
    await put('/members/eve', { name: 'Eve', role: 'member' });
    await put('/workspaces/ws_eve', { name: 'Of Eve', owner: 'eve' });
    await put('/teams/pair', { name: 'Pair', members: ['eve'] });
    for (const name of ['one', 'two'])
      await console.gateway.mint({ name, owner: 'eve', scopes: ['bot:read'], workspaces: ['ws_eve'] });
    const page = await console.page({}, console.gateway.adminKey);
    await page.goto(path('members/eve'));
    await page.getByText('owns it').waitFor();
    await page.getByRole('button', { name: 'Remove' }).click();
    const dialog = page.getByRole('dialog');
    for (const words of ['2 tokens end for good', '1 workspace is left without an owner', 'ws_eve', 'leaves 1 team'])
      await dialog.getByText(words).waitFor();
    await dialog.getByLabel(/^Type/).fill('Eve');
    for (const failure of [403, 409, 422, 503] as const)
      await console.failing(page, { failure, method: 'DELETE' }, async () => {
        await dialog.getByRole('button', { name: 'Remove' }).click();
        await dialog.getByRole('alert').waitFor();
        expect(await dialog.getByRole('alert').innerText()).toContain(INJECTED_REQUEST_ID);
        expect(await dialog.getByLabel(/^Type/).inputValue()).toBe('Eve');
      });
    await dialog.getByRole('button', { name: 'Remove' }).click();
    await page.getByText('“Eve” is removed.').waitFor();
    await page.getByText(/gateway process has applied it after/).waitFor();
    // The browser itself tells of every 404.
    expect(console.faults.splice(0).filter((fault) => !fault.includes('404'))).toEqual([]);
    await page.context().close();
  }, 60_000);

  it('a workspace is given to another owner and deleted, each with what goes with it', async () => {
    await put('/workspaces/ws_new', { name: 'New', owner: 'bob' });
    await console.gateway.mint({ name: 'only there', owner: 'bob', scopes: ['bot:read'], workspaces: ['ws_new'] });
    const page = await console.page({}, console.gateway.adminKey);
    await page.goto(path('workspaces/ws_new'));
    await page.getByRole('link', { name: 'only there' }).waitFor();
    await page.getByRole('button', { name: 'Transfer' }).click();
    const dialog = page.getByRole('dialog');
    await dialog.getByLabel('New owner').fill('alice');
    await dialog.locator('.cascade').waitFor();
    for (const failure of [403, 409, 422, 503] as const)
      await console.failing(page, { failure, method: 'POST', calls: /\/transfer$/ }, async () => {
        await dialog.getByRole('button', { name: 'Transfer' }).click();
        await dialog.getByRole('alert').waitFor();
        expect(await dialog.getByLabel('New owner').inputValue()).toBe('alice');
      });
    await dialog.getByRole('button', { name: 'Transfer' }).click();
    await page.getByText('“New” belongs to alice.').waitFor();
    expect((await console.gateway.admin('GET', '/workspaces/ws_new')).body).toMatchObject({ owner: 'alice' });
    await page.getByRole('button', { name: 'Delete' }).click();
    await dialog.locator('.cascade').waitFor();
    await dialog.getByRole('button', { name: 'Delete' }).click();
    await page.getByText('“New” is deleted.').waitFor();
    expect((await console.gateway.admin('GET', '/workspaces/ws_new')).status).toBe(404);
    // The browser itself tells of every 404.
    expect(console.faults.splice(0).filter((fault) => !fault.includes('404'))).toEqual([]);
    await page.context().close();
  }, 60_000);

  it('a member sees their own memberships with what gives each, and nothing of others', async () => {
    const token = await console.gateway.mint({ name: 'mine', owner: 'bob', scopes: ['tokens:manage', 'bot:read'] });
    const page = await console.page({}, token);
    await page.getByRole('link', { name: 'Members' }).click();
    await page.getByRole('heading', { name: 'Bob' }).waitFor();
    await page.getByText('by the team crew').waitFor();
    const text = await page.locator('main').innerText();
    expect(text).toMatch(/Sales[\s\S]*ws_sales[\s\S]*Member[\s\S]*assigned/);
    expect(text).toContain('readers');
    expect(text).not.toMatch(/alice/i);
    expect(await page.getByRole('button', { name: /Remove|Change role|Add member/ }).count()).toBe(0);
    expect(await page.getByRole('link', { name: /Teams|Workspaces/ }).count()).toBe(0);
    for (const below of ['members/alice', 'teams', 'teams/crew', 'workspaces', 'workspaces/ws_legal']) {
      await page.goto(path(below));
      await page.getByRole('alert').first().waitFor();
      expect(await page.locator('main').innerText()).not.toMatch(/Alice|Legal|Crew/);
    }
    // The browser itself tells of every 403.
    expect(console.faults.splice(0).filter((fault) => !fault.includes('403'))).toEqual([]);
    await page.context().close();
  }, 60_000);
});
