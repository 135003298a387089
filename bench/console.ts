/**
 * What people wait for in the console, over a hundred thousand tokens in a SQLite file: in Chromium, from the navigation, the key
 * or the click to what was asked for, on the screen. The browser has the console's files already but in the row that says
 * otherwise. Never waits for ever: a page that does not come is a fault of its own.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type BrowserContext, chromium, type Page } from 'playwright-core';
import { SetupError } from '../src/errors.ts';
import { Owned } from '../src/owned.ts';
import { SqliteStore } from '../src/store/sqlite/store.ts';
import { OTHER_CORE, startChild, startScopegate, temporaryFolder } from './children.ts';
import { fillTokens, LISTS_POLICY, LISTS_ROUTES } from './lists.ts';
import { percentile } from './measure.ts';
import type { BenchOptions, Section } from './report.ts';
import { ORGANIZATION } from './token-weight.ts';

const FIRST_PAGE_MS_MAX = 300;
const PATIENCE_MS = 20_000;
/** Of many tokens the overview has no numbers until they are counted. */
const COUNTED_PATIENCE_MS = 60_000;
const SHOWN = 50;
const LAUNCH = { executablePath: '/usr/bin/chromium', args: ['--no-sandbox'], timeout: PATIENCE_MS };
const WINDOW = { viewport: { width: 1280, height: 900 }, locale: 'en-GB' };

/** Whether the page shows what was asked for; looked at with each frame. `before`: the first name until then. */
const HAS = {
  rows: `document.querySelectorAll('td.name').length >= ${SHOWN}`,
  otherRows: `(document.querySelector('td.name')?.textContent ?? before) !== before`,
  numbers: `[...document.querySelectorAll('.figure .value')].some(({ textContent }) => /\\d/.test(textContent))`,
} as const;

interface Step {
  readonly name: string;
  readonly path: string;
  readonly shows: keyof typeof HAS;
  /** Absent: the page itself is waited for. */
  readonly act?: (page: Page) => Promise<unknown>;
  readonly isFirstVisit?: true;
}

const TOKENS = `/o/${ORGANIZATION}/tokens`;
const STEPS: readonly Step[] = [
  { name: 'tokens, first page', path: TOKENS, shows: 'rows' },
  { name: '… on a first visit, nothing in the cache', path: TOKENS, shows: 'rows', isFirstVisit: true },
  {
    name: 'a filter: revoked',
    path: TOKENS,
    shows: 'otherRows',
    act: (page) => page.getByLabel('State').selectOption('revoked'),
  },
  {
    name: 'a name, typed in one piece (250 ms of it waiting for more)',
    path: TOKENS,
    shows: 'otherRows',
    act: (page) => page.getByLabel('Name').fill('deploy-77'),
  },
  {
    name: 'the next page',
    path: TOKENS,
    shows: 'otherRows',
    act: (page) => page.getByRole('button', { name: 'Next' }).click(),
  },
  { name: 'overview, once counted', path: `/o/${ORGANIZATION}`, shows: 'numbers' },
];

export async function benchConsole({ quick, say }: BenchOptions): Promise<Section> {
  const owned = new Owned();
  try {
    const count = quick ? 20_000 : 100_000;
    const { url, key } = await startFilled(owned, count, say);
    const browser = owned.add(await chromium.launch(LAUNCH), (opened) => opened.close());
    // With a profile on disk, as people have it: there Chromium keeps the scripts compiled, too.
    const profile = await chromium.launchPersistentContext(temporaryFolder(owned), { ...LAUNCH, ...WINDOW });
    const context = await signIn(
      owned.add(profile, (opened) => opened.close()),
      url,
      key,
    );
    const rows: Array<readonly [string, number, number, number]> = [];
    await untilCounted(url, key);
    for (const step of STEPS) {
      const times: number[] = [];
      for (let round = 0; round < (quick ? 5 : 15); round++)
        times.push(
          await take(step, url, step.isFirstVisit ? await signIn(await browser.newContext(WINDOW), url, key) : context),
        );
      times.sort((one, other) => one - other);
      const [p50, p90, most] = [percentile(times, 0.5), percentile(times, 0.9), times.at(-1)!].map(Math.round);
      say(`${step.name}: ${p50} ms`);
      rows.push([step.name, p50!, p90!, most!]);
    }
    const [, firstPageMs] = rows[0]!;
    const [tokens, columns] = [count.toLocaleString('en-US'), ['', 'p50 ms', 'p90 ms', 'max ms']];
    return {
      name: 'console',
      tables: [{ title: `the console over ${tokens} tokens in a SQLite file, in Chromium`, columns, rows }],
      checks: [
        {
          promise: `the first page of tokens is on the screen within ${FIRST_PAGE_MS_MAX} ms (p50)`,
          measured: `${firstPageMs} ms`,
          kept: firstPageMs <= FIRST_PAGE_MS_MAX,
        },
      ],
    };
  } finally {
    await owned.release();
  }
}

