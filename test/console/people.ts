/** A console with people in it: service accounts and named policies, which the policy of other tests has not. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Page } from 'playwright-core';
import { ROOT } from '../support/process.ts';
import { type Look, type OpenConsole, openConsole, SCREENSHOTS } from './harness.ts';

const MORE = `
serviceAccounts: { tokenMinutes: 15 }
iam:
  resources: { workspace: workspace, environment: environment, token: token }
`;

export async function openPeopleConsole(): Promise<OpenConsole> {
  const folder = mkdtempSync(join(tmpdir(), 'scopegate-policy-'));
  const policy = join(folder, 'policy.yaml');
  writeFileSync(policy, readFileSync(join(ROOT, 'policies/coze.yaml'), 'utf8') + MORE);
  const opened = await openConsole({ policy });
  const dispose = async () => {
    await opened[Symbol.asyncDispose]();
    rmSync(folder, { recursive: true });
  };
  return { ...opened, [Symbol.asyncDispose]: dispose };
}

/** The two that differ in everything. */
const LOOKS: readonly Look[] = [
  { width: 390, scheme: 'dark', language: 'zh' },
  { width: 1280, scheme: 'light', language: 'en' },
];
const FURTHER: readonly Look[] = [
  { width: 1920, scheme: 'dark', language: 'en' },
  { width: 1920, scheme: 'light', language: 'zh' },
  { width: 390, scheme: 'light', language: 'en' },
];

/** Named; with the others for whoever wants to see them. */
export const PEOPLE_LOOKS = [...LOOKS, ...(SCREENSHOTS === undefined ? [] : FURTHER)].map(
  (look) => [`${look.width}-${look.scheme}-${look.language}`, look] as const,
);

/** As a program of this account asks for one. */
export async function issueTo(console: OpenConsole, clientId: string, clientSecret: string): Promise<string> {
  const answer = await fetch(`${console.gateway.url}/api/auth/oauth2/token`, {
    method: 'POST',
    headers: { authorization: `Basic ${Buffer.from(`${clientId}:${clientSecret}`).toString('base64')}` },
    body: new URLSearchParams({ grant_type: 'client_credentials' }),
  });
  const body = (await answer.json()) as { access_token?: string };
  if (body.access_token === undefined) throw new Error(`no token was issued: ${JSON.stringify(body)}`);
  return body.access_token;
}

/** By Tab alone, as somebody without a mouse. */
export async function tabToName(page: Page, name: RegExp): Promise<void> {
  for (let presses = 0; presses < 120; presses++) {
    await page.keyboard.press('Tab');
    const focused = await page.evaluate(
      `(() => { const at = document.activeElement; return (at.labels?.[0]?.textContent ?? at.textContent ?? '') + (at.getAttribute('aria-label') ?? ''); })()`,
    );
    if (name.test(String(focused))) return;
  }
  throw new Error(`Tab never came to ${name}`);
}

/** What has moved on the page since it began, without anybody's doing, and how far: nothing, where it is well made. */
export async function shiftsOf(page: Page, path: string, settled: () => Promise<void>): Promise<string[]> {
  await page.addInitScript(`globalThis.shifts = [];
    new PerformanceObserver((list) => {
      for (const { value, hadRecentInput, sources } of list.getEntries())
        if (!hadRecentInput && value > 0.01)
          shifts.push([value.toFixed(3), ...sources.map(({ node }) => [node?.nodeName, node?.className, node?.textContent?.slice(0, 40)].join(' '))].join(' | '));
    }).observe({ type: 'layout-shift', buffered: true });`);
  await page.goto(path);
  await settled();
  return (await page.evaluate('globalThis.shifts')) as string[];
}

/** Opens the window of each of the first three such buttons; what is wrong with them, as `inspect` says it. */
export async function windowFaults(console: OpenConsole, page: Page, buttons: string, name: string): Promise<string[]> {
  const faults: string[] = [];
  for (const nth of [0, 1, 2]) {
    await page.locator(buttons).nth(nth).click();
    await page.getByRole('dialog').waitFor();
    faults.push(...(await console.inspect(page, name.replace('N', String(nth)))));
    await page.keyboard.press('Escape');
    await page.getByRole('dialog').waitFor({ state: 'detached' });
  }
  return faults;
}
