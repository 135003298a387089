/** Reads a file of policy tests, and says everything that is wrong with it by itself. Loads no gateway and runs nothing. */
import { readFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { type TestFileData, TestFileSchema, type TestToken } from '../config/schema/test-file-schema.ts';
import { validate } from '../config/schema/validate.ts';
import { suggestion } from '../config/yaml/closest.ts';
import type { Env } from '../config/yaml/expand.ts';
import { type FilePosition, type ReadFile, readYamlFile, type YamlFile } from '../config/yaml/yaml-file.ts';
import type { Path } from '../config/yaml/yaml-tree.ts';
import type { Reason } from '../core/reason.ts';
import { Rejection } from '../manage/rejection.ts';
import { parseInstant } from '../manage/tokens/expiry.ts';

type FileTest = TestFileData['tests'][number];

/** One request, and what is to become of it. */
export interface Case {
  /** Of the test that it stands in. */
  readonly test: string;
  readonly line: string;
  readonly method: string;
  /** Path and query. */
  readonly target: string;
  readonly host: string;
  readonly headers: Readonly<Record<string, string>>;
  /** null: none. */
  readonly body: unknown;
  /** The client's; null: unknown. */
  readonly address: string | null;
  /** By its name in the file; `none` and `unknown`. */
  readonly token: string;
  readonly atMs: number;
  /** null: it is let through. */
  readonly refused: Refusal | null;
  /** By which route it is to be judged; null: by whichever. */
  readonly route: string | null;
  /** Not null: why it is not run. */
  readonly skip: string | null;
  readonly at: FilePosition;
}

interface Refusal {
  readonly reason: Reason;
  readonly status: number | null;
  readonly code: string | number | null;
}

export interface TestFile {
  readonly yaml: YamlFile;
  /** Absolute. */
  readonly path: string;
  readonly data: TestFileData;
  readonly nowMs: number;
  /** With `like` taken over; by name, in an order in which none needs a later one. */
  readonly tokens: ReadonlyMap<string, TestToken>;
  readonly cases: readonly Case[];
}

/** Names of tokens that a test may name though no file makes them. */
export const NO_TOKEN = 'none';
export const UNKNOWN_TOKEN = 'unknown';
const BUILT_IN = [NO_TOKEN, UNKNOWN_TOKEN];
const DEFAULT_HOST = 'localhost';

/** Throws ConfigError with every problem of the file. */
export function readTestFile(path: string, env: Env, readFile: ReadFile = readFileSync): TestFile {
  const yaml = readYamlFile(path, env, readFile);
  const data = validate(yaml, TestFileSchema);
  yaml.throwIfAny();
  checkSubject(yaml, data!);
  const nowMs = instant(yaml, ['now'], data!.now);
  const tokens = wholeTokens(yaml, data!.tokens);
  const cases = data!.tests.flatMap((test, index) => casesOf(yaml, test, ['tests', index], nowMs, tokens));
  yaml.throwIfAny();
  return { yaml, path: resolve(path), data: data!, nowMs, tokens, cases };
}

/** Absolute paths of what it names. */
export function filesNamed({ path, data }: TestFile) {
  const absolute = (name: string) => resolve(dirname(path), name);
  return {
    gateway: data.gateway === undefined ? null : absolute(data.gateway),
    policy: data.policy === undefined ? null : absolute(data.policy),
    routes: (data.routes ?? []).map(absolute),
    directory: typeof data.directory === 'string' ? absolute(data.directory) : null,
  };
}

function checkSubject(yaml: YamlFile, { gateway, policy, routes }: TestFileData): void {
  if (gateway === undefined && policy === undefined)
    yaml.problem([], 'missing key "gateway", or "policy" with "routes"');
  if (gateway !== undefined && policy !== undefined)
    yaml.problem(['policy'], 'the gateway names its policy; "policy" stands without "gateway"', { key: true });
  if (policy !== undefined && routes === undefined) yaml.problem(['policy'], '"policy" needs "routes"', { key: true });
  if (policy === undefined && routes !== undefined) yaml.problem(['routes'], '"routes" needs "policy"', { key: true });
}

function instant(yaml: YamlFile, at: Path, text: string): number {
  try {
    return parseInstant(text, String(at.at(-1)));
  } catch (error) {
    if (!(error instanceof Rejection)) throw error;
    yaml.problem(at, error.message);
    return 0;
  }
}

function wholeTokens(yaml: YamlFile, given: TestFileData['tokens']): Map<string, TestToken> {
  const whole = new Map<string, TestToken>();
  const visit = (name: string, from: readonly string[]): TestToken | null => {
    const known = whole.get(name);
    if (known !== undefined) return known;
    const { like, ...own } = given[name]!;
    if (like === undefined) return keep(name, own);
    const at = ['tokens', name, 'like'];
    if (!Object.hasOwn(given, like)) {
      yaml.problem(at, `there is no token "${like}"${suggestion(like, Object.keys(given))}`);
      return null;
    }
    if ([...from, name].includes(like)) {
      yaml.problem(at, `"${like}" is like "${name}" itself`);
      return null;
    }
    const other = visit(like, [...from, name]);
    return other === null ? null : keep(name, merged(other, own));
  };
  const keep = (name: string, token: TestToken) => {
    whole.set(name, token);
    return token;
  };
  for (const name of Object.keys(given)) {
    if (BUILT_IN.includes(name)) yaml.problem(['tokens', name], `"${name}" has a meaning of its own`, { key: true });
    visit(name, []);
  }
  return whole;
}

const EXPIRY = ['expiresInDays', 'expiresAt', 'neverExpires'] as const;

/** An expiry of its own stands for the other's, whichever way it is written. What it is like may be refused; it is not. */
function merged({ refused: _, ...other }: TestToken, own: TestToken): TestToken {
  const ends = EXPIRY.some((field) => own[field] !== undefined);
  const kept = ends
    ? Object.entries(other).filter(([field]) => !EXPIRY.includes(field as never))
    : Object.entries(other);
  return { ...Object.fromEntries(kept), ...own };
}

function casesOf(
  yaml: YamlFile,
  test: FileTest,
  at: Path,
  nowMs: number,
  tokens: ReadonlyMap<string, TestToken>,
): Case[] {
  const { allow, deny, refusedTo = {}, refusedAs = {}, token = NO_TOKEN } = test;
  if (allow === undefined && deny === undefined) yaml.problem(at, 'missing key "allow" or "deny"');
  for (const key of ['refusedTo', 'refusedAs'] as const)
    if (test[key] !== undefined && allow === undefined)
      yaml.problem([...at, key], `"${key}" is about the requests of "allow", which is missing`, { key: true });
  checkToken(yaml, token, [...at, 'token'], tokens);
  for (const name of Object.keys(refusedTo)) checkToken(yaml, name, [...at, 'refusedTo', name], tokens);
  const shared = {
    test: test.name,
    address: test.address ?? null,
    token,
    atMs: test.at === undefined ? nowMs : instant(yaml, [...at, 'at'], test.at),
    skip: test.skip ?? null,
  };
  const made = (line: string, parts: Parts, refused: Refusal | null, where: FilePosition): Case => ({
    ...shared,
    ...readLine(line),
    headers: { ...test.headers, ...parts.headers },
    body: parts.body ?? null,
    refused,
    route: parts.route ?? null,
    at: where,
  });
  const allowed = (allow ?? []).map((entry, index) => {
    const { request, ...parts } = typeof entry === 'string' ? { request: entry } : entry;
    return made(request, parts, null, yaml.at([...at, 'allow', index]));
  });
  return [
    ...allowed,
    ...Object.entries(refusedTo).flatMap(([name, reason]) =>
      allowed.map((each) => ({ ...each, token: name, refused: bare(reason) })),
    ),
    ...Object.entries(refusedAs).flatMap(([method, reason]) =>
      allowed.map((each) => ({ ...each, ...withMethod(each.line, method), refused: bare(reason), route: null })),
    ),
    ...denials(deny).map(({ request, step, refusal, parts }) =>
      made(request, parts, refusal, yaml.at([...at, 'deny', ...step], { key: typeof step.at(-1) === 'string' })),
    ),
  ];
}

function checkToken(yaml: YamlFile, name: string, at: Path, tokens: ReadonlyMap<string, TestToken>): void {
  const key = at.at(-1) === name;
  if (!tokens.has(name) && !BUILT_IN.includes(name))
    yaml.problem(at, `there is no token "${name}"${suggestion(name, [...tokens.keys(), ...BUILT_IN])}`, { key });
  if (tokens.get(name)?.refused !== undefined)
    yaml.problem(at, `the token "${name}" is one that is refused: no request can have it`, { key });
}

const bare = (reason: Reason): Refusal => ({ reason, status: null, code: null });

function withMethod(line: string, method: string) {
  return readLine(method + line.slice(line.indexOf(' ')));
}

interface Parts {
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: unknown;
  readonly route?: string;
}

interface Denial {
  readonly request: string;
  /** Below `deny`. */
  readonly step: Path;
  readonly refusal: Refusal;
  readonly parts: Parts;
}

/** By request, or by reason, or as a list. */
function denials(deny: FileTest['deny']): Denial[] {
  if (deny === undefined) return [];
  const denial = (request: string, step: Path, { reason, status, code, ...parts }: Said): Denial => ({
    ...{ request, step, parts },
    refusal: { reason, status: status ?? null, code: code ?? null },
  });
  if (Array.isArray(deny)) return deny.map(({ request, ...said }, index) => denial(request, [index], said));
  return Object.entries(deny).flatMap(([key, said]) => {
    if (Array.isArray(said))
      return (said as string[]).map((request, index) => denial(request, [key, index], { reason: key as Reason }));
    return [denial(key, [key], typeof said === 'string' ? { reason: said } : said)];
  });
}

type Said = Parts & {
  readonly reason: Reason;
  readonly status?: number;
  readonly code?: number | string;
};

/** Its form was judged by the schema. As it was written: a parser would repair what is to be judged. */
function readLine(line: string): Pick<Case, 'line' | 'method' | 'target' | 'host'> {
  const space = line.indexOf(' ');
  const method = line.slice(0, space);
  const url = line.slice(space + 1);
  if (url.startsWith('/')) return { line, method, target: url, host: DEFAULT_HOST };
  const start = url.indexOf('//') + 2;
  const slash = url.indexOf('/', start);
  if (slash === -1) return { line, method, target: '/', host: url.slice(start) };
  return { line, method, target: url.slice(slash), host: url.slice(start, slash) };
}