async function startFilled(owned: Owned, count: number, say: BenchOptions['say']) {
  const folder = temporaryFolder(owned);
  const store = new SqliteStore(join(folder, 'scopegate.db'));
  await fillTokens(store, count, say).finally(() => store.close());
  const upstream = await startChild(owned, './processes/upstream.ts', OTHER_CORE);
  const sections = { policy: LISTS_POLICY, routes: LISTS_ROUTES, admin: { port: 0 } };
  const { url } = await startScopegate(owned, folder, upstream.url, {}, sections, 'admin');
  return { url, key: readFileSync(join(folder, 'admin-key'), 'utf8').trim() };
}

async function signIn(context: BrowserContext, url: string, key: string): Promise<BrowserContext> {
  context.setDefaultTimeout(PATIENCE_MS);
  const headers = { authorization: `Bearer ${key}`, 'sec-fetch-site': 'none' };
  const signal = AbortSignal.timeout(PATIENCE_MS);
  const { path } = (await (await fetch(`${url}/v1/session-links`, { method: 'POST', headers, signal })).json()) as {
    path: string;
  };
  const page = await context.newPage();
  await page.goto(url + path);
  await page.getByRole('navigation').first().waitFor();
  await page.close();
  return context;
}

/** From the navigation, or from what is done, to the frame that shows it, as the browser's own clock has it. */
async function take({ path, shows, act, isFirstVisit, name }: Step, url: string, context: BrowserContext) {
  const page = await context.newPage();
  if (isFirstVisit) {
    const devtools = await context.newCDPSession(page);
    await devtools.send('Network.clearBrowserCache');
  }
  await page.addInitScript(SHOWN_AT);
  await page.goto(url + path);
  let tookMs = await within(name, page.evaluate<number>(`shownAt(() => ${act ? HAS.rows : HAS[shows]})`));
  if (act) {
    await within(name, page.evaluate(BEGIN));
    await act(page);
    tookMs = await within(name, page.evaluate<number>(`shownAt(() => ${HAS[shows]}).then((at) => at - beganAt)`));
  }
  await (isFirstVisit ? context : page).close();
  return tookMs;
}

const SHOWN_AT = `globalThis.shownAt = (isShown) => new Promise((resolve) => {
  const look = () => requestAnimationFrame(() => {
    if (isShown()) setTimeout(() => resolve(performance.now()));
    else look();
  });
  look();
});`;

const BEGIN = `globalThis.before = document.querySelector('td.name').textContent;
  for (const kind of ['input', 'click']) addEventListener(kind, ({ timeStamp }) => { globalThis.beganAt ??= timeStamp; }, true);`;

/** What is asked of a page has no end of its own where the page shows nothing. */
async function within<T>(name: string, asked: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new SetupError(`bench: ${name}: nothing came in ${PATIENCE_MS} ms`)), PATIENCE_MS);
  });
  return Promise.race([asked, late]).finally(() => clearTimeout(timer));
}

async function untilCounted(url: string, key: string): Promise<void> {
  const headers = { authorization: `Bearer ${key}` };
  const endMs = performance.now() + COUNTED_PATIENCE_MS;
  while (performance.now() < endMs) {
    const signal = AbortSignal.timeout(PATIENCE_MS);
    const answer = await fetch(`${url}/v1/organizations/${ORGANIZATION}/overview`, { headers, signal });
    const { tokens } = (await answer.json()) as { tokens: { counted: object | null } };
    if (tokens.counted !== null) return;
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
  throw new SetupError('bench: the tokens were not counted in time');
}
