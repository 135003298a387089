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

/**
 * What Fastify loads and we never ask of it: schemas are judged and answers written by ours, nothing is injected, no plugin
 * says which version it wants, and the sidecar speaks HTTP/1.1. With what these load in turn it is half of the sidecar's code.
 */
const UNASKED = new Set([
  '@fastify/ajv-compiler',
  '@fastify/fast-json-stringify-compiler',
  'light-my-request',
  'node:http2',
  'semver',
]);

await build({
  configFile: false,
  plugins: [
    {
      name: 'leave-out-what-is-not-asked-for',
      enforce: 'pre',
      resolveId: (id, importer) =>
        UNASKED.has(id) && importer?.includes('/node_modules/fastify/') === true ? '\0unasked' : null,
      load: (id) => (id === '\0unasked' ? 'module.exports = {};' : null),
    },
  ],
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
        // Sources stay in memory, with two bytes for each character of a file as soon as one of them is not plain.
        charset: 'ascii',
        comments: false,
      },
    },
  },
});

writeFileSync(
  `${dist}/main.js`,
  "import { createRequire } from 'node:module';\n\nexport const { main } = createRequire(import.meta.url)('./program-main.cjs');\n",
);
