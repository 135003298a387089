/** What judging a file by a schema promises, with schemas made for the purpose. */
import { type TSchema, Type } from 'typebox';
import { describe, expect, it } from 'vitest';
import { validate } from '../../src/config/schema/validate.ts';
import { parseYaml } from '../../src/config/yaml/yaml-file.ts';

const strict = { additionalProperties: false };

function judge<T extends TSchema>(schema: T, text: string) {
  const file = parseYaml(text, 'f.yaml', {});
  const value = validate(file, schema);
  return { file, value, problems: file.problems.map((p) => `${p.line}:${p.column}: ${p.message}`) };
}

/** The problems of a value `v` judged by `schema`. */
const problemsOf = (schema: TSchema, value: string) =>
  judge(Type.Object({ v: schema }, strict), `v: ${value}`).problems;

describe('keys', () => {
  const schema = Type.Object(
    { scopes: Type.Array(Type.String()), upstream: Type.String(), id: Type.Optional(Type.String()) },
    strict,
  );

  it('a misspelt key is an error that names the nearest right one, and nothing else', () => {
    expect(judge(schema, 'scope: [a]\nupstream: b\n').problems).toEqual([
      '1:1: unknown key "scope" (did you mean "scopes"?)',
    ]);
    expect(judge(schema, 'scopes: [a]\nUpsteram: b\n').problems).toEqual([
      '2:1: unknown key "Upsteram" (did you mean "upstream"?)',
    ]);
  });

  it('a key like no other is an error that lists what is allowed', () => {
    expect(judge(schema, 'scopes: []\nupstream: b\nverbose: 1\n').problems).toEqual([
      '3:1: unknown key "verbose" (allowed: scopes, upstream, id)',
    ]);
  });

  it('a missing key is reported at its parent', () => {
    const list = Type.Object({ routes: Type.Array(schema) }, strict);
    expect(judge(list, 'routes:\n  - scopes: []\n').problems).toEqual(['2:5: missing key "upstream"']);
    expect(judge(list, 'routes: [{ scopes: [] }]\n').problems).toEqual(['1:10: missing key "upstream"']);
  });

  it('a record with a pattern takes no key that does not match it', () => {
    const record = Type.Object({ r: Type.Record(Type.String({ pattern: '^[a-z]+$' }), Type.Integer()) }, strict);
    expect(judge(record, 'r: { ok: 1, Bad: 2 }').problems).toEqual(['1:13: key "Bad" must match ^[a-z]+$']);
  });

  it('keys that exclude or need each other are reported at the key', () => {
    const pair = Type.Object(
      { a: Type.Optional(Type.String()), b: Type.Optional(Type.String()), c: Type.Optional(Type.String()) },
      { ...strict, not: { required: ['a', 'b'] }, dependencies: { c: ['a'] } },
    );
    expect(judge(pair, 'a: x\nb: y\n').problems).toEqual(['2:1: "a" and "b" may not stand here together']);
    expect(judge(pair, 'b: x\nc: y\n').problems).toEqual(['2:1: "c" needs "a"']);
  });
});

describe('a value of the wrong kind is told what is expected and what was found', () => {
  const choice = Type.Enum(['a', 'b', 'c']);
  it.each<[string, TSchema, string, string]>([
    ['integer', Type.Integer(), 'abc', 'expected integer, found "abc"'],
    ['fraction', Type.Integer(), '1.5', 'expected integer, found 1.5'],
    ['not a number', Type.Number(), '.nan', 'expected number, found NaN'],
    ['number as text', Type.String(), '12', 'expected string, found 12 (quote it)'],
    ['nothing', Type.String(), '', 'expected string, found nothing'],
    ['YAML 1.1 boolean', Type.Boolean(), 'yes', 'expected boolean, found "yes" (write true or false)'],
    ['scalar for list', Type.Array(Type.String()), 'x', 'expected list, found "x"'],
    ['mapping for list', Type.Array(Type.String()), '{ a: 1 }', 'expected list, found a mapping'],
    ['list for mapping', Type.Object({}, strict), '[]', 'expected mapping, found a list'],
    ['list for scalar', Type.String(), '[a]', 'expected string, found a list'],
    ['minimum', Type.Integer({ minimum: 1 }), '0', 'must be at least 1'],
    ['maximum', Type.Integer({ maximum: 9 }), '10', 'must be at most 9'],
    ['exclusive minimum', Type.Number({ exclusiveMinimum: 0 }), '0', 'must be more than 0'],
    ['exclusive maximum', Type.Number({ exclusiveMaximum: 1 }), '1', 'must be less than 1'],
    ['multiple', Type.Integer({ multipleOf: 5 }), '7', 'must be a multiple of 5'],
    ['empty text', Type.String({ minLength: 1, pattern: '^x' }), '""', 'must not be empty'],
    ['short text', Type.String({ minLength: 3 }), 'ab', 'must have at least 3 characters'],
    ['long text', Type.String({ maxLength: 3 }), 'abcd', 'must have at most 3 characters'],
    ['empty list', Type.Array(Type.String(), { minItems: 1 }), '[]', 'must not be empty'],
    ['short list', Type.Array(Type.String(), { minItems: 2 }), '[a]', 'must have at least 2 items'],
    ['long list', Type.Array(Type.String(), { maxItems: 1 }), '[a, b]', 'must have at most 1 items'],
    ['empty record', Type.Record(Type.String(), Type.String(), { minProperties: 1 }), '{}', 'must not be empty'],
    ['enum', choice, 'x', 'must be one of: a, b, c, found "x"'],
    ['list for enum', choice, '[a]', 'must be one of: a, b, c, found a list'],
    ['union of literals', Type.Union([Type.Literal('a'), Type.Literal('b')]), 'x', 'must be one of: a, b, found "x"'],
    ['literal', Type.Literal('a'), 'b', 'must be "a", found "b"'],
    ['bare pattern', Type.String({ pattern: '^a$' }), 'b', 'must match ^a$'],
    [
      'described pattern',
      Type.String({ pattern: '^a$', description: 'The letter a.' }),
      'b',
      'does not fit: The letter a.',
    ],
    ['pattern with message', Type.String({ pattern: '^a$', errorMessage: 'must be an a' }), 'b', 'must be an a'],
    [
      'refinement',
      Type.Refine(
        Type.String(),
        (s) => s === 'a',
        () => 'must be an a',
      ),
      'b',
      'must be an a',
    ],
  ])('%s', (_name, schema, value, expected) => {
    expect(problemsOf(schema, value)).toEqual([`1:4: ${expected}`]);
  });

  it('a repeated item is reported where it is repeated', () => {
    expect(problemsOf(Type.Array(Type.String(), { uniqueItems: true }), '[a, b, a]')).toEqual([
      '1:11: "a" is listed twice',
    ]);
  });
});

