/** What people do in the console, in Chromium: make a token and end it by the keyboard alone, as a member, and when things go wrong. */
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { hasTool } from '../support/tools.ts';
import { type OpenConsole, openConsole } from './harness.ts';

describe.skipIf(!hasTool('chromium'))('in Chromium', () => {
  let console: OpenConsole;
  beforeAll(async () => {
    console = await openConsole();
  }, 60_000);
  afterAll(() => console?.[Symbol.asyncDispose]());

  /** By Tab alone, as somebody without a mouse. */
  async function tabTo(page: Page, name: RegExp): Promise<void> {
    for (let presses = 0; presses < 100; presses++) {
      await page.keyboard.press('Tab');
      const focused = await page.evaluate(
        `(() => { const at = document.activeElement; return (at.labels?.[0]?.textContent ?? at.textContent ?? '') + (at.getAttribute('aria-label') ?? ''); })()`,
      );
      if (name.test(String(focused))) return;
    }
    throw new Error(`Tab never came to ${name}`);
  }

  it('a token is made, copied and revoked by the keyboard alone', async () => {
    const page = await console.page({}, console.gateway.adminKey);
    await page.locator('td.name').first().waitFor();
    await tabTo(page, /^Create token$/);
    await page.keyboard.press('Enter');
    await page.getByRole('heading', { name: 'Create a token' }).waitFor();
    await tabTo(page, /^Name/);
    await page.keyboard.type('made by keyboard');
    await tabTo(page, /^Owner/);
    await page.keyboard.type('bob');
    await tabTo(page, /^Workflow /);
    await page.keyboard.press('Enter');
    await tabTo(page, /^workflows:read/);
    await page.keyboard.press('Space');
    await tabTo(page, /^Sales/);
    await page.keyboard.press('Space');
    await page.keyboard.press('Enter');
    await page.getByRole('dialog').waitFor();
    await expect.poll(() => page.evaluate('document.activeElement.textContent')).toBe('Copy');
    await page.keyboard.press('Enter');
    await page.getByRole('button', { name: 'Copied' }).waitFor();
    const copied = String(await page.evaluate('navigator.clipboard.readText()'));
    expect(copied).toMatch(/^pat_\w{49}$/);
    expect((await console.gateway.admin('POST', '/v1/tokens/find', { token: copied })).status).toBe(200);

    await page.keyboard.press('Escape');
    expect(await page.getByRole('alert').textContent()).toContain('cannot be shown again');
    await tabTo(page, /^I have stored it$/);
    await page.keyboard.press('Space');
    await tabTo(page, /^Close$/);
    await page.keyboard.press('Enter');
    await page.getByRole('heading', { name: 'made by keyboard' }).waitFor();
    expect(await page.content()).not.toContain(copied);

    await tabTo(page, /^Revoke$/);
    await page.keyboard.press('Enter');
    await page.getByRole('dialog').waitFor();
    await tabTo(page, /^Revoke$/);
    await page.keyboard.press('Enter');
    await page.getByText('is revoked').waitFor();
    await page.getByText(/gateway process has applied it after/).waitFor();
    const found = await console.gateway.admin('POST', '/v1/tokens/find', { token: copied });
    expect(found.body).toMatchObject({ state: 'revoked' });
    // The browser itself tells that of an owner who is half typed there is nobody.
    expect(console.faults.splice(0).filter((fault) => !fault.includes('422'))).toEqual([]);
    await page.context().close();
  }, 60_000);

  it('a member finds their own tokens and nothing of others', async () => {
    const token = await console.gateway.mint({ name: 'mine', owner: 'bob', scopes: ['tokens:manage', 'bot:read'] });
    const page = await console.page({}, token);
    await page.locator('td.name').first().waitFor();
    expect(page.url()).toMatch(/\/o\/acme\/tokens$/);
    const text = await page.locator('main').innerText();
    expect(text).toContain('mine');
    expect(text).not.toMatch(/alice|everything|nightly report/);
    const { body } = await console.gateway.admin('GET', '/tokens?owner=alice');
    const [{ id }] = (body as { items: [{ id: string }] }).items;
    await page.goto(`${console.gateway.adminUrl}/o/acme/tokens/${id}`);
    await page.getByRole('alert').waitFor();
    expect(await page.locator('main').innerText()).toMatch(/not_found/);
    // The browser itself tells of every 404.
    expect(console.faults.splice(0).filter((fault) => !fault.includes('404'))).toEqual([]);
    await page.context().close();
  }, 60_000);

  it('what was typed outlives a refusal and the end of the session', async () => {
    const token = await console.gateway.mint({ name: 'short', owner: 'bob', scopes: ['tokens:manage', 'bot:read'] });
    const page = await console.page({}, token);
    await page.getByRole('link', { name: 'Create token' }).click();
    await page.getByLabel('Name').fill('typed before the end');
    await page.getByRole('button', { name: 'Create the token' }).click();
    await page.getByRole('alert').waitFor();
    expect(await page.getByRole('alert').innerText()).toMatch(/scopes_required[\s\S]*[0-9A-Z]{26}/);

    const { body } = await console.gateway.admin('POST', '/v1/tokens/find', { token });
    await console.gateway.admin('POST', `/tokens/${(body as { id: string }).id}/revoke`);
    await page.getByRole('button', { name: 'Create the token' }).click();
    await page.getByRole('dialog', { name: 'Your session has ended' }).waitFor();
    await page.getByLabel('Admin key or personal token').fill(console.gateway.adminKey);
    await page.keyboard.press('Enter');
    await page.getByRole('dialog').waitFor({ state: 'detached' });
    expect(await page.getByLabel('Name').inputValue()).toBe('typed before the end');
    expect(console.faults.splice(0).filter((fault) => !/4(?:01|22)/.test(fault))).toEqual([]);
    await page.context().close();
  }, 60_000);

  it('a link signs in once, and is gone from the address', async () => {
    const { body } = await console.gateway.admin('POST', '/v1/session-links');
    const page = await console.page({});
    await page.goto(console.gateway.adminUrl + (body as { path: string }).path);
    await page.reload();
    await page.locator('.figure').first().waitFor();
    expect(page.url()).not.toContain('once_');
    expect(console.faults.splice(0)).toEqual([]);
    await page.context().close();
  }, 60_000);
});
