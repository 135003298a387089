/** Teams, workspaces and what stands in them made and changed in the console. What a window says where that fails: windows.test.ts. */
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { hasTool } from '../support/tools.ts';
import type { OpenConsole } from './harness.ts';
import { issueTo, openPeopleConsole, PEOPLE_LOOKS, shiftsOf } from './people.ts';

describe.skipIf(!hasTool('chromium'))('in Chromium', () => {
  let console: OpenConsole;
  const path = (below: string) => `${console.gateway.adminUrl}/o/acme/${below}`;
  const read = async (below: string) => (await console.gateway.admin('GET', below)).body;
  const put = async (below: string, body: unknown) => {
    const { status } = await console.gateway.admin('PUT', below, body);
    expect(status, below).toBeLessThan(300);
  };
  const open = async (below: string) => {
    const page = await console.page({}, console.gateway.adminKey);
    await page.goto(path(below));
    await page.getByRole('heading', { level: 1 }).waitFor();
    return page;
  };
  /** Presses a button of the page, fills the window that opens, presses its last button, and reads what the page says then. */
  const fill = async (page: Page, button: string, fields: Readonly<Record<string, string>>) => {
    await page.getByRole('button', { name: button, exact: true }).click();
    const dialog = page.getByRole('dialog');
    for (const [label, value] of Object.entries(fields)) {
      const field = dialog.getByLabel(label, { exact: true });
      if ((await field.locator('option').count()) > 0) await field.selectOption({ label: value });
      else await field.fill(value);
    }
    await dialog.locator('.ends .button').last().click();
    await dialog.waitFor({ state: 'detached' });
    return page.locator('.note.good').innerText();
  };
  /** The browser itself tells of what was not there to be in the way. */
  const expectNoFaults = () => expect(console.faults.splice(0).filter((each) => !each.includes('404'))).toEqual([]);
  beforeAll(async () => {
    console = await openPeopleConsole();
    await put('/teams/crew', { name: 'Crew', members: ['alice', 'bob'] });
    await put('/workspaces/ws_sales/assignments/teams/crew', { role: 'member' });
    await put('/workspaces/ws_sales/environments/prod', { name: 'Production' });
    await put('/workspaces/ws_sales/resources/bot/one', { owner: 'alice', collaborators: ['bob'] });
  }, 60_000);
  afterAll(() => console?.[Symbol.asyncDispose]());

  it.each(PEOPLE_LOOKS)(
    'every window is accessible, and no page moves by itself: %s',
    async (name, look) => {
      const page = await console.page(look, console.gateway.adminKey);
      const windows = { teams: 1, workspaces: 1, 'teams/crew': 3, 'workspaces/ws_sales': 9, 'members/bob': 4 };
      for (const [below, count] of Object.entries(windows)) {
        const settled = async () => {
          await page.locator('.head .button').first().waitFor();
          await page.waitForLoadState('networkidle');
        };
        expect(await shiftsOf(page, path(below), settled)).toEqual([]);
        expect(await console.inspect(page, `${below.replace('/', '-')}-${name}`)).toEqual([]);
        const opening = page.locator('main .head .button:not(.danger), main .card .button');
        expect(await opening.count()).toBeGreaterThanOrEqual(count);
        for (let nth = 0; nth < (await opening.count()); nth++) {
          await opening.nth(nth).click();
          await page.getByRole('dialog').waitFor();
          expect(await console.inspect(page, `${below.replace('/', '-')}-window-${nth}-${name}`)).toEqual([]);
          await page.keyboard.press('Escape');
          await page.getByRole('dialog').waitFor({ state: 'detached' });
        }
      }
      expect(console.faults).toEqual([]);
      await page.context().close();
    },
    120_000,
  );

  it('a team is made, renamed, and its members come and go', async () => {
    const page = await open('teams');
    expect(await fill(page, 'Create team', { Id: 'night', Name: 'Night shift' })).toContain('“Night shift” is made');
    await page.getByRole('link', { name: 'Night shift' }).click();
    expect(await fill(page, 'Add a member', { Member: 'bob' })).toContain('bob is in “Night shift”');
    await page.getByRole('link', { name: 'Bob' }).waitFor();
    expect(await fill(page, 'Add a member', { Member: 'alice' })).toContain('alice is in “Night shift”');
    expect(await fill(page, 'Rename', { Name: 'Late shift' })).toContain('called “Late shift” now');
    expect(await fill(page, 'Remove Bob', {})).toContain('Bob is not in “Late shift” any more');
    expect(await read('/teams/night')).toMatchObject({ name: 'Late shift', members: ['alice'] });
    expectNoFaults();
    await page.context().close();
  }, 60_000);

  it('a member who came meanwhile stays where another is added', async () => {
    await put('/members/ann', { name: 'Ann', role: 'member' });
    await put('/teams/pair', { name: 'Pair', members: ['alice'] });
    const page = await open('teams/pair');
    await page.getByRole('link', { name: 'Alice' }).waitFor();
    await put('/teams/pair', { name: 'Pair', members: ['alice', 'ann'] });
    await fill(page, 'Add a member', { Member: 'bob' });
    expect(await read('/teams/pair')).toMatchObject({ members: ['alice', 'ann', 'bob'] });
    expectNoFaults();
    await page.context().close();
  }, 60_000);

  it('a workspace is made for its owner and renamed; roles in it are given, changed and taken away', async () => {
    const page = await open('workspaces');
    const made = await fill(page, 'Create workspace', { Id: 'ws_lab', Name: 'Lab', Owner: 'bob' });
    expect(made).toContain('The workspace “Lab” is made');
    expect(await page.locator('tr', { hasText: 'ws_lab' }).innerText()).toContain('Bob');
    await page.getByRole('link', { name: 'Lab', exact: true }).click();
    expect(await fill(page, 'Rename', { Name: 'Laboratory' })).toContain('called “Laboratory” now');
    await fill(page, 'Give a role', { 'To whom': 'Team', Team: 'crew', Role: 'Member' });
    await fill(page, 'Change the role of Crew', { Role: 'Admin' });
    expect(await read('/workspaces/ws_lab/assignments/teams/crew')).toMatchObject({ role: 'admin' });
    expect(await fill(page, 'Take away the role of Crew', {})).toContain('Crew has this role no more');
    expect((await read('/workspaces/ws_lab/assignments')) as { items: unknown[] }).toMatchObject({ items: [] });
    expect(await read('/workspaces/ws_lab')).toMatchObject({ name: 'Laboratory', owner: 'bob' });
    expectNoFaults();
    await page.context().close();
  }, 60_000);

  it('environments and registered resources are made, changed and deleted, and none takes the place of another', async () => {
    await put('/workspaces/ws_things', { name: 'Things', owner: 'alice' });
    const page = await open('workspaces/ws_things');
    await fill(page, 'Add environment', { Id: 'stage', Name: 'Stage' });
    await fill(page, 'Rename Stage', { Name: 'Staging' });
    expect(await read('/workspaces/ws_things/environments/stage')).toMatchObject({ name: 'Staging' });
    await fill(page, 'Register resource', { Type: 'bot', Id: 'b1', Owner: 'alice', 'Collaborators (optional)': 'bob' });
    await page.getByText('with Bob').waitFor();
    await fill(page, 'Edit bot b1', { Owner: 'bob', 'Collaborators (optional)': '' });
    expect(await read('/workspaces/ws_things/resources/bot/b1')).toMatchObject({ owner: 'bob', collaborators: [] });
    await page.getByRole('button', { name: 'Register resource' }).click();
    const dialog = page.getByRole('dialog');
    for (const [label, value] of Object.entries({ Type: 'bot', Id: 'b1', Owner: 'alice' }))
      await dialog.getByLabel(label, { exact: true }).fill(value);
    await dialog.locator('.ends .button').last().click();
    expect(await dialog.locator('.mistake').innerText()).toContain('registered already');
    await page.keyboard.press('Escape');
    await fill(page, 'Delete Staging', {});
    await fill(page, 'Delete bot b1', {});
    expect(await read('/workspaces/ws_things/environments')).toMatchObject({ items: [] });
    expect(await read('/workspaces/ws_things/resources')).toMatchObject({ items: [] });
    expect(console.faults.splice(0).filter((each) => !/404/.test(each))).toEqual([]);
    await page.context().close();
  }, 60_000);

  it('a member gets another name, scopes and actions of their own, and a role in a workspace', async () => {
    await put('/members/kim', { name: 'Kim', role: 'member' });
    const page = await open('members/kim');
    await fill(page, 'Edit', { Name: 'Kim Doe', 'E-mail (optional)': 'kim@acme.example' });
    expect(await read('/members/kim')).toMatchObject({ name: 'Kim Doe', email: 'kim@acme.example', scopes: null });
    await page.getByRole('button', { name: 'Scopes and actions' }).click();
    const dialog = page.getByRole('dialog');
    await dialog.getByLabel('Scopes of their own').check();
    await dialog.locator('.group summary').first().click();
    await dialog.locator('.group input').first().check();
    await dialog.locator('.ends .button').last().click();
    await dialog.waitFor({ state: 'detached' });
    const { scopes } = (await read('/members/kim')) as { scopes: string[] };
    expect(scopes).toHaveLength(1);
    await fill(page, 'Give a role', { Workspace: 'ws_sales', Role: 'Admin' });
    await page.getByRole('link', { name: 'Sales' }).waitFor();
    expect(await read('/workspaces/ws_sales/assignments/members/kim')).toMatchObject({ role: 'admin' });
    expectNoFaults();
    await page.context().close();
  }, 60_000);

  it('a service account gets another name and scopes, and roles; its secret and tokens stay', async () => {
    const input = { name: 'robot', scopes: ['bot:read', 'chat:write'], roles: [] };
    const { body } = await console.gateway.admin('POST', '/service-accounts', input);
    const { clientId, clientSecret } = body as { clientId: string; clientSecret: string };
    const page = await open(`service-accounts/${clientId}`);
    await fill(page, 'Edit', { Name: 'robot two' });
    expect(await read(`/service-accounts/${clientId}`)).toMatchObject({ name: 'robot two', scopes: input.scopes });
    await fill(page, 'Give a role', { Workspace: 'ws_legal', Role: 'Member' });
    await fill(page, 'Change the role of Legal', { Role: 'Admin' });
    expect(await read(`/workspaces/ws_legal/assignments/service-accounts/${clientId}`)).toMatchObject({
      role: 'admin',
    });
    await fill(page, 'Take away the role of Legal', {});
    expect(await read(`/service-accounts/${clientId}`)).toMatchObject({ roles: [] });
    expect(await issueTo(console, clientId, clientSecret)).toMatch(/^sgt_/);
    expectNoFaults();
    await page.context().close();
  }, 60_000);
});
