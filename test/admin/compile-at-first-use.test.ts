/** What is compiled when it is first asked for must compile: nobody would see a fault of it at the start. */
import { expect, it } from 'vitest';
import { compilersAtFirstUse } from '../../src/admin/compile-at-first-use.ts';
import { answerSchema, querySchema } from '../../src/admin/receipts.ts';
import { allRoutes } from '../../src/admin/server.ts';

const nobody = () => {
  throw new Error('nobody calls it');
};
const routes = allRoutes(() => [], { readiness: nobody, status: nobody, reload: nobody, metrics: nobody });
const validator = compilersAtFirstUse.buildValidator!({}, { customOptions: { coerceTypes: false } });
const serializer = compilersAtFirstUse.buildSerializer!({}, {});
/** As the framework hands a schema over. */
const judged = (schema: unknown) =>
  validator({ schema } as never) as unknown as ((data: unknown) => boolean) & {
    errors: unknown;
  };

it.each(routes)('$id judges its path, query and body, and writes its answer', (route) => {
  const params = Object.fromEntries(Object.keys(route.params.properties).map((name) => [name, 'members']));
  expect(judged(route.params)(params)).toBe(true);
  expect(judged(querySchema(route))({})).toBe(true);
  if (route.body !== null && route.example.body !== undefined)
    expect(judged(route.body)(route.example.body)).toBe(true);
  const written = serializer({ schema: answerSchema(route) } as never)(route.example.answer);
  expect(JSON.parse(written)).toEqual(route.example.answer);
});

it('a refusal says why, each time anew, and a later success says nothing', () => {
  const name = judged(routes.find(({ id }) => id === 'putMember')!.body);
  expect(name({ name: 'Ann', role: 1 })).toBe(false);
  expect(name.errors).toEqual([expect.objectContaining({ instancePath: '/role', keyword: 'type' })]);
  expect(name({ name: 'Ann' })).toBe(false);
  expect(name.errors).toEqual([expect.objectContaining({ keyword: 'required' })]);
  expect(name({ name: 'Ann', role: 'admin' })).toBe(true);
  expect(name.errors).toBeNull();
});
