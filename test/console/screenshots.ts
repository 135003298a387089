/**
 * `npm run screenshots`: the READMEs' pictures of the console, of a demo that has run for a while. Written by Chromium alone,
 * as WebP, which takes a third of a PNG. Tests nothing.
 */
import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Browser, chromium, type Page } from 'playwright-core';
import { ROOT, scopegate } from '../support/process.ts';
import { timePasses } from '../support/time.ts';

interface Picture {
  readonly file: string;
  readonly path: string;
  readonly scheme: 'light' | 'dark';
  readonly locale: string;
}

const PICTURES: readonly Picture[] = [
  { file: 'docs/console.webp', path: '/o/acme/tokens', scheme: 'light', locale: 'en-GB' },
  { file: 'docs/console-zh.webp', path: '/o/acme', scheme: 'dark', locale: 'zh-CN' },
];
const CHROMIUM = '/usr/bin/chromium';
const BYTES_MAX = 120_000;
/** For charts to have something in them. */
const TRAFFIC_MS = Number(process.env.SCOPEGATE_SCREENSHOTS_AFTER_MS ?? 90_000);
const QUALITIES = [0.9, 0.8, 0.7, 0.6];

const fonts = spawnSync('fc-list', [':lang=zh', 'family'], { encoding: 'utf8' });
if (fonts.error === undefined && fonts.stdout.trim() === '')
  throw new Error('there are no Chinese glyphs here: apt-get install fonts-noto-cjk');

const demo = scopegate(['demo', '--json']);
try {
  const { console, admin, adminKey } = JSON.parse(await demo.until('}}\n')) as Record<string, string>;
  const browser = await chromium.launch({ executablePath: CHROMIUM, args: ['--no-sandbox'] });
  try {
    await timePasses(TRAFFIC_MS, 'the charts show what has happened by then');
    let link: string | null = console!;
    for (const picture of PICTURES) {
      await take(browser, picture, link ?? (await newLink(admin!, adminKey!)), admin!);
      link = null;
    }
  } finally {
    await browser.close();
  }
} finally {
  await demo.stop();
}

async function newLink(admin: string, adminKey: string): Promise<string> {
  const headers = { authorization: `Bearer ${adminKey}` };
  const answer = await fetch(`${admin}/v1/session-links`, { method: 'POST', headers });
  return admin + ((await answer.json()) as { path: string }).path;
}

async function take(browser: Browser, { file, path, scheme, locale }: Picture, link: string, admin: string) {
  const context = await browser.newContext({
    viewport: { width: 1440, height: 860 },
    deviceScaleFactor: 1.25,
    colorScheme: scheme,
    locale,
  });
  const page = await context.newPage();
  await page.goto(link);
  await page.getByRole('navigation').first().waitFor();
  await page.goto(admin + path);
  await page.getByRole('heading').first().waitFor();
  await page.waitForLoadState('networkidle');
  const bytes = await asWebp(await context.newPage(), await page.screenshot());
  writeFileSync(join(ROOT, file), bytes);
  process.stdout.write(`${file} ${bytes.length} bytes\n`);
  await context.close();
}

/** On a blank page, since no other program here may be able to. */
async function asWebp(blank: Page, png: Buffer): Promise<Buffer> {
  for (const quality of QUALITIES) {
    const encoded = (await blank.evaluate(`(async () => {
      const image = new Image();
      image.src = 'data:image/png;base64,${png.toString('base64')}';
      await image.decode();
      const canvas = Object.assign(document.createElement('canvas'), { width: image.width, height: image.height });
      canvas.getContext('2d').drawImage(image, 0, 0);
      return canvas.toDataURL('image/webp', ${quality}).split(',')[1];
    })()`)) as string;
    const bytes = Buffer.from(encoded, 'base64');
    if (bytes.length <= BYTES_MAX) return bytes;
  }
  throw new Error(`the picture stays above ${BYTES_MAX} bytes`);
}
