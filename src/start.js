#!/usr/bin/env node
// The entry. Plain JavaScript, so that even an old Node can read it and be told what is missing.
import { whyTooOld } from './node-version.js';

const tooOld = whyTooOld(process.versions.node);
if (tooOld !== null) {
  process.stderr.write(`${tooOld} In a checkout, \`npm ci\` brings one: use \`npm run -s scopegate -- …\`.\n`);
  process.exit(1);
}

// Node opens a debugger for whoever may send this signal, unless somebody else listens for it: a port through which all
// requests and keys can be read, and code can be run.
process.on('SIGUSR1', () => undefined);

// node:sqlite and type stripping announce themselves as experimental at every start; an operator cannot act on that.
const emitWarning = process.emitWarning;
process.emitWarning = (warning, ...rest) => {
  const type = typeof rest[0] === 'object' ? rest[0]?.type : rest[0];
  if (type !== 'ExperimentalWarning') emitWarning.call(process, warning, ...rest);
};

// A young generation of 2 MB instead of 16: a flood of junk then leaves less behind, at no cost per request that could be
// measured (docs/benchmarks.md). V8 takes the size only at a start, so the process becomes itself anew, with its id, its
// files and its terminal.
// A sidecar alone has no flood of junk before it, and makes tokens faster with all of the 16 MB.
// The same start takes the debugger away for good, the moments included in which nobody listens for its signal yet. And it
// makes all threads take their memory from one place: glibc gives each a place of its own, and what a compiler or a collector
// once needed stays there, 4 MB of them all.
const [command] = process.argv.slice(2);
const isSidecar = /(?:^| )--only[= ]admin(?: |$)/.test(process.argv.slice(2).join(' '));
const sized = [...process.execArgv, process.env.NODE_OPTIONS ?? ''].some((flag) => flag.includes('semi-space'));
if ((command === 'serve' || command === 'demo') && !sized && process.execve !== undefined && !process.channel)
  process.execve(
    process.execPath,
    [
      process.execPath,
      '--disable-sigusr1',
      `--max-semi-space-size=${isSidecar ? 16 : 2}`,
      ...process.execArgv,
      ...process.argv.slice(1),
    ],
    { MALLOC_ARENA_MAX: '1', ...process.env },
  );

const { setFlagsFromString } = await import('node:v8');
// While a gateway is young, whatever a request needs outlives a collection or two, and V8 may conclude that some of it
// had better be born old. That would keep whole requests until the next full collection: a sixth of the processor.
setFlagsFromString('--no-allocation-site-pretenuring');
// Requests that come in long pipelines grow old together, and die. V8 would let the heap grow to four times what lives
// before it looks; with half as much again a flood leaves little behind (docs/benchmarks.md).
setFlagsFromString('--heap-growing-percent=50');

const { main } = await import('./main.ts');
await main(process.argv.slice(2), process.env);
