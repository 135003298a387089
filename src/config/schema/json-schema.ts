/**
 * Renders the configuration schemas as JSON Schema for editors, which see a file before variables are expanded and
 * defaults filled in. Never used to validate at run time: there the schemas themselves are stricter.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { TSchema } from 'typebox';
import { DirectorySchema } from './directory-schema.ts';
import { GatewaySchema, RoutesFileSchema } from './gateway-schema.ts';
import { PolicySchema } from './policy-schema.ts';
import { TestFileSchema } from './test-file-schema.ts';

type Json = null | boolean | number | string | readonly Json[] | JsonObject;
interface JsonObject {
  readonly [key: string]: Json | undefined;
}

/** Every file under `schemas/`, with the schema it is made from. */
export const SCHEMA_FILES: Readonly<Record<string, TSchema>> = {
  'directory.schema.json': DirectorySchema,
  'gateway.schema.json': GatewaySchema,
  'policy.schema.json': PolicySchema,
  'routes.schema.json': RoutesFileSchema,
  'test.schema.json': TestFileSchema,
};

const VARIABLE: JsonObject = { type: 'string', pattern: '^.*\\$\\{.+\\}.*$' };
/** What an editor shows about a value; it must stay outside the alternative with a variable. */
const ANNOTATIONS = new Set(['title', 'description', 'default', 'examples']);

/** The JSON Schema (draft-07) of gateway.yaml, as it stands in `schemas/gateway.schema.json`. */
export function gatewayJsonSchema(): string {
  return jsonSchema(GatewaySchema);
}

/** Any configuration schema as pretty JSON Schema (draft-07), ending in a newline. */
export function jsonSchema(schema: TSchema): string {
  // The way through JSON leaves typebox's own symbols and functions behind.
  const plain = JSON.parse(JSON.stringify(schema)) as JsonObject;
  return `${JSON.stringify({ $schema: 'http://json-schema.org/draft-07/schema#', ...forEditor(plain) }, null, 2)}\n`;
}

/** Writes every schema into `root/schemas` and returns the paths written. `npm run generate` calls it. */
export function writeSchemas(root: string): string[] {
  mkdirSync(join(root, 'schemas'), { recursive: true });
  return Object.entries(SCHEMA_FILES).map(([name, schema]) => {
    const path = join(root, 'schemas', name);
    writeFileSync(path, jsonSchema(schema));
    return path;
  });
}

function forEditor(schema: JsonObject): JsonObject {
  const kept = Object.fromEntries(Object.entries(schema).filter(([key]) => !key.startsWith('~')));
  if (takesVariable(kept)) return withVariable(kept);
  const { properties, patternProperties, items, anyOf } = kept;
  return {
    ...kept,
    ...(isObject(properties) && { properties: eachForEditor(properties), ...requiredOf(kept, properties) }),
    ...(isObject(patternProperties) && {
      patternProperties: eachForEditor(patternProperties),
      additionalProperties: kept.additionalProperties ?? false,
    }),
    ...(isObject(items) && { items: forEditor(items) }),
    ...(isList(anyOf) && { anyOf: anyOf.map((branch) => (isObject(branch) ? forEditor(branch) : branch)) }),
  };
}

/** Whether a scalar of this schema would refuse the text of a variable, which becomes the right value only later. */
function takesVariable(schema: JsonObject): boolean {
  if (isList(schema.anyOf)) return schema.anyOf.every((branch) => isObject(branch) && takesVariable(branch));
  if (schema.const !== undefined || schema.enum !== undefined) return true;
  if (schema.type === 'string') return schema.pattern !== undefined || schema.format !== undefined;
  return schema.type === 'integer' || schema.type === 'number' || schema.type === 'boolean';
}

function withVariable(schema: JsonObject): JsonObject {
  const entries = Object.entries(schema);
  const rest = Object.fromEntries(entries.filter(([key]) => !ANNOTATIONS.has(key)));
  const branches = isList(rest.anyOf) ? rest.anyOf : [rest];
  return {
    ...Object.fromEntries(entries.filter(([key]) => ANNOTATIONS.has(key))),
    anyOf: [...branches, VARIABLE],
  };
}

/** What has a default need not be written. An empty list says nothing and goes (JSON drops undefined). */
function requiredOf(schema: JsonObject, properties: JsonObject): JsonObject {
  const required = isList(schema.required) ? schema.required : [];
  const needed = required.filter((key) => {
    const property = properties[String(key)];
    return !isObject(property) || property.default === undefined;
  });
  return { required: needed.length > 0 ? needed : undefined };
}

function eachForEditor(schemas: JsonObject): JsonObject {
  return Object.fromEntries(
    Object.entries(schemas).map(([key, child]) => [key, isObject(child) ? forEditor(child) : child]),
  );
}

function isObject(value: Json | undefined): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isList(value: Json | undefined): value is readonly Json[] {
  return Array.isArray(value);
}
