/**
 * The console in a real browser: one gateway, one Chromium, and everything that a page must never do, noted as it happens:
 * a violation of its own policy, an error, a request to any other host. With SCOPEGATE_SCREENSHOTS=folder each look is kept.
 */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { type BrowserContext, chromium, type Page, type Request, type Route } from 'playwright-core';
import { vi } from 'vitest';
import { problemOf } from '../../src/admin/problem.ts';
import { startTestGateway, type TestGateway, type TestGatewayOptions } from '../support/gateway.ts';
import { timePasses } from '../support/time.ts';

export interface Look {
  readonly width: number;
  readonly scheme: 'light' | 'dark';
  readonly language: 'en' | 'zh';
}

/** `ended`: the session is gone, as after a restart of the sidecar with a new admin key. `slow`: each answer takes 3 s. */
export type Failure = 'slow' | 'down' | 'ended' | keyof typeof REFUSALS;

export interface Failing {
  readonly failure: Failure;
  /** Paths of the calls that fail; absent: all. Signing in never does. */
  readonly calls?: RegExp;
  /** Absent: any. */
  readonly method?: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
}

/** Narrow, usual and wide; each scheme and language once at least. */
export const LOOKS: readonly Look[] = [
  { width: 390, scheme: 'dark', language: 'zh' },
  { width: 1280, scheme: 'light', language: 'en' },
  { width: 1920, scheme: 'dark', language: 'en' },
];

export interface OpenConsole extends AsyncDisposable {
  readonly gateway: TestGateway;
  /** What no page may do, so far. */
  readonly faults: string[];
  /** A page of its own session: signed in by this credential, at the list of tokens; or by nothing. */
  page(look: Partial<Look>, credential?: string): Promise<Page>;
  /** axe's findings, as lines; a picture of it where pictures are kept. */
  inspect(page: Page, name: string): Promise<string[]>;
  /**
   * While `during` runs, calls of the page to the API fail so, and what the browser itself says of that is no fault.
   * Throws when no call has failed.
   */
  failing(page: Page, how: Failing, during: () => Promise<void>): Promise<void>;
}

const REFUSALS = {
  403: ['not_allowed', 'The test allows nothing.'],
  409: ['conflict', 'Somebody else was faster, says the test.'],
  422: ['invalid_field', 'The test accepts nothing.'],
  503: ['store_unavailable', 'The store could not be asked; nothing was changed.'],
} as const;
/** Of every refusal that `failing` makes. */
export const INJECTED_REQUEST_ID = '01JTESTTESTTESTTESTTESTTES';
const SLOW_MS = 3000;

/** What only this failure says on the page: an alert of the one before may still be there. */
export function saidOf(failure: Exclude<Failure, 'slow' | 'ended'>): string {
  return failure === 'down' ? 'does not answer' : REFUSALS[failure][0];
}

/** Where pictures are kept; absent: nowhere. */
export const SCREENSHOTS = process.env.SCOPEGATE_SCREENSHOTS;
const AXE = new URL('../../node_modules/axe-core/axe.min.js', import.meta.url).pathname;

export async function openConsole(options: TestGatewayOptions = {}): Promise<OpenConsole> {
  const gateway = await startTestGateway({ upstreamUrl: 'http://127.0.0.1:9', ...options });
  // As root there is no sandbox; what runs in it is ours.
  const browser = await chromium.launch({ executablePath: '/usr/bin/chromium', args: ['--no-sandbox'] });
  const faults: string[] = [];
  const page: OpenConsole['page'] = async ({ width = 1280, scheme = 'light', language = 'en' }, credential) => {
    const context = await browser.newContext({
      viewport: { width, height: 900 },
      colorScheme: scheme,
      locale: language === 'en' ? 'en-GB' : 'zh-CN',
      // Where copying is asked for, nobody is there to allow it.
      permissions: ['clipboard-read', 'clipboard-write'],
    });
    const opened = await context.newPage();
    await watch(context, opened, gateway.adminUrl, faults);
    await opened.goto(gateway.adminUrl);
    if (credential !== undefined) {
      await opened.locator('input[type=password]').fill(credential);
      await opened.keyboard.press('Enter');
      await opened.getByRole('navigation').waitFor();
      // Most tests are of what the list of tokens leads to.
      await opened.goto(`${gateway.adminUrl}/o/${gateway.seeded.organization}/tokens`);
    }
    return opened;
  };
  return {
    gateway,
    faults,
    page,
    inspect,
    failing: (failed, how, during) => failing(failed, how, during, faults),
    [Symbol.asyncDispose]: async () => {
      await browser.close();
      await gateway.stop();
    },
  };
}

