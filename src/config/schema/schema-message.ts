/**
 * Says in one sentence what a schema wants and what it found instead. Only words: whether a value fits is typebox's to
 * judge, and where it stands is the file's to know.
 */
import type { TSchema } from 'typebox';
import { Errors } from 'typebox/schema';

/** The part of JSON Schema that configuration schemas are made of; all else goes by typebox's own messages. */
export interface SchemaView {
  readonly type?: string;
  readonly const?: unknown;
  readonly enum?: readonly unknown[];
  readonly anyOf?: readonly SchemaView[];
  readonly properties?: Readonly<Record<string, SchemaView>>;
  readonly required?: readonly string[];
  readonly patternProperties?: Readonly<Record<string, SchemaView>>;
  readonly additionalProperties?: boolean | SchemaView;
  readonly propertyNames?: SchemaView;
  readonly minProperties?: number;
  readonly dependencies?: Readonly<Record<string, readonly string[]>>;
  readonly not?: SchemaView;
  readonly if?: SchemaView;
  readonly then?: SchemaView;
  readonly else?: SchemaView;
  readonly items?: SchemaView;
  readonly minItems?: number;
  readonly maxItems?: number;
  readonly uniqueItems?: boolean;
  readonly pattern?: string;
  readonly default?: unknown;
  readonly description?: string;
  /** What to say instead of a keyword's own message, as editors' JSON Schema services also read it. */
  readonly errorMessage?: string;
}

type Params = Readonly<Record<string, unknown>>;

const KEYWORDS: Readonly<Record<string, (params: Params, schema: SchemaView) => string>> = {
  minLength: ({ limit }) => (limit === 1 ? 'must not be empty' : `must have at least ${limit} characters`),
  maxLength: ({ limit }) => `must have at most ${limit} characters`,
  minimum: ({ limit }) => `must be at least ${limit}`,
  maximum: ({ limit }) => `must be at most ${limit}`,
  exclusiveMinimum: ({ limit }) => `must be more than ${limit}`,
  exclusiveMaximum: ({ limit }) => `must be less than ${limit}`,
  multipleOf: ({ multipleOf }) => `must be a multiple of ${multipleOf}`,
  pattern: ({ pattern }, { description }) =>
    description === undefined ? `must match ${pattern}` : `does not fit: ${description}`,
  format: ({ format }) => `must be a valid ${format}`,
  '~refine': ({ message }) => String(message),
};

/** What stands there, for a reader: quoted and cut short if it is long. */
export function shown(value: unknown): string {
  if (value === null) return 'nothing';
  if (Array.isArray(value)) return 'a list';
  if (typeof value === 'object') return 'a mapping';
  if (typeof value !== 'string') return String(value);
  return JSON.stringify(value.length > 60 ? `${value.slice(0, 60)}…` : value);
}

/** The literal values a schema allows, if it is nothing but literals. */
export function choicesOf(schema: SchemaView): readonly unknown[] | undefined {
  if (schema.const !== undefined) return [schema.const];
  if (schema.enum !== undefined) return schema.enum;
  const choices = schema.anyOf?.map(choicesOf);
  return choices?.every((each) => each !== undefined) ? choices.flat() : undefined;
}

/** Whether the value is at least of the schema's type; a schema without type takes any. */
export function ofType(schema: SchemaView, value: unknown): boolean {
  if (schema.anyOf !== undefined) return schema.anyOf.some((branch) => ofType(branch, value));
  if (schema.enum !== undefined) return schema.enum.some((choice) => typeof choice === typeof value);
  if (schema.type === undefined) return true;
  if (schema.type === 'integer' || schema.type === 'number') return typeof value === 'number';
  if (schema.type === 'array') return Array.isArray(value);
  if (schema.type === 'null') return value === null;
  if (schema.type === 'object') return typeof value === 'object' && value !== null && !Array.isArray(value);
  return schema.type === typeof value;
}

/**
 * Why `value` does not fit `schema`, which it must not; for scalars, and for collections where a scalar belongs.
 * `found` is how to show the value: `shown(value)`, or where it came from if it may be a secret.
 */
export function mismatch(schema: SchemaView, value: unknown, found: string): string {
  const choices = choicesOf(schema);
  if (choices !== undefined) {
    if (choices.length === 1) return `must be ${shown(choices[0])}, found ${found}`;
    return `must be one of: ${choices.join(', ')}, found ${found}`;
  }
  if (schema.anyOf !== undefined) {
    const likely = schema.anyOf.filter((branch) => ofType(branch, value) && choicesOf(branch) === undefined);
    if (likely.length === 1) return mismatch(likely[0]!, value, found);
    return `expected ${expectation(schema)}, found ${found}`;
  }
  const error = ofType(schema, value) ? firstError(schema, value) : undefined;
  if (error === undefined || error.keyword === 'type') {
    return `expected ${expectation(schema)}, found ${found}${hint(schema, value)}`;
  }
  if (schema.errorMessage !== undefined && error.keyword !== 'minLength') return schema.errorMessage;
  return KEYWORDS[error.keyword]?.(error.params as Params, schema) ?? error.message;
}

/** An empty text fails its pattern too, but "must not be empty" is the better thing to say: minLength goes first. */
function firstError(schema: SchemaView, value: unknown) {
  const [, errors] = Errors(schema as TSchema, value);
  return errors.find(({ keyword }) => keyword === 'minLength') ?? errors[0];
}

function expectation(schema: SchemaView): string {
  const choices = choicesOf(schema);
  if (choices !== undefined) return choices.map(shown).join(' or ');
  if (schema.anyOf !== undefined) return [...new Set(schema.anyOf.map(expectation))].join(' or ');
  if (schema.type === 'object') return 'mapping';
  if (schema.type === 'array') return 'list';
  return schema.type ?? 'another value';
}

function hint(schema: SchemaView, value: unknown): string {
  if (schema.type === 'string' && (typeof value === 'number' || typeof value === 'boolean')) return ' (quote it)';
  // YAML 1.1 habits: 1.2 reads these words as text.
  const word = typeof value === 'string' && /^(?:yes|no|on|off)$/i.test(value);
  return schema.type === 'boolean' && word ? ' (write true or false)' : '';
}
