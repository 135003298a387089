/** The walk that words the problems and typebox, which has the last word, must not disagree. */
import fc from 'fast-check';
import { Type } from 'typebox';
import { Check } from 'typebox/value';
import { expect, it } from 'vitest';
import { validate } from '../../src/config/schema/validate.ts';
import { parseYaml } from '../../src/config/yaml/yaml-file.ts';
import { assertForSeeds } from '../support/chance.ts';

const strict = { additionalProperties: false };

it('a file is refused exactly when typebox refuses its data', async () => {
  const schema = Type.Object(
    {
      a: Type.Union([
        Type.Integer({ minimum: 1 }),
        Type.Literal('auto'),
        Type.Array(Type.String(), { uniqueItems: true }),
      ]),
      b: Type.Optional(
        Type.Union([
          Type.Object({ k: Type.Literal('x'), v: Type.Optional(Type.String({ pattern: '^x' })) }, strict),
          Type.Object({ k: Type.Enum(['y', 'auto']), w: Type.Boolean() }, strict),
        ]),
      ),
      c: Type.Optional(Type.Record(Type.String(), Type.Number({ maximum: 5 }), { minProperties: 1 })),
    },
    { ...strict, dependencies: { c: ['b'] }, not: { required: ['b', 'd'] } },
  );
  const { tree } = fc.letrec((tie) => ({
    tree: fc.oneof({ maxDepth: 3, withCrossShrink: true }, tie('leaf'), tie('map'), tie('map'), tie('list')),
    leaf: fc.constantFrom<unknown>(null, true, false, 0, 1, 2.5, 9, 'x', 'y', 'xyz', 'auto', ''),
    list: fc.array(tie('leaf'), { maxLength: 3 }),
    map: fc.dictionary(fc.constantFrom('a', 'b', 'c', 'd', 'k', 'v', 'w'), tie('tree'), { maxKeys: 3 }),
  }));
  await assertForSeeds(
    fc.property(tree, (data) => {
      const file = parseYaml(JSON.stringify(data), 'f.yaml', {});
      const value = validate(file, schema);
      expect(value !== undefined).toBe(Check(schema, data));
      expect(file.problems.length > 0).toBe(value === undefined);
    }),
    { numRuns: 2000 },
  );
});