async function watch(context: BrowserContext, page: Page, own: string, faults: string[]): Promise<void> {
  const note = (fault: string) => faults.push(fault);
  await context.exposeFunction('noteViolation', note);
  await context.addInitScript(
    `addEventListener('securitypolicyviolation', ({ violatedDirective, blockedURI, sample }) =>
      noteViolation(['policy:', violatedDirective, blockedURI, sample].join(' ')))`,
  );
  page.on('pageerror', (error) => note(`error: ${error.stack}`));
  page.on('console', (message) => {
    if (message.type() === 'error' || message.type() === 'warning') note(`console: ${message.text()}`);
  });
  page.on('request', (request) => {
    if (!request.url().startsWith(own)) note(`another host: ${request.url()}`);
  });
}

async function failing(page: Page, how: Failing, during: () => Promise<void>, faults: string[]): Promise<void> {
  const { failure, calls = /^\/v1\// } = how;
  let failures = 0;
  const isMeant = (request: Request) => {
    const { pathname } = new URL(request.url());
    const isSignIn = pathname === '/v1/session' && request.method() !== 'GET';
    return calls.test(pathname) && !isSignIn && (how.method ?? request.method()) === request.method();
  };
  const answer = async (route: Route) => {
    if (!isMeant(route.request())) return route.fallback();
    failures++;
    if (failure !== 'ended') await failed(route, failure);
  };
  const ended = (request: Request) => {
    if (isMeant(request)) failures++;
  };
  const before = faults.length;
  if (failure === 'ended') {
    await page.context().clearCookies();
    page.on('requestfinished', ended);
  } else await page.route('**/v1/**', answer);
  try {
    await during();
    // What was waited for may have been there before, and the call not yet on its way.
    await vi.waitUntil(() => failures > 0, { timeout: 5000, interval: 10 }).catch(() => {});
  } finally {
    page.off('requestfinished', ended);
    await page.unroute('**/v1/**', answer);
    const isInjected = (fault: string) => fault.startsWith('console: Failed to load resource');
    // The browser tells of a failed call a little after the page has; of one that the page gave up it tells nothing.
    const isTold = () => failure === 'slow' || faults.slice(before).filter(isInjected).length >= failures;
    await vi.waitUntil(isTold, { timeout: 2000, interval: 10 }).catch(() => {});
    faults.push(...faults.splice(before).filter((fault) => !isInjected(fault)));
  }
  if (failures === 0) throw new Error(`no call to ${calls} was there to fail`);
}

async function failed(route: Route, failure: Exclude<Failure, 'ended'>): Promise<void> {
  if (failure === 'down') return route.abort('connectionrefused');
  if (failure === 'slow') {
    await timePasses(SLOW_MS, 'an answer that is late is what is tried');
    // The page may have gone, or asked no longer.
    return route.continue().catch(() => {});
  }
  const [code, detail] = REFUSALS[failure];
  return route.fulfill({
    status: failure,
    contentType: 'application/problem+json',
    headers: { 'X-Request-Id': INJECTED_REQUEST_ID },
    body: JSON.stringify(problemOf(failure, code, detail)),
  });
}

async function inspect(page: Page, name: string): Promise<string[]> {
  if (SCREENSHOTS !== undefined) {
    mkdirSync(SCREENSHOTS, { recursive: true });
    await page.screenshot({ path: join(SCREENSHOTS, `${name}.png`), fullPage: true });
  }
  const { readFileSync } = await import('node:fs');
  // By the debugger's way in, since the page itself lets no other script run.
  const loaded = await page.evaluate('typeof axe');
  if (loaded === 'undefined') await page.evaluate(readFileSync(AXE, 'utf8'));
  return (await page.evaluate(`axe.run(document, { runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'] })
    .then(({ violations }) => violations.flatMap(({ id, nodes }) =>
      nodes.map(({ target, failureSummary }) => id + ' ' + target.join(' ') + ' ' + failureSummary)))`)) as string[];
}
