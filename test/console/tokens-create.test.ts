/** Making a token in the console: what it is begun from, what it would reach, and its value with a call that works. */
import { execFile } from 'node:child_process';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { promisify } from 'node:util';
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { hasTool } from '../support/tools.ts';
import { type Failure, INJECTED_REQUEST_ID, LOOKS, type Look, type OpenConsole, openConsole } from './harness.ts';

describe.skipIf(!hasTool('chromium'))('in Chromium', () => {
  let console: OpenConsole;
  let upstream: Server;

  beforeAll(async () => {
    upstream = createServer((_request, response) => response.end('{}')).listen(0, '127.0.0.1');
    await new Promise((resolve) => upstream.once('listening', resolve));
    console = await openConsole({ upstreamUrl: `http://127.0.0.1:${(upstream.address() as AddressInfo).port}` });
  }, 60_000);
  afterAll(async () => {
    await console?.[Symbol.asyncDispose]();
    upstream?.close();
  });

  const newToken = async (look: Partial<Look>, credential: string, query = ''): Promise<Page> => {
    const page = await console.page(look, credential);
    await page.goto(`${console.gateway.adminUrl}/o/acme/tokens/new${query}`);
    await page.locator('form').waitFor();
    page.setDefaultTimeout(8000);
    return page;
  };
  const choose = async (page: Page, scope: string) => {
    await page.getByLabel('Find a scope').fill(scope);
    await page.getByRole('checkbox', { name: scope, exact: true }).check();
  };
  /** Every one that the browser tells of by itself is one that the test has made. */
  const faults = () => console.faults.splice(0).filter((fault) => !/status of 4(?:01|04|09|22)/.test(fault));
  const reach = (page: Page) => page.locator('.reach-sum').innerText();

  it('says how many of the routes a token would reach, before it is made, and why not the others', async () => {
    const page = await newToken({}, console.gateway.adminKey);
    await page.getByText('Choose an owner to see').waitFor();
    await page.getByLabel('Owner').fill('bob');
    await page.getByText('Choose scopes to see').waitFor();
    await choose(page, 'workflows:read');
    await page.getByRole('checkbox', { name: 'Sales' }).check();
    await page.locator('.reach-sum').waitFor();
    expect(await reach(page)).toBe('2 of 9 routes');
    expect(await page.locator('.reach').innerText()).toMatch(/7 routes: a scope is missing/);
    await choose(page, 'workflows:write');
    await expect.poll(() => reach(page)).toBe('3 of 9 routes');
    expect(await page.locator('.reach').innerText()).toMatch(/1 route: the role of its owner is too low/);
    await page.locator('.reach summary', { hasText: 'DELETE' }).click();
    expect(await page.locator('details[open] .reach-routes').innerText()).toContain('Asks for the role admin');
    await page.getByLabel('Find a scope').fill('workflows:');
    expect(await page.locator('.check', { hasText: 'workflows:read' }).innerText()).toContain(
      'Comes with workflows:write',
    );
    expect(faults()).toEqual([]);
    await page.context().close();
  });

  it('what its owner may not give is not offered', async () => {
    const page = await newToken({}, console.gateway.adminKey, '?from=none');
    await console.gateway.admin('PUT', '/members/dan', { name: 'Dan', role: 'member', scopes: ['bot:read'] });
    await page.getByRole('alert').waitFor();
    await page.getByLabel('Start from').selectOption('Everything');
    await page.getByLabel('Owner').fill('bob');
    await page.getByText('At most').waitFor();
    await choose(page, 'tokens:manage');
    await page.getByLabel('Owner').fill('dan');
    await page.getByText('Take away what dan may not give').click();
    expect(await page.locator('[role=status]', { hasText: 'chosen' }).first().innerText()).toBe('2 chosen');
    await page.getByLabel('Find a scope').fill('bot:');
    expect(await page.getByRole('checkbox', { name: 'bot:read' }).isChecked()).toBe(true);
    expect(await page.getByRole('checkbox', { name: 'bot:write' }).count()).toBe(0);
    expect(faults()).toEqual([]);
    await page.context().close();
  });

  it('is begun from a refusal: what the token had, and the scope that would have let it through', async () => {
    const token = await console.gateway.mint({ name: 'refused one', owner: 'bob', scopes: ['workflows:read'] });
    const environment = console.gateway.seeded;
    const refused = await fetch(`${console.gateway.url}/v3/chat`, {
      method: 'POST',
      headers: { authorization: `Bearer ${token}` },
    });
    expect([refused.status, environment.organization]).toEqual([403, 'acme']);
    const id = refused.headers.get('x-scopegate-decision-id');
    const page = await newToken({}, console.gateway.adminKey, `?refusal=${id}`);
    await page.getByText('Added: chat:write').waitFor();
    expect(await page.getByLabel('Owner').inputValue()).toBe('bob');
    const review = page.locator('section', { hasText: 'What it comes to' });
    await expect
      .poll(() => review.locator('dl').innerText())
      .toMatch(/workflows:read, chat:write\s+Workspaces\s+ws_sales/);
    await page.getByLabel('Name').fill('from the refusal');
    expect(faults()).toEqual([]);
    await page.context().close();
  });

  it('is begun from another token, by its id, and keeps what was typed', async () => {
    await console.gateway.mint({ name: 'a model', owner: 'alice', scopes: ['bot:read', 'bot:write'] });
    const { body } = await console.gateway.admin('GET', '/tokens?owner=alice&name=a%20model');
    const [{ id }] = (body as { items: [{ id: string }] }).items;
    const page = await newToken({}, console.gateway.adminKey);
    await page.getByLabel('Name').fill('like it');
    await page.getByLabel('Start from').selectOption('Another token');
    await page.getByLabel('Id of the token').fill(id);
    await page.keyboard.press('Enter');
    await page.getByText('Filled in from “a model”').waitFor();
    expect(page.url()).toContain(`from=${id}`);
    expect(await page.getByLabel('Name').inputValue()).toBe('like it');
    expect(await page.getByLabel('Owner').inputValue()).toBe('alice');
    await page.getByRole('button', { name: 'Create the token' }).click();
    await page.getByRole('dialog').waitFor();
    expect(faults()).toEqual([]);
    await page.context().close();
  });

  it('its value comes with a line for a file and a call that is answered 200; leaving asks first', async () => {
    const token = await console.gateway.mint({
      name: 'mine',
      owner: 'bob',
      scopes: ['tokens:manage', 'workspace:read'],
    });
    const page = await newToken({}, token);
    await page.getByLabel('Name').fill('to try');
    // Within its own time.
    await page.getByLabel('Expires').selectOption('1');
    await choose(page, 'workspace:read');
    await page.getByRole('checkbox', { name: 'Sales' }).check();
    await page.getByRole('button', { name: 'Create the token' }).click();
    const dialog = page.getByRole('dialog');
    await dialog.getByText('curl').waitFor();
    const [value, line, curl] = await dialog.locator('.command code').allInnerTexts();
    expect(line).toBe(`SCOPEGATE_TOKEN=${value}`);
    const { stdout } = await promisify(execFile)('bash', ['-c', `${curl} -s -o /dev/null -w '%{http_code}'`]);
    expect(stdout).toContain('200');
    let asked = '';
    page.once('dialog', (leaving) => {
      asked = leaving.type();
      void leaving.dismiss();
    });
    await page.evaluate('setTimeout(() => location.reload())');
    await expect.poll(() => asked).toBe('beforeunload');
    await page.keyboard.press('Escape');
    expect(await dialog.getByRole('alert').innerText()).toContain('cannot be shown again');
    expect(page.url()).not.toContain(value);
    expect(faults()).toEqual([]);
    await page.context().close();
  });

  it.each(['slow', 'down', 'ended', 403, 409, 422, 503] as const)(
    'in the middle of it the API is %s: what was typed stays, and what to do is said',
    async (failure: Failure) => {
      const page = await newToken({}, console.gateway.adminKey, '');
      await page.getByLabel('Name').fill(`typed, ${failure}`);
      await page.getByLabel('Owner').fill('bob');
      await choose(page, 'workspace:read');
      await page.getByRole('checkbox', { name: 'Sales' }).check();
      await page.locator('.reach-sum').waitFor();
      const create = page.getByRole('button', { name: 'Create the token' });
      await console.failing(page, { failure, calls: /\/tokens(?:\/preview)?$/, method: 'POST' }, async () => {
        await create.click();
        if (failure === 'slow') {
          await expect.poll(() => create.getAttribute('aria-disabled')).toBe('true');
          await page.getByRole('dialog', { name: /typed/ }).waitFor();
        } else if (failure === 'ended') {
          await page.getByRole('dialog', { name: 'Your session has ended' }).waitFor();
          await page.getByLabel('Admin key or personal token').fill(console.gateway.adminKey);
          await page.keyboard.press('Enter');
          await page.getByRole('dialog').waitFor({ state: 'detached' });
        } else await page.getByRole('alert').first().waitFor();
        if (typeof failure === 'number') {
          expect(await page.getByRole('alert').first().innerText()).toContain(INJECTED_REQUEST_ID);
        }
      });
      expect(await page.getByLabel('Name').first().inputValue()).toBe(`typed, ${failure}`);
      if (failure !== 'slow') {
        expect(await page.getByRole('checkbox', { name: 'workspace:read' }).isChecked()).toBe(true);
        await create.click();
        await page.getByRole('dialog', { name: /typed/ }).waitFor();
      }
      expect(faults()).toEqual([]);
      await page.context().close();
    },
  );

  it.each(LOOKS.map((look) => [`${look.width} ${look.scheme} ${look.language}`, look] as const))(
    'is accessible, and nothing jumps: %s',
    async (name, look) => {
      const kept = name.replaceAll(' ', '-');
      const page = await newToken(look, console.gateway.adminKey);
      await page.evaluate(`globalThis.shift = 0; globalThis.shifted = []; new PerformanceObserver((list) => {
        for (const entry of list.getEntries()) if (!entry.hadRecentInput) {
          shift += entry.value;
          shifted.push(...entry.sources.map(({ node, previousRect, currentRect }) =>
            (node?.className ?? '') + ' ' + previousRect.y + ' to ' + currentRect.y));
        }
      }).observe({ type: 'layout-shift', buffered: true })`);
      await page.locator('input[required]').first().fill(`looks ${name}`);
      await page.locator('input[list]').first().fill('bob');
      await page.locator('form select').first().selectOption('read');
      await page.locator('.columns.tall input').first().check();
      await page.locator('.reach-sum').waitFor();
      // The tools that look at it move it themselves.
      expect(Number(await page.evaluate('shift')), String(await page.evaluate('shifted.join()'))).toBeLessThan(0.1);
      await page.locator('.reach summary').first().click();
      expect(await console.inspect(page, `create-${kept}`)).toEqual([]);
      await page.locator('button[type=submit]').click();
      await page.getByRole('dialog').locator('.command').nth(2).waitFor();
      expect(await console.inspect(page, `secret-${kept}`)).toEqual([]);
      expect(faults()).toEqual([]);
      await page.context().close();
    },
  );
});
