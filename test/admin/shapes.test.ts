/** The sidecar judges and writes by its schemas with small means of its own: as typebox would, and nothing else leaves. */
import fc from 'fast-check';
import type { TSchema } from 'typebox';
import { Check } from 'typebox/schema';
import { describe, expect, it } from 'vitest';
import { judgeOf, type Shape } from '../../src/admin/judge-shape.ts';
import * as answers from '../../src/admin/response-schemas.ts';
import * as calls from '../../src/admin/schemas.ts';
import { writerOf } from '../../src/admin/write-shape.ts';
import { Bug } from '../../src/errors.ts';
import { Type } from '../../src/schema-type.ts';
import { assertForSeeds, effort } from '../support/chance.ts';

const NUM_RUNS = 200 * effort;
/** Of lists of objects only few are right in everything. */
const runsFor = (shape: Shape) => (holdsObjects(shape) ? 20 * NUM_RUNS : NUM_RUNS);
const holdsObjects = ({ properties = {} }: Shape): boolean =>
  Object.values(properties).some(({ items }) => items?.properties !== undefined);
const of = (module: object): Array<[string, TSchema]> =>
  Object.entries(module).filter((entry): entry is [string, TSchema] => typeof entry[1] === 'object');

/** Mostly right values, and at each place of them any other. */
function someValueOf(shape: Shape): fc.Arbitrary<unknown> {
  return fc.oneof(
    { weight: 12, arbitrary: someRightValueOf(shape) },
    { weight: 1, arbitrary: fc.jsonValue({ maxDepth: 1 }) },
  );
}

function someRightValueOf(shape: Shape): fc.Arbitrary<unknown> {
  const { type, minLength = 0, maxLength = 20, minItems = 0, items = {}, properties = {}, required = [] } = shape;
  if (shape.anyOf !== undefined) return fc.oneof(...shape.anyOf.map(someValueOf));
  if (shape.const !== undefined) return fc.constant(shape.const);
  if (shape.enum !== undefined) return fc.constantFrom(...shape.enum);
  if (shape.pattern !== undefined) return fc.oneof(fc.stringMatching(new RegExp(shape.pattern, 'u')), fc.string());
  switch (type) {
    case 'string':
      // Characters of two units each, about as many as there may be.
      return fc.oneof(
        fc.string({ maxLength }),
        fc.integer({ min: Math.max(0, minLength - 1), max: minLength + 1 }).map((count) => '\u{1f511}'.repeat(count)),
        fc.integer({ min: maxLength - 1, max: maxLength + 1 }).map((count) => '\u{1f511}'.repeat(count)),
      );
    case 'array':
      return fc.array(someValueOf(items), { minLength: minItems, maxLength: minItems + 3 });
    case 'object': {
      const fields = Object.fromEntries(Object.entries(properties).map(([name, field]) => [name, someValueOf(field)]));
      const named = fc.record(fields, { requiredKeys: [...required] });
      const left = fc.subarray([...required]).map((names) => names.slice(1));
      return fc.oneof(
        { weight: 6, arbitrary: named },
        {
          weight: 1,
          arbitrary: fc.tuple(named, fc.jsonValue({ maxDepth: 0 })).map(([all, more]) => ({ ...all, more })),
        },
        { weight: 1, arbitrary: fc.tuple(named, left).map(([all, names]) => without(all, names)) },
      );
    }
    case 'integer':
      return fc.oneof(fc.integer({ min: -1, max: 3 }), fc.double({ noNaN: true, noDefaultInfinity: true }));
    case 'number':
      return fc.double({ noNaN: true, noDefaultInfinity: true });
    case 'boolean':
      return fc.boolean();
    case 'null':
      return fc.constant(null);
    default:
      return fc.jsonValue();
  }
}

function without(object: object, names: readonly string[]): object {
  return Object.fromEntries(Object.entries(object).filter(([name]) => !names.includes(name)));
}

describe('of a call', () => {
  it.each(of(calls))('%s: what typebox takes is taken, and nothing else', async (_name, schema) => {
    const judge = judgeOf(schema);
    const seen = { taken: 0, refused: 0 };
    await assertForSeeds(
      fc.property(someValueOf(schema as Shape), (value) => {
        const mistakes = judge(value);
        seen[mistakes === null ? 'taken' : 'refused']++;
        expect(mistakes === null, JSON.stringify(mistakes)).toBe(Check(schema, value));
      }),
      { numRuns: runsFor(schema as Shape) },
    );
    expect(Math.min(seen.taken, seen.refused)).toBeGreaterThan(0);
  });

  it('a list may not hold a text twice', () => {
    expect(judgeOf(calls.AccountBody)({ name: 'n', scopes: ['a', 'b', 'a'] })).toMatchObject([
      { keyword: 'uniqueItems', path: ['scopes'] },
    ]);
  });

  it('a schema with a keyword that nobody would judge is refused at the start', () => {
    expect(() => judgeOf(Type.Object({ at: Type.String({ format: 'date-time' }) }))).toThrow(Bug);
    expect(() => judgeOf(Type.Integer({ maximum: 3 }))).toThrow(Bug);
  });
});

describe('of an answer', () => {
  it.each(of(answers))(
    '%s: what is written has its shape, and no field that it does not name',
    async (_name, schema) => {
      const write = writerOf(schema);
      const strict = strictly(schema as Shape) as TSchema;
      let written = 0;
      await assertForSeeds(
        fc.property(someValueOf(schema as Shape), (value) => {
          if (!Check(schema, value)) {
            expect(() => write(value)).toThrow(Bug);
            return;
          }
          written++;
          const read: unknown = JSON.parse(write(value));
          expect(Check(strict, read)).toBe(true);
          // Whatever was in order from the beginning is written as it is.
          if (Check(strict, value)) expect(read).toEqual(JSON.parse(JSON.stringify(value)));
        }),
        { numRuns: runsFor(schema as Shape) },
      );
      expect(written).toBeGreaterThan(0);
    },
  );

  it('a record that came along goes nowhere', () => {
    const token = { ...TOKEN, hash: 'secret', contacts: { primary: null, emails: [], secret: 'secret' } };
    expect(writerOf(answers.TokenListAnswer)({ items: [token], nextCursor: null })).not.toContain('secret');
    expect(() => writerOf(answers.RevisionAnswer)({ revision: { secret: 1 } })).toThrow(/integer was due$/);
  });
});

const TOKEN = {
  ...{
    id: 't',
    kind: 'k',
    name: 'n',
    description: null,
    ownerId: null,
    createdBy: null,
    scopes: [],
    workspaces: 'all',
    environments: null,
  },
  ...{ state: 'active', stateReason: null, createdAt: '', expiresAt: null, lastUsedAt: null, allowedAddresses: null },
  ...{ hint: null, apiVersion: null, apiVersionWithdrawn: false, environments: null },
  ...{ scopesUsed: [], scopesUsedSince: null, findings: [] },
};

/** The same schema, without room for more. */
function strictly(shape: Shape): Shape {
  const { items, anyOf, properties } = shape;
  return {
    ...shape,
    ...(items === undefined ? {} : { items: strictly(items) }),
    ...(anyOf === undefined ? {} : { anyOf: anyOf.map(strictly) }),
    ...(properties === undefined || shape.additionalProperties === true
      ? {}
      : {
          properties: Object.fromEntries(Object.entries(properties).map(([name, field]) => [name, strictly(field)])),
          additionalProperties: false,
        }),
  };
}