describe('unions make no noise', () => {
  const store = Type.Union([
    Type.Object({ driver: Type.Literal('sqlite'), path: Type.String({ default: 'x.db' }) }, strict),
    Type.Object({ driver: Type.Literal('redis'), url: Type.String() }, strict),
  ]);

  it.each([
    [
      '{ driver: redis, path: x, url: 1 }',
      ['1:21: unknown key "path" (allowed: driver, url)', '1:35: expected string, found 1 (quote it)'],
    ],
    ['{ driver: redis }', ['1:4: missing key "url"']],
    ['{ driver: mysql, host: x }', ['1:14: must be one of: sqlite, redis, found "mysql"']],
    ['{ path: x }', ['1:4: missing key "driver"']],
    ['{ drivr: redis, url: x }', ['1:6: unknown key "drivr" (did you mean "driver"?)']],
    ['sqlite', ['1:4: expected mapping, found "sqlite"']],
    ['[sqlite]', ['1:4: expected mapping, found a list']],
  ])('the branch that a literal key names is the only one reported: %s', (value, expected) => {
    expect(problemsOf(store, value)).toEqual(expected);
  });

  it('without a literal key the closest branch is reported', () => {
    const either = Type.Union([
      Type.Object({ a: Type.String(), b: Type.String(), c: Type.String() }, strict),
      Type.Object({ x: Type.String(), y: Type.String() }, strict),
    ]);
    expect(problemsOf(either, '{ x: 1, y: z }')).toEqual(['1:9: expected string, found 1 (quote it)']);
  });

  it('of scalar branches, the one of the right type is reported, or all are named', () => {
    const workers = Type.Union([Type.Integer({ minimum: 1 }), Type.Literal('auto')]);
    expect(problemsOf(workers, '0')).toEqual(['1:4: must be at least 1']);
    expect(problemsOf(workers, 'many')).toEqual(['1:4: expected integer or "auto", found "many"']);
    const scopes = Type.Union([Type.Literal('all'), Type.Array(Type.String())]);
    expect(problemsOf(scopes, '[1]')).toEqual(['1:5: expected string, found 1 (quote it)']);
    expect(problemsOf(scopes, 'none')).toEqual(['1:4: expected "all" or list, found "none"']);
  });

  it("a branch's defaults are filled in", () => {
    expect(judge(Type.Object({ s: store }, strict), 's: { driver: sqlite }').value).toEqual({
      s: { driver: 'sqlite', path: 'x.db' },
    });
  });
});

describe('defaults', () => {
  const schema = Type.Object(
    {
      log: Type.Object(
        { level: Type.String({ default: 'info' }), tags: Type.Array(Type.String(), { default: [] }) },
        { ...strict, default: {} },
      ),
      name: Type.Optional(Type.String()),
    },
    strict,
  );

  it('fill what the file leaves out, at every depth, and nothing else', () => {
    expect(judge(schema, 'log: { level: warn }').value).toEqual({ log: { level: 'warn', tags: [] } });
    expect(judge(schema, '{}').value).toEqual({ log: { level: 'info', tags: [] } });
  });

  it("leave the file's data and the schema as they are", () => {
    const { file, value } = judge(schema, '{}');
    value?.log.tags.push('changed');
    expect(file.data).toEqual({});
    expect(judge(schema, '{}').value?.log.tags).toEqual([]);
  });

  it('do not stand in for an empty value', () => {
    expect(judge(schema, 'log:\n').problems).toEqual(['1:5: expected mapping, found nothing']);
  });
});

it('keywords this walk does not know are still enforced', () => {
  const schema = Type.Intersect([Type.Object({ a: Type.String() }), Type.Object({ b: Type.String() })]);
  expect(judge(schema, 'a: x\n').value).toBeUndefined();
  expect(judge(schema, 'a: x\nb: 1\n').problems).toHaveLength(1);
  const odd = Type.Object({ a: Type.String() }, { ...strict, maxProperties: 0 });
  expect(judge(odd, 'a: x\n').problems).toHaveLength(1);
});

it('a file with problems of its own gives no value, however well it fits', () => {
  const { value, problems } = judge(Type.Object({ a: Type.Integer() }, strict), 'a: 1\na: 2\n');
  expect(value).toBeUndefined();
  expect(problems).toEqual(['2:1: duplicate key "a"']);
});

it('open mappings are copied, so that a value cannot change the file', () => {
  const { file, value } = judge(
    Type.Object({ body: Type.Record(Type.String(), Type.Unknown()) }, strict),
    'body: { a: { b: [1] } }',
  );
  (value as { body: { a: { b: number[] } } }).body.a.b.push(2);
  expect(file.data).toEqual({ body: { a: { b: [1] } } });
});
