/** Documents that cannot rot: what is generated is current, and every requirement has a test that names it. */
import { existsSync, readdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { REASON_NAMES } from '../src/core/reason.ts';
import { anchors, codeBlocks, DOCUMENTS, documents, readDocument, recipes, requirements } from './support/documents.ts';
import { ROOT } from './support/process.ts';

const READMES = ['README.md', 'README.zh-CN.md'];

it.each(Object.keys(DOCUMENTS))('%s is up to date (else: npm run generate)', (path) => {
  expect(readDocument(path)).toBe(DOCUMENTS[path]!());
});

describe('every numbered requirement has a test that names it', () => {
  it.each(requirements().map(({ id, tests }) => [id, tests.length] as const))('%s', (_id, tests) => {
    expect(tests).toBeGreaterThan(0);
  });
});

it('the checks are told in their order, each with every reason that it refuses for', () => {
  const routes = readDocument('docs/routes.md');
  for (const reason of REASON_NAMES) expect(routes, reason).toContain(`\`${reason}\``);
});

describe('the README', () => {
  it('is short: 150 lines at most', () => {
    for (const name of READMES) expect(readDocument(name).split('\n').length, name).toBeLessThanOrEqual(150);
  });

  it('says the same commands in Chinese, in the same order', () => {
    const [english, chinese] = READMES.map((name) => codeBlocks(readDocument(name)));
    expect(english!.length).toBeGreaterThan(0);
    expect(chinese).toEqual(english);
  });

  it('leads to every document, in both languages', () => {
    for (const name of READMES) {
      const linked = new Set(links(name).map(({ path }) => path));
      const others = documents().filter((document) => !READMES.includes(document));
      for (const document of others) expect(linked, name).toContain(document);
    }
  });
});

/** Of one document: what it leads to, relative to the repository, and where in it. */
function links(document: string): Array<{ path: string; anchor: string | undefined }> {
  const found = readDocument(document).matchAll(/\]\((?!https?:)([^)#\s]*)(?:#([^)\s]*))?\)/g);
  return Array.from(found, ([, path, anchor]) => ({
    path: path === '' ? document : join(dirname(document), path!),
    anchor,
  }));
}

describe('a recipe', () => {
  it.each(recipes())('%s has its files, stands in the index, and is run by a test', (name) => {
    for (const path of [
      `docs/recipes/${name}/README.md`,
      `docs/recipes/${name}/gateway.yaml`,
      `test/recipes/${name}.test.ts`,
    ])
      expect(existsSync(join(ROOT, path)), path).toBe(true);
    const listed = links('docs/recipes/README.md').map(({ path }) => path);
    expect(listed).toContain(`docs/recipes/${name}/README.md`);
  });
});

const LINKING = [...documents(), ...recipes().map((name) => `docs/recipes/${name}/README.md`)];

it.each(LINKING)('the links of %s lead somewhere, to a heading where they name one', (document) => {
  const all = links(document);
  expect(
    all.every(({ path }) => path !== ''),
    document,
  ).toBe(true);
  for (const { path, anchor } of all) {
    expect(existsSync(join(ROOT, path)), `${document} → ${path}`).toBe(true);
    if (anchor !== undefined && path.endsWith('.md'))
      expect(anchors(readDocument(path)), `${document} → ${path}`).toContain(anchor);
  }
});

it('messages and comments name documents that there are', () => {
  const sources = ['src', 'bench', 'test'].flatMap((folder) =>
    readdirSync(join(ROOT, folder), { recursive: true, encoding: 'utf8' })
      .filter((name) => /\.[jt]s$/.test(name))
      .map((name) => join(folder, name)),
  );
  for (const source of [...sources, 'gateway.yaml', 'Dockerfile'])
    for (const [name] of readDocument(source).matchAll(/\b(?:docs|bench)\/[\w.-]+\.(?:md|svg)\b/g))
      expect(existsSync(join(ROOT, name)), `${source} names ${name}`).toBe(true);
});

it('the architecture names files that there are', () => {
  const named = Array.from(
    readDocument('docs/architecture.md').matchAll(/`((?:[\w-]+\/)+[\w-]+\.ts)`/g),
    ([, name]) => name!,
  );
  expect(named.length).toBeGreaterThan(10);
  for (const name of named)
    expect(
      [name, join('src', name)].some((path) => existsSync(join(ROOT, path))),
      name,
    ).toBe(true);
});
