/**
 * Judges values by the schemas of the routes, without generated code: what a schema says is put together once from small
 * functions, which takes no time that a start or a first call would feel. Knows the few keywords that our schemas use, and
 * takes no schema with another. Words nothing: that is validation-error's.
 */
import type { TSchema } from 'typebox';
import { Bug } from '../errors.ts';

/** What a judge reads of a schema. */
export interface Shape {
  readonly type?: 'array' | 'boolean' | 'integer' | 'null' | 'number' | 'object' | 'string';
  readonly const?: unknown;
  readonly enum?: readonly unknown[];
  readonly anyOf?: readonly Shape[];
  readonly description?: string;
  readonly minimum?: number;
  readonly minLength?: number;
  readonly maxLength?: number;
  readonly pattern?: string;
  readonly items?: Shape;
  readonly minItems?: number;
  readonly maxItems?: number;
  readonly uniqueItems?: boolean;
  readonly properties?: Readonly<Record<string, Shape>>;
  readonly required?: readonly string[];
  /** A schema: of every field that has no name here. */
  readonly additionalProperties?: boolean | Shape;
}

type Keyword = keyof Shape;

/** What is wrong at one place. */
export interface Mistake {
  readonly keyword: Keyword;
  /** The place, from the value that was judged. */
  readonly path: readonly string[];
  /** Which schema refused it. */
  readonly shape: Shape;
  /** That is missing, or that nobody knows. */
  readonly field?: string;
}

/** null: the value has this shape. Of several mistakes the first; of a union those of all its branches, in their order. */
export type Judge = (value: unknown) => readonly Mistake[] | null;

const ANYWHERE: readonly string[] = ['type', 'title', 'description', 'const', 'enum', 'anyOf'];
/** Anywhere else such a keyword would judge nothing. */
const ONLY_IN: Readonly<Record<string, readonly string[]>> = {
  integer: ['minimum'],
  number: ['minimum'],
  string: ['minLength', 'maxLength', 'pattern'],
  array: ['items', 'minItems', 'maxItems', 'uniqueItems'],
  object: ['properties', 'required', 'additionalProperties'],
};

const IS_OF: Readonly<Record<NonNullable<Shape['type']>, (value: unknown) => boolean>> = {
  array: Array.isArray,
  boolean: (value) => typeof value === 'boolean',
  integer: Number.isInteger,
  null: (value) => value === null,
  number: Number.isFinite,
  object: (value) => typeof value === 'object' && value !== null && !Array.isArray(value),
  string: (value) => typeof value === 'string',
};

const known = new WeakMap<object, Judge>();

/** Of a schema that stands in several places there is one. Throws Bug for a keyword that it does not know. */
export function judgeOf(schema: TSchema | Shape): Judge {
  const judge = known.get(schema) ?? newJudge(schema as Shape);
  known.set(schema, judge);
  return judge;
}

function newJudge(shape: Shape): Judge {
  const { type } = shape;
  const allowed = [...ANYWHERE, ...(ONLY_IN[type ?? ''] ?? [])];
  const other = Object.keys(shape).find((keyword) => !allowed.includes(keyword));
  if (other !== undefined) throw new Bug(`a schema of the sidecar says ${other}, which nobody here would judge`);
  const steps = [
    // What equals a constant is of its type.
    ...(type === undefined || 'const' in shape ? [] : [step(shape, 'type', IS_OF[type])]),
    ...('const' in shape ? [step(shape, 'const', (value) => value === shape.const)] : []),
    ...(shape.enum === undefined ? [] : [step(shape, 'enum', (value) => shape.enum!.includes(value))]),
    ...(shape.anyOf === undefined ? [] : [unionStep(shape.anyOf)]),
    ...(type === 'integer' || type === 'number' ? numberSteps(shape) : []),
    ...(type === 'string' ? stringSteps(shape) : []),
    ...(type === 'array' ? arraySteps(shape) : []),
    ...(type === 'object' ? objectSteps(shape) : []),
  ];
  const [only] = steps;
  if (only !== undefined && steps.length === 1) return only;
  return (value) => {
    for (const judge of steps) {
      const mistakes = judge(value);
      if (mistakes !== null) return mistakes;
    }
    return null;
  };
}

