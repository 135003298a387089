/**
 * Judges a file's data by a typebox schema, fills in defaults, and says at the right place what is wrong, once each.
 * typebox has the last word: nothing that it refuses gets through, whatever this walk overlooks.
 */
import type { Static, TSchema } from 'typebox';
import { Check, Errors } from 'typebox/schema';
import { bareCopy, isMapping, type Mapping } from '../yaml/bare-copy.ts';
import { closest } from '../yaml/closest.ts';
import type { YamlFile } from '../yaml/yaml-file.ts';
import type { Path } from '../yaml/yaml-tree.ts';
import { choicesOf, mismatch, ofType, type SchemaView, shown } from './schema-message.ts';

interface Finding {
  readonly path: Path;
  readonly message: string;
  readonly key?: boolean;
}

/**
 * The file's data with the schema's `default`s filled in (objects without prototype; the file's own data stays as it
 * is), or undefined when the file has problems, from here or from before; those found here are added to it. What can
 * be judged all the same is `soundParts`'s to say.
 *
 * A required property with a `default` may be left out of the file. A scalar that came from the environment may be read
 * as a string or as YAML would type it, whichever the schema allows. Mappings with `patternProperties` take no other
 * keys. Checks nothing across branches of the tree: unique ids, references and overlaps are the caller's to judge.
 */
export function validate<T extends TSchema>(file: YamlFile, schema: T): Static<T> | undefined {
  const findings: Finding[] = [];
  const value = new Walk(file).value(schema as SchemaView, file.data, [], findings);
  for (const { path, message, key } of findings) file.problem(path, message, { key: key === true });
  if (file.problems.length > 0) return undefined;
  if (Check(schema, value)) return value as Static<T>;
  for (const error of Errors(schema, value)[1]) file.problem(pointerPath(error.instancePath), error.message);
  if (file.problems.length === 0) file.problem([], 'does not fit its schema');
  return undefined;
}

/**
 * What of a refused file can be judged further, so that all its mistakes are told at once: each section without a
 * finding, and of the other lists and records the items without one, each at its own place or under its own key.
 */
export function soundParts<T extends TSchema>(file: YamlFile, schema: T): SoundParts<Static<T>> {
  const walk = new Walk(file);
  const sound = (part: SchemaView, value: unknown, path: Path): unknown => {
    const findings: Finding[] = [];
    const read = walk.value(part, value, path, findings);
    return findings.length === 0 && Check(part as TSchema, read) ? read : undefined;
  };
  const parts: Record<string, unknown> = Object.create(null);
  for (const [key, part] of Object.entries((schema as SchemaView).properties ?? {})) {
    const value = isMapping(file.data) && Object.hasOwn(file.data, key) ? file.data[key] : part.default;
    parts[key] = sound(part, value, [key]);
    if (parts[key] !== undefined) continue;
    if (part.items !== undefined && Array.isArray(value))
      parts[key] = value.map((item, index) => sound(part.items!, item, [key, index]));
    else if (part.patternProperties !== undefined && isMapping(value))
      parts[key] = Object.fromEntries(
        Object.entries(value).flatMap(([name, item]) => {
          const child = childOf(part, name);
          const read = child === undefined ? undefined : sound(child, item, [key, name]);
          return read === undefined ? [] : [[name, read]];
        }),
      );
  }
  return parts as SoundParts<Static<T>>;
}

/** What a file says without what does not fit its schema: sections may be missing, and items are then undefined. */
export type SoundParts<T> = {
  readonly [S in keyof T]?:
    | (T[S] extends ReadonlyArray<infer Item> ? ReadonlyArray<Item | undefined> : T[S])
    | undefined;
};

/** One pass over data and schema together. Each step returns the finished value and adds its findings to `out`. */
class Walk {
  readonly #file: YamlFile;

  constructor(file: YamlFile) {
    this.#file = file;
  }

  value(schema: SchemaView, value: unknown, path: Path, out: Finding[]): unknown {
    // A value nobody could read has its problem already.
    if (value === undefined) return undefined;
    if (typeof value !== 'object' || value === null) return this.#scalar(schema, value, path, out);
    if (schema.anyOf !== undefined) return this.#union(schema, schema.anyOf, value, path, out);
    if (schema.type === 'object' && isMapping(value)) return this.#mapping(schema, value, path, out);
    if (schema.type === 'array' && Array.isArray(value)) return this.#list(schema, value, path, out);
    if (schema.type === undefined && choicesOf(schema) === undefined) {
      for (const { instancePath, message } of Errors(schema as TSchema, value)[1]) {
        out.push({ path: [...path, ...pointerPath(instancePath)], message });
      }
      return bareCopy(value);
    }
    out.push({ path, message: mismatch(schema, value, shown(value)) });
    return undefined;
  }

