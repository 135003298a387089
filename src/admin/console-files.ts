/**
 * The console as it was built: read once, when somebody first opens it, and answered from memory. There is nothing that a
 * path could lead to but these files. Builds nothing; what a page may do is said by the headers here.
 */
import { readdir, readFile } from 'node:fs/promises';
import { extname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { packageFile } from '../package-files.ts';

const BUILT = fileURLToPath(packageFile('dist/console'));

const TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
};

/** No markup of somebody else's runs or loads anything, and no page of somebody else's shows or reads the console. */
const PAGE_HEADERS = {
  'Content-Security-Policy': [
    "default-src 'none'",
    ...["script-src 'self'", "style-src 'self'", "img-src 'self'", "font-src 'self'", "connect-src 'self'"],
    ...["base-uri 'none'", "form-action 'none'", "frame-ancestors 'none'"],
    ...["require-trusted-types-for 'script'", "trusted-types 'none'"],
  ].join('; '),
  'Cross-Origin-Opener-Policy': 'same-origin',
  'Referrer-Policy': 'no-referrer',
};

const NOT_BUILT = `<!doctype html><html lang="en"><meta charset="utf-8"><title>scopegate</title>
<h1>The console is not built here</h1>
<p>The sidecar's API works without it. To build it in a checkout: <code>npm ci &amp;&amp; npm run build:console</code>.</p></html>`;

export interface ConsoleAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer;
}

type Encoding = 'br' | 'gzip' | null;
const ENDINGS: ReadonlyArray<readonly [Encoding, string]> = [
  ['br', '.br'],
  ['gzip', '.gz'],
];

/** By path. `folder`: where the build has put it. */
export class ConsoleFiles {
  readonly #folder: string;
  #files: Promise<ReadonlyMap<string, ReadonlyMap<Encoding, Buffer>>> | null = null;

  constructor(folder = BUILT) {
    this.#folder = folder;
  }

  /** For every path that is a page's: which one it is, the page knows itself. */
  async page(acceptEncoding: string | undefined): Promise<ConsoleAnswer> {
    const found = await this.#find('/index.html', acceptEncoding);
    if (found !== null)
      return { ...found, headers: { ...found.headers, ...PAGE_HEADERS, 'Cache-Control': 'no-store' } };
    const headers = { ...PAGE_HEADERS, 'Content-Type': TYPES['.html']!, 'Cache-Control': 'no-store' };
    return { status: 503, headers, body: Buffer.from(NOT_BUILT) };
  }

  /** null: there is no such file. Each has a hash of what it holds in its name. */
  async asset(name: string, acceptEncoding: string | undefined): Promise<ConsoleAnswer | null> {
    const found = await this.#find(`/assets/${name}`, acceptEncoding);
    if (found === null) return null;
    return { ...found, headers: { ...found.headers, 'Cache-Control': 'public, max-age=31536000, immutable' } };
  }

  async #find(path: string, acceptEncoding = ''): Promise<ConsoleAnswer | null> {
    this.#files ??= readFiles(this.#folder);
    const forms = (await this.#files).get(path);
    if (forms === undefined) return null;
    const accepted = new Set(
      acceptEncoding
        .split(',')
        .filter((each) => !/;\s*q=0(?:\.0*)?\s*$/.test(each))
        .map((each) => each.split(';', 1)[0]!.trim().toLowerCase()),
    );
    const [encoding] = ENDINGS.find(([each]) => forms.has(each) && accepted.has(each!)) ?? [null];
    return {
      status: 200,
      headers: {
        'Content-Type': TYPES[extname(path)] ?? 'application/octet-stream',
        Vary: 'Accept-Encoding',
        ...(encoding === null ? {} : { 'Content-Encoding': encoding }),
      },
      body: forms.get(encoding)!,
    };
  }
}

async function readFiles(folder: string): Promise<ReadonlyMap<string, ReadonlyMap<Encoding, Buffer>>> {
  const files = new Map<string, Map<Encoding, Buffer>>();
  for (const entry of await readdir(folder, { recursive: true, withFileTypes: true }).catch(() => [])) {
    if (!entry.isFile()) continue;
    const full = join(entry.parentPath, entry.name);
    const [encoding, ending] = ENDINGS.find(([, each]) => entry.name.endsWith(each)) ?? [null, ''];
    const path = full.slice(folder.length, full.length - ending.length);
    files.set(path, (files.get(path) ?? new Map<Encoding, Buffer>()).set(encoding, await readFile(full)));
  }
  return files;
}