function step<Value>(shape: Shape, keyword: Keyword, isRight: (value: Value) => boolean): Judge {
  const wrong: readonly Mistake[] = [{ keyword, path: [], shape }];
  return (value) => (isRight(value as Value) ? null : wrong);
}

function unionStep(branches: readonly Shape[]): Judge {
  const judges = branches.map(judgeOf);
  return (value) => {
    const mistakes: Mistake[] = [];
    for (const judge of judges) {
      const inBranch = judge(value);
      if (inBranch === null) return null;
      mistakes.push(...inBranch);
    }
    return mistakes;
  };
}

function numberSteps(shape: Shape): Judge[] {
  const { minimum } = shape;
  return minimum === undefined ? [] : [step<number>(shape, 'minimum', (value) => value >= minimum)];
}

function stringSteps(shape: Shape): Judge[] {
  const { minLength, maxLength, pattern } = shape;
  const regexp = pattern === undefined ? null : new RegExp(pattern, 'u');
  return [
    ...(maxLength === undefined ? [] : [step<string>(shape, 'maxLength', (value) => !isLonger(value, maxLength))]),
    ...(minLength === undefined ? [] : [step<string>(shape, 'minLength', (value) => isLonger(value, minLength - 1))]),
    ...(regexp === null ? [] : [step<string>(shape, 'pattern', (value) => regexp.test(value))]),
  ];
}

/** In characters, of which one may be two units of a text's own length. */
function isLonger(text: string, max: number): boolean {
  if (text.length <= max) return false;
  let characters = 0;
  for (const _ of text) if (++characters > max) return true;
  return false;
}

function arraySteps(shape: Shape): Judge[] {
  const { items, minItems, maxItems, uniqueItems } = shape;
  return [
    ...(maxItems === undefined ? [] : [step<unknown[]>(shape, 'maxItems', ({ length }) => length <= maxItems)]),
    ...(minItems === undefined ? [] : [step<unknown[]>(shape, 'minItems', ({ length }) => length >= minItems)]),
    // Of texts and numbers, which are the same when they are equal.
    ...(uniqueItems ? [step<unknown[]>(shape, 'uniqueItems', (value) => new Set(value).size === value.length)] : []),
    ...(items === undefined ? [] : [itemsStep(judgeOf(items))]),
  ];
}

function itemsStep(judge: Judge): Judge {
  return (value) => {
    const items = value as readonly unknown[];
    for (let index = 0; index < items.length; index++) {
      const mistakes = judge(items[index]);
      if (mistakes !== null) return under(String(index), mistakes);
    }
    return null;
  };
}

function objectSteps(shape: Shape): Judge[] {
  const { properties = {}, required = [], additionalProperties = true } = shape;
  const judges = Object.entries(properties).map(([name, property]) => [name, judgeOf(property)] as const);
  const fields: Judge = (value) => {
    const object = value as Readonly<Record<string, unknown>>;
    for (const [name, judge] of judges) {
      if (!Object.hasOwn(object, name) || object[name] === undefined) continue;
      const mistakes = judge(object[name]);
      if (mistakes !== null) return under(name, mistakes);
    }
    return null;
  };
  const lacks = (object: object, name: string) => !Object.hasOwn(object, name);
  const others = typeof additionalProperties === 'boolean' ? null : itemsStep(judgeOf(additionalProperties));
  return [
    ...(required.length === 0
      ? []
      : [fieldStep(shape, 'required', (value) => required.find((name) => lacks(value, name)))]),
    ...(additionalProperties
      ? []
      : [
          fieldStep(shape, 'additionalProperties', (value) =>
            Object.keys(value).find((name) => lacks(properties, name)),
          ),
        ]),
    fields,
    ...(others === null
      ? []
      : [
          (value: unknown) =>
            others(Object.entries(value as object).flatMap(([name, each]) => (name in properties ? [] : [each]))),
        ]),
  ];
}

function fieldStep(shape: Shape, keyword: Keyword, wrong: (value: object) => string | undefined): Judge {
  return (value) => {
    const field = wrong(value as object);
    return field === undefined ? null : [{ keyword, path: [], shape, field }];
  };
}

function under(name: string, mistakes: readonly Mistake[]): readonly Mistake[] {
  return mistakes.map((mistake) => ({ ...mistake, path: [name, ...mistake.path] }));
}
