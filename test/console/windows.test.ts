/** Whatever happens to a change that was filled in: its window says what, loses nothing that was typed, and makes it when it may. */
import type { Locator, Page, Response } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { hasTool } from '../support/tools.ts';
import { type Failing, type Failure, INJECTED_REQUEST_ID, type OpenConsole, saidOf } from './harness.ts';
import { openPeopleConsole } from './people.ts';

interface Filled {
  readonly below: string;
  readonly button: string;
  /** By label; none: it asks only. */
  readonly typed: Readonly<Record<string, string>>;
  readonly calls: RegExp;
  readonly method: Failing['method'];
  readonly done: string;
  /** Scopes stand in it, too. */
  readonly hasScopes?: true;
}

const FAILURES: readonly Failure[] = [403, 409, 422, 503, 'down', 'ended', 'slow'];
const CLIENT = 'CLIENT';

describe.skipIf(!hasTool('chromium'))('in Chromium', () => {
  let console: OpenConsole;
  let clientId: string;
  const read = async (below: string) => (await console.gateway.admin('GET', below)).body;
  beforeAll(async () => {
    console = await openPeopleConsole();
    await console.gateway.admin('PUT', '/teams/crew', { name: 'Crew', members: ['alice'] });
    const input = { name: 'robot', scopes: ['bot:read'], roles: [] };
    clientId = ((await console.gateway.admin('POST', '/service-accounts', input)).body as { clientId: string })
      .clientId;
  }, 60_000);
  afterAll(() => console?.[Symbol.asyncDispose]());

  const scopesIn = (dialog: Locator) => dialog.locator('.group input:checked');
  const fill = async (dialog: Locator, { typed, hasScopes }: Filled) => {
    for (const [label, value] of Object.entries(typed)) {
      const field = dialog.getByLabel(label, { exact: true });
      if ((await field.locator('option').count()) > 0) await field.selectOption(value);
      else await field.fill(value);
    }
    if (hasScopes !== true) return;
    await dialog.locator('.group summary').first().click();
    await dialog.locator('.group input').first().check();
  };
  const expectKept = async (dialog: Locator, { typed, hasScopes }: Filled) => {
    for (const [label, value] of Object.entries(typed))
      expect(await dialog.getByLabel(label, { exact: true }).inputValue()).toBe(value);
    if (hasScopes === true) expect(await scopesIn(dialog).count()).toBe(2);
  };
  const meets = async (page: Page, failure: Failure, asked: Filled, send: () => Promise<void>) => {
    const dialog = page.getByRole('dialog').first();
    const { calls } = asked;
    const how = failure === 'ended' ? { failure, calls } : { failure, calls, method: asked.method! };
    const isRefused = (answer: Response) => answer.status() === 401 && calls.test(new URL(answer.url()).pathname);
    await console.failing(page, how, async () => {
      const refused = failure === 'ended' ? page.waitForResponse(isRefused) : null;
      await send();
      await (await refused)?.finished();
      if (failure === 'slow') return page.getByText(asked.done).waitFor();
      if (failure === 'ended') {
        const again = page.getByRole('dialog', { name: 'Your session has ended' });
        await again.getByLabel('Admin key or personal token').fill(console.gateway.adminKey);
        await page.keyboard.press('Enter');
        return again.waitFor({ state: 'detached' });
      }
      await dialog
        .getByRole('alert')
        .filter({ hasText: saidOf(failure) })
        .waitFor();
      if (failure !== 'down') await dialog.getByText(INJECTED_REQUEST_ID).waitFor();
    });
    if (failure !== 'slow') await expectKept(dialog, asked);
  };

  const one = { typed: {}, method: 'PUT' } as const;
  it.each<readonly [string, Filled]>([
    [
      'a workspace that is made',
      {
        ...{ below: 'workspaces', button: 'Create workspace', method: 'PUT', calls: /\/workspaces\/ws_lab$/ },
        ...{ typed: { Id: 'ws_lab', Name: 'Laboratory', Owner: 'bob' }, done: '“Laboratory” is made' },
      },
    ],
    [
      'a member who is added',
      {
        ...{ below: 'members', button: 'Add member', method: 'PUT', calls: /\/members\/zoe$/ },
        typed: { Id: 'zoe', Name: 'Zoe', 'E-mail (optional)': 'zoe@acme.example', Role: 'admin' },
        done: '“Zoe” is a member',
      },
    ],
    [
      'another role',
      {
        ...{ below: 'members/bob', button: 'Change role', method: 'PATCH', calls: /\/members\/bob$/ },
        ...{ typed: { Role: 'admin' }, done: '“Bob” has another role' },
      },
    ],
    [
      'a changed service account',
      {
        ...{ below: `service-accounts/${CLIENT}`, button: 'Edit', method: 'PATCH', calls: /\/service-accounts\/sa_/ },
        ...{ typed: { Name: 'robot two' }, hasScopes: true, done: '“robot two” is changed' },
      },
    ],
    [
      'a member who comes into a team',
      {
        ...{ below: 'teams/crew', button: 'Add a member', method: 'PUT', calls: /\/teams\/crew$/ },
        ...{ typed: { Member: 'bob' }, done: 'bob is in “Crew”' },
      },
    ],
    [
      'a member who leaves a team',
      { ...one, below: 'teams/crew', button: 'Remove Alice', calls: /\/teams\/crew$/, done: 'Alice is not in “Crew”' },
    ],
  ])(
    '%s',
    async (_, asked) => {
      const page = await console.page({}, console.gateway.adminKey);
      await page.goto(`${console.gateway.adminUrl}/o/acme/${asked.below.replace(CLIENT, clientId)}`);
      await page.getByRole('button', { name: asked.button, exact: true }).click();
      const dialog = page.getByRole('dialog');
      await dialog.waitFor();
      await fill(dialog, asked);
      await page.waitForLoadState('networkidle');
      for (const failure of FAILURES)
        await meets(page, failure, asked, () => dialog.locator('.ends .button').last().click());
      await dialog.waitFor({ state: 'detached' });
      // The browser itself tells of what was not there, and of the session that had ended.
      expect(console.faults.splice(0).filter((each) => !/401|404/.test(each))).toEqual([]);
      await page.context().close();
    },
    90_000,
  );

  it('what they were for is so, once', async () => {
    expect(await read('/workspaces/ws_lab')).toMatchObject({ name: 'Laboratory', owner: 'bob' });
    expect(await read('/members/zoe')).toMatchObject({ name: 'Zoe', email: 'zoe@acme.example', role: 'admin' });
    expect(await read('/members/bob')).toMatchObject({ name: 'Bob', role: 'admin' });
    expect(await read('/teams/crew')).toMatchObject({ members: ['bob'] });
    const { name, scopes } = (await read(`/service-accounts/${clientId}`)) as { name: string; scopes: string[] };
    expect([name, scopes.length]).toEqual(['robot two', 2]);
  });
});
