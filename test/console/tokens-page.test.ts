/** One token in the console: what it reaches and uses, what it was refused, and fewer rights; edited with nothing lost on the way. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { hasTool } from '../support/tools.ts';
import { type Look, type OpenConsole, openConsole, saidOf } from './harness.ts';

const LOOKS: readonly Look[] = [
  { width: 390, scheme: 'light', language: 'en' },
  { width: 1280, scheme: 'dark', language: 'zh' },
  { width: 1920, scheme: 'light', language: 'en' },
];

describe.skipIf(!hasTool('chromium'))('in Chromium', () => {
  let console: OpenConsole;
  let upstream: Server;
  let folder: string;
  let id: string;

  beforeAll(async () => {
    upstream = createServer((_request, response) => response.end('{}')).listen(0, '127.0.0.1');
    await new Promise((resolve) => upstream.once('listening', resolve));
    folder = mkdtempSync(join(tmpdir(), 'scopegate-console-'));
    const policy = join(folder, 'policy.yaml');
    const coze = readFileSync(new URL('../../policies/coze.yaml', import.meta.url), 'utf8');
    const fixed = 'mutable: [name, description, contacts]';
    writeFileSync(policy, coze.replace(fixed, fixed.replace(']', ', scopes, workspaces, allowedAddresses]')));
    console = await openConsole({
      policy,
      upstreamUrl: `http://127.0.0.1:${(upstream.address() as AddressInfo).port}`,
    });
    const scopes = ['workspace:read', 'bot:read', 'chat:write'];
    const token = await console.gateway.mint({ name: 'seldom used', owner: 'bob', scopes, description: 'as it was' });
    id = await idOf(token);
    const headers = { authorization: `Bearer ${token}` };
    expect((await fetch(`${console.gateway.url}/v1/workspaces`, { headers })).status).toBe(200);
    expect((await fetch(`${console.gateway.url}/v1/files/upload`, { method: 'POST', headers })).status).toBe(403);
    // Uses are written down together.
    await vi.waitUntil(async () => ((await read()) as { scopesUsed: unknown[] }).scopesUsed.length === 1, {
      timeout: 15_000,
    });
  }, 60_000);
  afterAll(async () => {
    await console?.[Symbol.asyncDispose]();
    upstream?.close();
    rmSync(folder, { recursive: true, force: true });
  });

  const idOf = async (token: string) =>
    ((await console.gateway.admin('POST', '/v1/tokens/find', { token })).body as { id: string }).id;
  const read = async () => (await console.gateway.admin('GET', `/tokens/${id}`)).body;
  const at = async (look: Partial<Look>, path: string): Promise<Page> => {
    const page = await console.page(look, console.gateway.adminKey);
    page.setDefaultTimeout(8000);
    await page.goto(`${console.gateway.adminUrl}/o/acme/tokens/${id}${path}`);
    await page
      .locator(path === '' ? '.reach-sum' : 'form .columns.tall .check')
      .first()
      .waitFor();
    return page;
  };

  it.each(LOOKS.map((look) => [`${look.width}-${look.scheme}-${look.language}`, look] as const))(
    'the page and its edit are accessible: %s',
    async (name, look) => {
      const page = await at(look, '');
      await page.locator('.rights.refused li').first().waitFor();
      expect(await console.inspect(page, `token-rights-${name}`)).toEqual([]);
      await page.locator('.actions a').first().click();
      await page.locator('form .columns.tall .check').first().waitFor();
      expect(await console.inspect(page, `token-edit-${name}`)).toEqual([]);
      expect(console.faults.splice(0)).toEqual([]);
      await page.context().close();
    },
  );

  it('shows what it reaches, which rights it uses, and what it was refused, with the way to a token that may', async () => {
    const page = await at({}, '');
    expect(await page.locator('.reach-sum').innerText()).toBe('3 of 9 routes');
    const rights = page.locator('section', { has: page.getByRole('heading', { name: 'Rights' }) });
    expect(await rights.innerText()).toMatch(/1 of 3 used[\s\S]*workspace:read\s+Used\s+today/);
    expect(await rights.locator('li', { hasText: 'chat:write' }).innerText()).toContain('Never used');
    const refused = page.locator('.refused li');
    expect(await refused.innerText()).toMatch(/POST \/v1\/files\/upload\s+scope_missing/);
    await refused.getByRole('link', { name: 'Create a token that may' }).click();
    await page.getByText('Added: knowledge:write').waitFor();
    // It may be told of until the page is closed.
    await page.context().close();
    // The browser itself tells of the preview of what is not complete yet.
    expect(console.faults.splice(0).filter((fault) => !fault.includes('422'))).toEqual([]);
  });

  it.each([403, 409, 422, 503, 'down', 'slow', 'ended'] as const)(
    'an edit that meets %s keeps what was typed, and is made afterwards',
    async (failure) => {
      const page = await at({}, '/edit');
      const name = `edited through ${failure}`;
      await page.getByLabel('Name').fill(name);
      const save = page.getByRole('button', { name: 'Save' });
      await console.failing(page, { failure, calls: /\/tokens\/tok_/, method: 'PATCH' }, async () => {
        await save.click();
        if (failure === 'slow') await page.getByText(`“${name}” is changed`).waitFor();
        else if (failure === 'ended') {
          await page.getByRole('dialog', { name: 'Your session has ended' }).waitFor();
          await page.getByLabel('Admin key or personal token').fill(console.gateway.adminKey);
          await page.keyboard.press('Enter');
          await page.getByRole('dialog').waitFor({ state: 'detached' });
        } else await page.getByRole('alert').first().waitFor();
      });
      if (failure !== 'slow') {
        expect(await page.getByLabel('Name').inputValue()).toBe(name);
        await save.click();
        await page.getByText(`“${name}” is changed`).waitFor();
      }
      await page.getByText(/gateway process has applied it after/).waitFor();
      expect(await read()).toMatchObject({ name, description: 'as it was', workspaces: ['ws_sales'] });
      expect(console.faults.splice(0)).toEqual([]);
      await page.context().close();
    },
  );

  it('is narrowed to what it uses, once somebody has seen what goes', async () => {
    const page = await at({}, '');
    await page.getByRole('button', { name: 'Narrow to used' }).click();
    const dialog = page.getByRole('dialog');
    expect(await dialog.locator('dl').innerText()).toMatch(/Stays\s+workspace:read\s+Goes\s+bot:read, chat:write/);
    const narrow = () => dialog.getByRole('button', { name: 'Narrow to used' }).click();
    for (const failure of [403, 409, 422, 503, 'down', 'ended'] as const)
      await console.failing(page, { failure, method: 'PATCH' }, async () => {
        await narrow();
        if (failure === 'ended') {
          await page.getByLabel('Admin key or personal token').fill(console.gateway.adminKey);
          await page.keyboard.press('Enter');
          await page.getByRole('dialog', { name: 'Your session has ended' }).waitFor({ state: 'detached' });
        } else {
          await dialog
            .getByRole('alert')
            .filter({ hasText: saidOf(failure) })
            .waitFor();
        }
        expect(await dialog.locator('dl').innerText()).toContain('bot:read, chat:write');
      });
    await page.keyboard.press('Escape');
    await dialog.waitFor({ state: 'detached' });
    await page.getByRole('button', { name: 'Narrow to used' }).click();
    expect(await dialog.getByRole('alert').count()).toBe(0);
    await console.failing(page, { failure: 'slow', method: 'PATCH' }, async () => {
      await narrow();
      await page.getByText('2 scopes were taken away.').waitFor();
    });
    await page.getByText('2 scopes were taken away.').waitFor();
    expect(await read()).toMatchObject({ scopes: ['workspace:read'] });
    await expect.poll(() => page.locator('.reach-sum').innerText()).toBe('1 of 9 routes');
    expect(await page.getByRole('button', { name: 'Narrow to used' }).count()).toBe(0);
    expect(console.faults.splice(0)).toEqual([]);
    await page.context().close();
  });
});