  #scalar(schema: SchemaView, value: unknown, path: Path, out: Finding[]): unknown {
    const expansion = this.#file.expansion(path);
    const readings = expansion === undefined ? [value] : [value, expansion.text, expansion.typed];
    const fitting = readings.findIndex((reading) => Check(schema as TSchema, reading));
    if (fitting !== -1) return readings[fitting];
    // The environment may hold secrets, and problems are logged.
    const found = expansion === undefined ? shown(value) : `the value of ${expansion.source}`;
    const likely = readings.find((reading) => ofType(schema, reading)) ?? value;
    out.push({ path, message: mismatch(schema, likely, found) });
    return undefined;
  }

  #list(schema: SchemaView, value: readonly unknown[], path: Path, out: Finding[]): unknown {
    const { items = {}, minItems = 0, maxItems = Number.POSITIVE_INFINITY } = schema;
    if (value.length < minItems) {
      out.push({ path, message: minItems === 1 ? 'must not be empty' : `must have at least ${minItems} items` });
    }
    if (value.length > maxItems) out.push({ path, message: `must have at most ${maxItems} items` });
    const seen = new Set<string>();
    return value.map((item, index) => {
      const read = this.value(items, item, [...path, index], out);
      if (schema.uniqueItems !== true || read === undefined) return read;
      const text = JSON.stringify(read);
      if (seen.has(text)) out.push({ path: [...path, index], message: `${shown(read)} is listed twice` });
      seen.add(text);
      return read;
    });
  }

  #mapping(schema: SchemaView, value: Mapping, path: Path, out: Finding[]): unknown {
    const properties = schema.properties ?? {};
    const result: Record<string, unknown> = Object.create(null);
    const meant = new Set<string>();
    for (const [key, item] of Object.entries(value)) {
      const child = childOf(schema, key);
      if (child !== undefined) {
        result[key] = this.value(child, item, [...path, key], out);
        this.#name(schema, key, path, out);
        continue;
      }
      const suggestion = closest(key, Object.keys(properties));
      if (suggestion !== undefined) meant.add(suggestion);
      out.push({ path: [...path, key], message: unknownKey(schema, key, suggestion), key: true });
    }
    for (const [key, child] of Object.entries(properties)) {
      if (Object.hasOwn(result, key)) continue;
      if (child.default !== undefined) result[key] = this.value(child, child.default, [...path, key], out);
      // A misspelt key is one mistake, not two.
      else if (schema.required?.includes(key) && !meant.has(key)) out.push({ path, message: `missing key "${key}"` });
    }
    const size = Object.keys(value).length;
    if (size < (schema.minProperties ?? 0)) {
      out.push({ path, message: size === 0 ? 'must not be empty' : `must have at least ${schema.minProperties} keys` });
    }
    relations(schema, result, meant, path, out);
    return result;
  }

  #name(schema: SchemaView, key: string, path: Path, out: Finding[]): void {
    if (schema.propertyNames === undefined || Check(schema.propertyNames as TSchema, key)) return;
    out.push({
      path: [...path, key],
      message: `key ${shown(key)}: ${mismatch(schema.propertyNames, key, shown(key))}`,
      key: true,
    });
  }

  /** Reports one branch only: the one its literal key names, or else the one with the fewest findings. */
  #union(schema: SchemaView, branches: readonly SchemaView[], value: object, path: Path, out: Finding[]): unknown {
    const fitting = branches.filter((branch) => ofType(branch, value));
    if (fitting.length === 0) {
      out.push({ path, message: mismatch(schema, value, shown(value)) });
      return undefined;
    }
    const tag = fitting.length > 1 ? discriminator(fitting) : undefined;
    if (tag !== undefined && isMapping(value)) return this.#tagged(fitting, tag, value, path, out);
    const attempts = fitting.map((branch) => {
      const found: Finding[] = [];
      return { read: this.value(branch, value, path, found), found };
    });
    const best = attempts.reduce((left, right) => (right.found.length < left.found.length ? right : left));
    out.push(...best.found);
    return best.read;
  }

  #tagged(branches: readonly SchemaView[], tag: string, value: Mapping, path: Path, out: Finding[]): unknown {
    if (!Object.hasOwn(value, tag)) {
      const slip = Object.keys(value).find((key) => closest(key, [tag]) !== undefined);
      if (slip === undefined) out.push({ path, message: `missing key "${tag}"` });
      else out.push({ path: [...path, slip], message: unknownKey({}, slip, tag), key: true });
      return undefined;
    }
    const tags = branches.map((branch) => branch.properties![tag]!);
    // Read once on the side, because the environment may have set it.
    const name = this.value({ anyOf: tags }, value[tag], [...path, tag], out);
    const chosen = branches[tags.findIndex((each) => Check(each as TSchema, name))];
    return name === undefined || chosen === undefined ? undefined : this.value(chosen, value, path, out);
  }
}

