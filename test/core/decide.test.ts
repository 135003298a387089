/**
 * The decision, case by case, as data: the files beside this one hold facts, a request and what must come of it. Every
 * case is also run with each needed fact withheld, which must never give a verdict.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { bodyTypeOf } from '../../src/core/bodies/body-type.ts';
import { BodyInspection } from '../../src/core/bodies/inspect.ts';
import { type InspectedBody, NO_FIELDS } from '../../src/core/bodies/inspected-body.ts';
import {
  type DecisionOutcome,
  type DecisionRules,
  decide,
  type FactReader,
  type Question,
} from '../../src/core/decide.ts';
import { CHECK_NAMES, type Explanation, explain } from '../../src/core/explain.ts';
import type { Fact, Role, TokenHash } from '../../src/core/facts.ts';
import { readFact } from '../../src/core/read-fact.ts';
import { REASONS, type Reason } from '../../src/core/reason.ts';
import type { Requirement } from '../../src/core/requirement.ts';
import { compileScopes } from '../../src/core/scope.ts';
import { bodyFieldsOf, type Selector, type SelectorPlace } from '../../src/core/selector.ts';
import { readTarget } from '../../src/core/target.ts';
import { readTemplate } from '../../src/core/template.ts';

interface RequireData {
  readonly scopes?: string[];
  readonly anyOf?: string[];
  readonly apiVersion?: string[];
  readonly workspace?: {
    from: string | string[];
    as: 'workspace' | 'environment' | 'resource';
    type?: string;
    role: Role;
  };
  readonly environment?: 'all' | { from: string | string[] };
  readonly resource?: { from: string | string[]; type: string; relation: 'owner' | 'collaborator' | 'named' };
}

interface Case {
  readonly name: string;
  readonly token: string;
  /** Record key to what replaces its fields; null: it does not exist. */
  readonly change?: Record<string, Record<string, unknown> | null>;
  readonly require?: RequireData;
  readonly template?: string;
  readonly target?: string;
  readonly headers?: string[];
  /** With a Content-Type among the headers; absent: the request has none. */
  readonly body?: string;
  /** The client's; absent: unknown. */
  readonly address?: string;
  readonly now?: number;
  readonly expect: Reason | { role?: Role | null; workspace?: string | null; environment?: string | null };
}

const folder = fileURLToPath(new URL('cases', import.meta.url));
const load = (file: string): unknown => parse(readFileSync(`${folder}/${file}`, 'utf8'));
const facts = load('facts.yaml') as {
  rules: Record<string, { scopes: 'all' | string[]; workspaceRole?: Role }>;
  endedByTransfer: string[];
  records: Record<string, Record<string, unknown>>;
};
const files = readdirSync(folder).filter((name) => name !== 'facts.yaml');
const casesOf = (file: string) => load(file) as Case[];
const NOW = 1_900_000_000_000;

const rules: DecisionRules = {
  organizationRoles: new Map(
    Object.entries(facts.rules).map(([name, { scopes, workspaceRole }]) => [
      name,
      { scopes: scopes === 'all' ? scopes : new Set(scopes), workspaceRole: workspaceRole ?? null },
    ]),
  ),
  iam: {
    workspace: 'project',
    environment: 'env',
    token: 'access-token',
    actions: new Map([['RunBots', ['bot:write']]]),
  },
  endedByTransfer: new Set(facts.endedByTransfer),
};

/** `undefined` for a key in `withheld`, null for one that no record has. Notes what was asked. */
class Facts implements FactReader {
  readonly asked = new Set<string>();
  readonly #facts = new Map<string, Fact>();
  readonly #hidden: (key: string) => boolean;

  constructor(change: Case['change'], hidden: (key: string) => boolean = () => false) {
    this.#hidden = hidden;
    const records: Record<string, Record<string, unknown> | null> = { ...facts.records };
    for (const [key, fields] of Object.entries(change ?? {}))
      records[key] = fields === null ? null : { ...records[key], ...fields };
    for (const [key, record] of Object.entries(records))
      if (record !== null) this.#facts.set(key, readFact(key, record));
  }

