/**
 * Bundles what the program loads when it starts, its libraries included, into few files beside dist/start.js: to find and
 * link a thousand modules is a third of a start. The modules stay, for those who import the library. Serves nothing.
 */
import { globSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { build } from 'vite';
import { packageFile } from '../package-files.ts';

const dist = fileURLToPath(packageFile('dist'));

/** What worker threads begin with, each where `entryFile` looks for it. */
const threads = Object.fromEntries(
  globSync('*/*-thread.js', { cwd: dist, exclude: ['*/*-in-thread.js'] }).map((path) => [
    path.replace(/\.js$/, ''),
    `${dist}/${path}`,
  ]),
);

await build({
  configFile: false,
  root: fileURLToPath(packageFile('')),
  logLevel: 'warn',
  publicDir: false,
  // Of a load test alone: the one is installed by whoever wants it, the other asks for modules as only it can.
  ssr: { noExternal: true, external: ['autocannon', 'hdr-histogram-js'], target: 'node' },
  build: {
    ssr: true,
    outDir: dist,
    emptyOutDir: false,
    target: 'node22',
    // A stack says where something went wrong.
    minify: false,
    license: { fileName: 'program-licenses.md' },
    rolldownOptions: {
      input: { 'program-main': `${dist}/main.js`, ...threads },
      output: {
        // An `import` of node:http loads the whole of Node's fetch with it; `require` does not.
        format: 'cjs',
        entryFileNames: '[name].cjs',
        // At the top, as package-files is: paths count from there.
        chunkFileNames: 'program-[name]-[hash].cjs',
        keepNames: true,
      },
    },
  },
});

writeFileSync(
  `${dist}/main.js`,
  "import { createRequire } from 'node:module';\n\nexport const { main } = createRequire(import.meta.url)('./program-main.cjs');\n",
);
