/** Our makers of schemas are typebox's, of which we load none: nobody can tell the schemas apart, the engine least. */
import { Type as Typebox } from 'typebox';
import { describe, expect, it } from 'vitest';
import { Type } from '../../src/schema-type.ts';

type Makers = typeof Type;

/** `Type` is asked for each name, so that a kind that we add is one that is compared. */
const made: Readonly<Record<keyof Makers, (make: Makers) => object>> = {
  Any: (make) => make.Any({ description: 'd' }),
  Array: (make) => make.Array(make.String(), { minItems: 1, uniqueItems: true }),
  Boolean: (make) => make.Boolean({ default: false }),
  Enum: (make) => make.Enum(['a', 'b'], { description: 'd' }),
  Integer: (make) => make.Integer({ minimum: 0, default: 1 }),
  Literal: (make) => make.Union([make.Literal('a', { description: 'd' }), make.Literal(1), make.Literal(true)]),
  Null: (make) => make.Null(),
  Number: (make) => make.Number({ exclusiveMinimum: 0 }),
  Object: (make) =>
    make.Object({ a: make.String(), b: make.Optional(make.Null()) }, { additionalProperties: false, title: 't' }),
  Optional: (make) => make.Object({ a: make.Optional(make.Optional(make.String({ pattern: 'x' }))) }),
  Record: (make) =>
    make.Object({
      any: make.Record(make.String(), make.Unknown()),
      some: make.Record(make.String({ pattern: '^a$' }), make.Integer(), { minProperties: 1, description: 'd' }),
    }),
  Refine: (make) => make.Array(make.Optional(make.Refine(make.String({ minLength: 1 }), isLong, why))),
  String: (make) => make.String({ minLength: 1, errorMessage: 'm' }),
  Union: (make) => make.Union([make.String(), make.Null()], { title: 't' }),
  Unknown: (make) => make.Unknown(),
};

function isLong(text: string): boolean {
  return text.length > 1;
}

function why(): string {
  return 'must be long';
}

/** With the marks that JSON leaves out, and the order of everything; without the name that typebox gives each kind. */
function whole(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(whole);
  if (typeof value !== 'object' || value === null) return value;
  const all = Object.entries(Object.getOwnPropertyDescriptors(value));
  return all
    .filter(([key]) => key !== '~kind')
    .map(([key, { value: inner, enumerable }]) => [key, enumerable, whole(inner)]);
}

describe('as typebox makes it, in the same order, with the same marks', () => {
  it.each(Object.entries(made))('%s', (_name, make) => {
    expect(whole(make(Type))).toEqual(whole(make(Typebox as unknown as Makers)));
  });

  it('there is no other', () => {
    expect(Object.keys(made).sort()).toEqual(Object.keys(Type).sort());
  });
});