/** The schema of a key's value; undefined for a key that is not allowed. */
function childOf(schema: SchemaView, key: string): SchemaView | undefined {
  const { properties = {}, patternProperties, additionalProperties } = schema;
  if (Object.hasOwn(properties, key)) return properties[key];
  for (const [pattern, child] of Object.entries(patternProperties ?? {})) {
    if (patternOf(pattern).test(key)) return child;
  }
  if (typeof additionalProperties === 'object') return additionalProperties;
  // JSON Schema lets keys through that no pattern matches; for a record with named keys that would be a hole.
  const open = additionalProperties === true || (additionalProperties === undefined && patternProperties === undefined);
  return open ? {} : undefined;
}

const patterns = new Map<string, RegExp>();

/** Of a schema: there are few, and each is asked for by every key. */
function patternOf(source: string): RegExp {
  const known = patterns.get(source) ?? new RegExp(source, 'u');
  patterns.set(source, known);
  return known;
}

function unknownKey(schema: SchemaView, key: string, suggestion: string | undefined): string {
  if (suggestion !== undefined) return `unknown key ${shown(key)} (did you mean "${suggestion}"?)`;
  const patterns = Object.keys(schema.patternProperties ?? {});
  if (patterns.length > 0) return `key ${shown(key)} must match ${patterns.join(' or ')}`;
  const allowed = Object.keys(schema.properties ?? {});
  return allowed.length === 0
    ? `unknown key ${shown(key)}`
    : `unknown key ${shown(key)} (allowed: ${allowed.join(', ')})`;
}

/**
 * Rules between the keys of one mapping: `dependencies`, `not: {required}`, and `required` under `if`. Keys in `meant`
 * were misspelt, which is reported already.
 */
function relations(schema: SchemaView, value: Mapping, meant: ReadonlySet<string>, path: Path, out: Finding[]): void {
  const lacks = (key: string) => !Object.hasOwn(value, key) && !meant.has(key);
  for (const [key, needed] of Object.entries(schema.dependencies ?? {})) {
    const absent = Object.hasOwn(value, key) ? needed.filter(lacks) : [];
    for (const other of absent) out.push({ path: [...path, key], message: `"${key}" needs "${other}"`, key: true });
  }
  const excluded = schema.not?.required ?? [];
  if (excluded.length > 0 && excluded.every((key) => Object.hasOwn(value, key))) {
    const names = excluded.map((key) => `"${key}"`).join(' and ');
    const message = schema.not?.errorMessage ?? `${names} may not stand here together`;
    out.push({ path: [...path, excluded.at(-1)!], message, key: true });
  }
  const condition = schema.if;
  // Nothing follows from a key that is absent or that could not be read.
  if (condition === undefined || Object.keys(condition.properties ?? {}).some((key) => value[key] === undefined))
    return;
  const branch = Check(condition as TSchema, value) ? schema.then : schema.else;
  for (const key of branch?.required?.filter(lacks) ?? []) out.push({ path, message: `missing key "${key}"` });
  if (branch !== undefined) relations(branch, value, meant, path, out);
}

/** The key that holds a literal in every branch, if there is one. */
function discriminator(branches: readonly SchemaView[]): string | undefined {
  const [first, ...others] = branches.map((branch) => branch.properties ?? {});
  return Object.keys(first ?? {}).find((key) =>
    [first!, ...others].every(
      (properties) => properties[key] !== undefined && choicesOf(properties[key]) !== undefined,
    ),
  );
}

function pointerPath(pointer: string): (string | number)[] {
  const steps = pointer.split('/').slice(1);
  return steps.map((step) => (/^\d+$/.test(step) ? Number(step) : step.replaceAll('~1', '/').replaceAll('~0', '~')));
}
