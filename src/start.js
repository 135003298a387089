#!/usr/bin/env node
// The entry. Plain JavaScript without imports, so that even an old Node can read it and be told what is missing.
const [major, minor] = process.versions.node.split('.').map(Number);
if (major < 22 || (major === 22 && minor < 19)) {
  process.stderr.write(
    `scopegate needs Node 22.19 or newer, this is ${process.versions.node}. ` +
      'In a checkout, `npm ci` brings one: use `npm run -s scopegate -- …`.\n',
  );
  process.exit(1);
}

// node:sqlite and type stripping announce themselves as experimental at every start; an operator cannot act on that.
const emitWarning = process.emitWarning;
process.emitWarning = (warning, ...rest) => {
  const type = typeof rest[0] === 'object' ? rest[0]?.type : rest[0];
  if (type !== 'ExperimentalWarning') emitWarning.call(process, warning, ...rest);
};

const { main } = await import('./main.ts');
await main(process.argv.slice(2), process.env);
