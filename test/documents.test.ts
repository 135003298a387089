/** Documents that cannot rot: what is generated is current, and every requirement has a test that names it. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { REASON_NAMES } from '../src/core/reason.ts';
import { DOCUMENTS, readDocument, requirements } from './support/documents.ts';
import { ROOT } from './support/process.ts';

it.each(Object.keys(DOCUMENTS))('%s is up to date (else: npm run generate)', (path) => {
  expect(readDocument(path)).toBe(DOCUMENTS[path]!());
});

describe('every numbered requirement has a test that names it', () => {
  it.each(requirements().map(({ id, tests }) => [id, tests.length] as const))('%s', (_id, tests) => {
    expect(tests).toBeGreaterThan(0);
  });
});

it('the README tells of every reason', () => {
  const readme = readDocument('README.md');
  for (const reason of REASON_NAMES) expect(readme, reason).toContain(`\`${reason}\``);
});

it('links in the documents lead somewhere', () => {
  const documents = [
    'README.md',
    'CONTRIBUTING.md',
    'SECURITY.md',
    ...readdirSync(join(ROOT, 'docs')).map((name) => `docs/${name}`),
  ];
  for (const document of documents) {
    for (const [, target] of readFileSync(join(ROOT, document), 'utf8').matchAll(/\]\((?!https?:|#)([^)#\s]+)/g)) {
      expect(existsSync(join(ROOT, document, '..', target!)), `${document} → ${target}`).toBe(true);
    }
  }
});
