/** What editors are given: a JSON Schema that is never older than the code. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TSchema, Type } from 'typebox';
import { Check } from 'typebox/value';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { gatewayJsonSchema, jsonSchema, SCHEMA_FILES, writeSchemas } from '../../src/config/schema/json-schema.ts';

const editor = JSON.parse(gatewayJsonSchema()) as TSchema;
const accepts = (text: string) => Check(editor, parse(text));

const least = `
policy: p.yaml
upstreams: { a: { targets: [http://x] } }
routes: [{ id: x, match: { path: / }, upstream: a }]
`;

it.each(Object.entries(SCHEMA_FILES))('schemas/%s is up to date (else: npm run generate)', (name, schema) => {
  const path = new URL(`../../schemas/${name}`, import.meta.url);
  expect(readFileSync(path, 'utf8')).toBe(jsonSchema(schema));
});

it('every schema is written into the folder schemas', () => {
  const root = mkdtempSync(join(tmpdir(), 'schemas-'));
  try {
    const written = writeSchemas(root);
    expect(written).toContain(join(root, 'schemas', 'gateway.schema.json'));
    expect(readFileSync(join(root, 'schemas', 'gateway.schema.json'), 'utf8')).toBe(gatewayJsonSchema());
  } finally {
    rmSync(root, { recursive: true });
  }
});

describe('the editor schema of gateway.yaml', () => {
  it('asks for nothing that has a default', () => {
    expect(accepts(least)).toBe(true);
    expect(accepts('routes: []')).toBe(false);
  });

  it.each([
    `gateway: { port: "\${PORT:-8080}", workers: "\${W}" }`,
    `routing: { caseSensitive: "\${CASE}" }`,
    `log: { level: "\${LEVEL}" }`,
    `store: { driver: redis, url: "\${REDIS_URL}" }`,
    `gateway: { publicUrl: "https://\${HOST}" }`,
  ])('accepts a variable where a number, boolean, choice or pattern stands: %s', (line) => {
    expect(accepts(least + line)).toBe(true);
  });

  it.each([
    'gateway: { port: "8080" }',
    'routing: { caseSensitive: "yes" }',
    'log: { level: loud }',
    'gatway: {}',
    'store: { driver: redis }',
    'cache: { maxEntries: 0 }',
  ])('refuses what the program would refuse: %s', (line) => {
    expect(accepts(least + line)).toBe(false);
  });

  it('describes every setting, so that an editor can show what it means', () => {
    const silent: string[] = [];
    const walk = (schema: Record<string, unknown>, path: string): void => {
      for (const [key, child] of Object.entries((schema.properties ?? {}) as Record<string, Record<string, unknown>>)) {
        if (child.description === undefined) silent.push(`${path}.${key}`);
        walk(child, `${path}.${key}`);
      }
      for (const child of Object.values((schema.patternProperties ?? {}) as Record<string, Record<string, unknown>>))
        walk(child, `${path}.*`);
      if (schema.items !== undefined) walk(schema.items as Record<string, unknown>, `${path}[]`);
      for (const child of (schema.anyOf ?? []) as Record<string, unknown>[]) walk(child, path);
    };
    walk(editor as Record<string, unknown>, '');
    expect(silent).toEqual([]);
  });

  it('is plain draft-07, without what only typebox understands', () => {
    expect(editor).toMatchObject({ $schema: 'http://json-schema.org/draft-07/schema#', title: 'gateway.yaml' });
    expect(gatewayJsonSchema()).not.toContain('"~');
  });
});

it('a record with a key pattern takes no other key in an editor either', () => {
  const schema = Type.Record(Type.String({ pattern: '^[a-z]+$' }), Type.Integer());
  expect(JSON.parse(jsonSchema(schema))).toMatchObject({ additionalProperties: false });
});
