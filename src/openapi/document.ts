/**
 * One OpenAPI document (3.0, 3.1, 3.2, or Swagger 2.0), in YAML or JSON: its data, what its references lead to, and where
 * its operations stand. Reads no other file: what leads to one is an error that says how to make one of them.
 */
import { isMap, isScalar, LineCounter, parseDocument } from 'yaml';
import { isMapping, type Mapping } from '../config/yaml/bare-copy.ts';
import { textOf } from '../config/yaml/utf8.ts';
import { type FilePosition, type Position, type ReadFile, readFailure } from '../config/yaml/yaml-file.ts';
import { ConfigError } from '../errors.ts';
import { jsonOperationPositions, positionKey } from './json-positions.ts';

export interface ApiDocument {
  /** As it was named. */
  readonly name: string;
  readonly text: string;
  readonly data: Mapping;
  /** 2 of Swagger, 3 of OpenAPI. */
  readonly major: 2 | 3;
  /** Of an operation; where it stands elsewhere, of its path. */
  at(path: string, method: string): FilePosition;
}

/** References that lead to references: more are a circle. */
const REFERENCES_MAX = 32;
/** A document of many megabytes has fewer; a billion laughs has a billion. */
const ALIASES_MAX = 10_000;

/** Throws ConfigError for what cannot be read, or is no OpenAPI document. */
export function readApiDocument(name: string, readFile: ReadFile): ApiDocument {
  const text = readText(name, readFile).replace(/^\uFEFF/, '');
  const { data, positions } = /^\s*\{/.test(text) ? parseJson(name, text) : parseYamlText(name, text);
  const major = isMapping(data) ? majorOf(data) : null;
  if (!isMapping(data) || major === null)
    throw problem(
      name,
      'is no OpenAPI document: it begins with openapi: 3.0.x, 3.1.x or 3.2.x, or with swagger: "2.0"',
    );
  return {
    ...{ name, text, data, major },
    at: (path, method) => {
      const place = positions.get(positionKey(path, method)) ?? positions.get(positionKey(path, ''));
      return { file: name, ...(place ?? { line: 1, column: 1 }) };
    },
  };
}

function majorOf({ openapi, swagger }: Mapping): 2 | 3 | null {
  if (typeof openapi === 'string' && /^3\.[0-2](?:\.|$)/.test(openapi)) return 3;
  return String(swagger) === '2.0' || swagger === 2 ? 2 : null;
}

function readText(name: string, readFile: ReadFile): string {
  let bytes: Buffer;
  try {
    bytes = readFile(name);
  } catch (error) {
    throw problem(name, `cannot be read: ${readFailure(error)}`);
  }
  return textOf(name, bytes);
}

interface Parsed {
  readonly data: unknown;
  readonly positions: ReadonlyMap<string, Position>;
}

/** A parser of YAML takes half a minute for what this one reads at once. */
function parseJson(name: string, text: string): Parsed {
  try {
    return { data: JSON.parse(text), positions: jsonOperationPositions(text) };
  } catch (error) {
    throw problem(name, `is no JSON: ${(error as Error).message.split('\n', 1)[0]}`);
  }
}

function parseYamlText(name: string, text: string): Parsed {
  const lineCounter = new LineCounter();
  const document = parseDocument(text, { lineCounter, prettyErrors: false, merge: true });
  const [error] = document.errors;
  const place = (offset: number) => {
    const { line, col } = lineCounter.linePos(offset);
    return { line, column: col };
  };
  if (error !== undefined)
    throw new ConfigError([{ file: name, ...place(error.pos[0]), message: error.message.split('\n', 1)[0]! }]);
  const positions = new Map<string, Position>();
  const paths = isMap(document.contents) ? document.contents.get('paths') : null;
  for (const { key: path, value: item } of isMap(paths) ? paths.items : []) {
    if (!isScalar(path)) continue;
    positions.set(positionKey(String(path.value), ''), place(path.range?.[0] ?? 0));
    for (const { key } of isMap(item) ? item.items : [])
      if (isScalar(key)) positions.set(positionKey(String(path.value), String(key.value)), place(key.range?.[0] ?? 0));
  }
  try {
    return { data: document.toJS({ maxAliasCount: ALIASES_MAX }), positions };
  } catch {
    throw problem(name, `cannot be read: its aliases stand for more than ${ALIASES_MAX} values`);
  }
}

/** What a value is, or what its `$ref` leads to; undefined where that is nothing. Throws ConfigError where it leads to another file. */
export function resolved({ name, data }: ApiDocument, value: unknown): unknown {
  let found = value;
  for (let step = 0; step < REFERENCES_MAX; step++) {
    if (!isMapping(found) || typeof found.$ref !== 'string') return found;
    const { $ref, ...beside } = found;
    if (!$ref.startsWith('#'))
      throw problem(
        name,
        `refers to another file (${$ref}): make one of all of them first, with npx @redocly/cli bundle ${name} -o bundled.yaml`,
      );
    const target = pointed(data, $ref.slice(1));
    found = isMapping(target) && Object.keys(beside).length > 0 ? { ...target, ...beside } : target;
  }
  throw problem(name, 'has references that lead in a circle');
}

/** RFC 6901, in a URI fragment. */
function pointed(data: unknown, pointer: string): unknown {
  let found = data;
  for (const step of pointer.split('/').slice(1)) {
    const key = decoded(step).replaceAll('~1', '/').replaceAll('~0', '~');
    if (typeof found !== 'object' || found === null || !Object.hasOwn(found, key)) return undefined;
    found = (found as Record<string, unknown>)[key];
  }
  return found;
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

function problem(name: string, message: string): ConfigError {
  return new ConfigError([{ file: name, line: 1, column: 1, message }]);
}
