/**
 * Makes schemas as typebox makes them, with its types: the few kinds that ours are of. typebox itself brings three hundred
 * files for all the others, which every start would have to read. Judges nothing: that stays with typebox's own engine.
 */
import type { TProperties, TSchema, Type as Typebox } from 'typebox';

type Kind =
  | 'Any'
  | 'Array'
  | 'Boolean'
  | 'Enum'
  | 'Integer'
  | 'Literal'
  | 'Null'
  | 'Number'
  | 'Object'
  | 'Optional'
  | 'Record'
  | 'Refine'
  | 'String'
  | 'Union'
  | 'Unknown';
type Options = Readonly<Record<string, unknown>>;

const OPTIONAL = '~optional';
const REFINE = '~refine';

const ofType = (type: string) => (options?: Options) => ({ type, ...options });
const ofAnything = (options?: Options) => ({ ...options });

const make = {
  Any: ofAnything,
  Unknown: ofAnything,
  Boolean: ofType('boolean'),
  Integer: ofType('integer'),
  Null: ofType('null'),
  Number: ofType('number'),
  String: ofType('string'),
  Array: (items: TSchema, options?: Options) => ({ type: 'array', items, ...options }),
  Enum: (values: readonly unknown[], options?: Options) => ({ enum: values, ...options }),
  Literal: (value: unknown, options?: Options) => ({ type: typeof value, const: value, ...options }),
  Object: (properties: TProperties, options?: Options) => {
    const required = Object.keys(properties).filter((name) => !Object.hasOwn(properties[name]!, OPTIONAL));
    return { type: 'object', ...(required.length > 0 ? { required } : {}), properties, ...options };
  },
  Record: ({ pattern = '^.*$' }: { readonly pattern?: string }, value: TSchema, options?: Options) => ({
    type: 'object',
    patternProperties: { [pattern]: value },
    ...options,
  }),
  Union: (anyOf: readonly TSchema[], options?: Options) => ({ anyOf, ...options }),
  Optional: (schema: TSchema) => marked(schema, OPTIONAL, true),
  Refine: (schema: TSchema, check: unknown, error: unknown) => marked(schema, REFINE, [{ check, error }]),
};

/** The makers of schemas, each as typebox describes it. */
export const Type = make as unknown as Pick<typeof Typebox, Kind>;

/** A copy with a mark that typebox looks for and JSON leaves out. */
function marked(schema: TSchema, mark: string, value: unknown): object {
  const copy = Object.defineProperties({}, Object.getOwnPropertyDescriptors(schema));
  return Object.defineProperty(copy, mark, { value, configurable: true, writable: true });
}