  peek(_kind: string, key: string): never {
    this.asked.add(key);
    return (this.#hidden(key) ? undefined : (this.#facts.get(key) ?? null)) as never;
  }

  peekIn(kind: string, organizationId: string, id: string): never {
    return this.peek(kind, `${kind}/${organizationId}/${id}`);
  }

  follow(link: { readonly kind: string; readonly key: string }): never {
    return this.peek(link.kind, link.key);
  }
}

function selector(from: string | string[], template: string): Selector {
  return typeof from === 'string'
    ? place(from, template)
    : { from: 'list', places: from.map((each) => place(each, template)) };
}

function place(from: string, template: string): SelectorPlace {
  const name = from.slice(from.indexOf('.') + 1);
  if (from.startsWith('query.')) return { from: 'query', name };
  if (from.startsWith('header.')) return { from: 'header', name };
  if (from.startsWith('body.')) return { from: 'body', field: { name, path: name.split('.') } };
  const read = readTemplate(template);
  if (!read.ok) throw new Error(read.problem);
  return { from: 'path', index: read.parameters.get(name)! };
}

function requirement({ require = {}, template = '/x' }: Case): Requirement {
  const { scopes, anyOf, apiVersion, workspace, environment, resource } = require;
  const touched = environment === undefined || environment === 'all' ? undefined : environment;
  const named = scopes ?? anyOf;
  const selectors = [workspace, touched, resource].flatMap((part) =>
    part === undefined ? [] : selector(part.from, template),
  );
  const fields = selectors.flatMap(bodyFieldsOf);
  return {
    scopes: named === undefined ? null : compileScopes(named, scopes !== undefined),
    apiVersions: apiVersion === undefined ? null : new Set(apiVersion),
    workspace:
      workspace === undefined
        ? null
        : ({ ...workspace, selector: selector(workspace.from, template) } as Requirement['workspace']),
    environment:
      touched === undefined ? (environment === 'all' ? 'all' : null) : { selector: selector(touched.from, template) },
    resource: resource === undefined ? null : { ...resource, selector: selector(resource.from, template) },
    bodyFields: fields.length === 0 ? null : fields,
  };
}

function bodyOf({ body, headers = [] }: Case, { bodyFields }: Requirement): InspectedBody | undefined {
  if (bodyFields === null) return undefined;
  if (body === undefined) return NO_FIELDS;
  return new BodyInspection(bodyTypeOf(headers)!, Buffer.from(body), bodyFields).goOn(Number.POSITIVE_INFINITY)!;
}

function judge(given: Case, facts: Facts): DecisionOutcome {
  return decide(questionOf(given), rules, facts, given.now ?? NOW);
}

function questionOf(given: Case): Question {
  const target = readTarget(given.target ?? '/x', 'h');
  if (target === null) throw new Error(`${given.target}: no target`);
  const asked = requirement(given);
  const source = {
    segments: target.segments,
    query: target.query,
    headers: given.headers ?? [],
    address: given.address ?? null,
    body: bodyOf(given, asked),
  };
  const hash = given.token as TokenHash;
  return { hash, requirement: asked, source };
}

describe.each(files)('%s', (file) => {
  it.each(casesOf(file).map((given) => [given.name, given] as const))('%s', (_name, given) => {
    const facts = new Facts(given.change);
    const outcome = judge(given, facts);
    if (typeof given.expect === 'string') {
      expect(outcome).toMatchObject({ kind: 'denied', reason: given.expect });
    } else {
      const { role, workspace, environment } = given.expect;
      expect(outcome.kind === 'denied' ? outcome.reason : outcome.kind).toBe('allowed');
      if (role !== undefined) expect(outcome).toMatchObject({ role });
      if (workspace !== undefined) expect(outcome).toMatchObject({ workspaceId: workspace });
      if (environment !== undefined) expect(outcome).toMatchObject({ environmentId: environment });
    }
    for (const key of facts.asked) {
      expect(judge(given, new Facts(given.change, (other) => other === key))).toEqual({ kind: 'need', key });
    }
    // Fetched one by one, as a cold cache does, they give the same verdict; and nothing else was looked at.
    const known = new Set<string>();
    let outcome2 = judge(given, new Facts(given.change, (key) => !known.has(key)));
    while (outcome2.kind === 'need') {
      expect(known).not.toContain(outcome2.key);
      known.add(outcome2.key);
      outcome2 = judge(given, new Facts(given.change, (key) => !known.has(key)));
    }
    expect(outcome2).toEqual(outcome);
    expect([...known].sort()).toEqual([...facts.asked].sort());
  });
});

it('every reason of checks 4 to 10 has a case', () => {
  const made = new Set(files.flatMap(casesOf).map((given) => given.expect));
  const elsewhere =
    /^(bad_request|route_|method_|token_missing|token_malformed|rate_|store_|upstream_|overloaded|loop_|body_)/;
  const expected = Object.keys(REASONS).filter((reason) => !elsewhere.test(reason));
  expect(expected.filter((reason) => !made.has(reason as Reason))).toEqual([]);
});

it('no two cases have the same name', () => {
  const names = files.flatMap(casesOf).map((given) => given.name);
  expect(names.filter((name, index) => names.indexOf(name) !== index)).toEqual([]);
});

describe('an explanation', () => {
  const explained = (given: Case, facts: Facts) => explain(questionOf(given), rules, facts, given.now ?? NOW);
  const verdict = (outcome: DecisionOutcome | Explanation) =>
    outcome.kind === 'explained' ? outcome.reason : outcome.kind === 'denied' ? outcome.reason : null;
  const all = files.flatMap(casesOf);

  it.each(all.map((given) => [given.name, given] as const))('says what the decision says: %s', (_name, given) => {
    const outcome = explained(given, new Facts(given.change)) as Explanation;
    expect(outcome.kind).toBe('explained');
    expect(outcome.reason).toBe(verdict(judge(given, new Facts(given.change))));
    expect(outcome.checks.map(({ name }) => name)).toEqual(CHECK_NAMES);
    for (const { state, reason } of outcome.checks) expect(state === 'fails').toBe(reason !== null);
  });

  it('says it in worlds where several things are wrong at once, and asks for a fact rather than guess', () => {
    const mixed = fc.record({
      asked: fc.constantFrom(...all),
      token: fc.constantFrom(...all).map(({ token }) => token),
      changes: fc.array(
        fc.constantFrom(...all).map(({ change }) => change ?? {}),
        { maxLength: 4 },
      ),
      now: fc.constantFrom(NOW, NOW + 86_400_000 * 4000),
      hidden: fc.nat(12),
    });
    fc.assert(
      fc.property(mixed, ({ asked, token, changes, now, hidden }) => {
        const given: Case = { ...asked, token, change: Object.assign({}, ...changes), now: asked.now ?? now };
        const facts = new Facts(given.change);
        const outcome = explained(given, facts) as Explanation;
        expect(outcome.reason).toBe(verdict(judge(given, new Facts(given.change))));
        const withheld = [...facts.asked][hidden % facts.asked.size]!;
        expect(explained(given, new Facts(given.change, (key) => key === withheld))).toMatchObject({
          kind: 'need',
          key: withheld,
        });
      }),
      { numRuns: 1000 },
    );
  });
});
