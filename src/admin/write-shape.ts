/**
 * Writes the answers of the routes by their schemas, as JSON: what a schema does not name never leaves. A value that has
 * not its shape is a fault of ours, and is not written either.
 */
import type { TSchema } from 'typebox';
import { Bug } from '../errors.ts';
import { judgeOf, type Shape } from './judge-shape.ts';

/** The same value, as far as it is named. */
type Cut = (value: unknown) => unknown;

const known = new WeakMap<object, Cut>();

/** Throws Bug for a value that has not this shape. */
export function writerOf(schema: TSchema): (value: unknown) => string {
  const cut = cutOf(schema as Shape);
  return (value) => JSON.stringify(cut(value));
}

function cutOf(shape: Shape): Cut {
  const cut = known.get(shape) ?? newCut(shape);
  known.set(shape, cut);
  return cut;
}

function newCut(shape: Shape): Cut {
  if (shape.anyOf !== undefined) return union(shape.anyOf);
  if (shape.type === 'object') return fields(shape);
  if (shape.type === 'array' && shape.items !== undefined) return items(shape.items);
  const judge = judgeOf(shape);
  return (value) => (judge(value) === null ? value : misshapen(shape.type ?? 'a value'));
}

function union(branches: readonly Shape[]): Cut {
  const judged = branches.map((branch) => [judgeOf(branch), cutOf(branch)] as const);
  return (value) => {
    for (const [judge, cut] of judged) if (judge(value) === null) return cut(value);
    return misshapen('a union');
  };
}

function items(item: Shape): Cut {
  const cut = cutOf(item);
  return (value) => (Array.isArray(value) ? value.map(cut) : misshapen('array'));
}

function fields({ properties = {}, required = [], additionalProperties }: Shape): Cut {
  const cuts = Object.entries(properties).map(
    ([name, field]) => [name, cutOf(field), required.includes(name)] as const,
  );
  const others = typeof additionalProperties === 'object' ? cutOf(additionalProperties) : null;
  return (value) => {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) return misshapen('object');
    const object = value as Readonly<Record<string, unknown>>;
    const written: Record<string, unknown> = additionalProperties === true ? { ...object } : {};
    if (others !== null) for (const [name, other] of Object.entries(object)) written[name] = others(other);
    for (const [name, cut, isRequired] of cuts) {
      const field = object[name];
      if (field !== undefined) written[name] = cut(field);
      else if (isRequired) misshapen(`field ${name}`);
    }
    return written;
  };
}

/** Says what was due, never what was there. */
function misshapen(what: string): never {
  throw new Bug(`an answer of the sidecar is not what its schema says: ${what} was due`);
}
