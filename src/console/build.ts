/**
 * Builds the console into dist/console: the types of the API from its own description, the page by Vite, and each file
 * once more as browsers take it, compressed. Needs nothing but what `npm ci` has installed; serves nothing.
 */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { brotliCompressSync, constants, gzipSync } from 'node:zlib';
import openapiTypescript, { type OpenAPI3 } from 'openapi-typescript';
import { build } from 'vite';
import { describeApi } from '../admin/openapi.ts';
import { apiRoutes } from '../admin/server.ts';
import { packageFile, version } from '../package-files.ts';
import { Slices } from '../slices.ts';

const PAGE = fileURLToPath(new URL('page', import.meta.url));
const BUILT = fileURLToPath(packageFile('dist/console'));

/** Of the routes nothing is asked but what they look like, so that whatever they are made with may be anything. */
const ANYTHING: Parameters<typeof apiRoutes>[0] = new Proxy({} as Parameters<typeof apiRoutes>[0], {
  get: () => ANYTHING,
});

async function writeApiTypes(): Promise<void> {
  const description = await new Slices().through(describeApi(apiRoutes(ANYTHING), version()));
  writeFileSync(join(PAGE, 'api/openapi.d.ts'), await openapiTypescript(description as OpenAPI3));
}

async function buildPage(): Promise<void> {
  await build({
    configFile: false,
    root: PAGE,
    logLevel: 'warn',
    build: {
      outDir: BUILT,
      emptyOutDir: true,
      target: 'es2023',
      // What it is built for can do that itself, and a script in the page would not run.
      modulePreload: { polyfill: false },
      assetsInlineLimit: 0,
      license: { fileName: 'licenses.md' },
      chunkSizeWarningLimit: 1000,
      rolldownOptions: {
        // A word of theirs to servers that render: here is none.
        onLog: (level, log, report) => (log.code === 'MODULE_LEVEL_DIRECTIVE' ? undefined : report(level, log)),
      },
    },
  });
}

function compress(): void {
  for (const entry of readdirSync(BUILT, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile() || !/\.(?:html|js|css|svg)$/.test(entry.name)) continue;
    const path = join(entry.parentPath, entry.name);
    const bytes = readFileSync(path);
    const params = { [constants.BROTLI_PARAM_QUALITY]: 11, [constants.BROTLI_PARAM_SIZE_HINT]: bytes.length };
    writeFileSync(`${path}.br`, brotliCompressSync(bytes, { params }));
    writeFileSync(`${path}.gz`, gzipSync(bytes, { level: 9 }));
  }
}

await writeApiTypes();
await buildPage();
compress();
