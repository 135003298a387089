/**
 * Policy tests for the routes of a gateway.yaml, one request for each and whoever must not send it, so that every slip in a
 * route is noticed. Only plans them; written-tests.ts writes them down. Judges nothing.
 */
import type { GatewayFile } from '../config/schema/gateway-schema.ts';
import type { Match } from '../core/path-table.ts';
import type { Reason } from '../core/reason.ts';
import { acceptedScopes } from '../core/scope.ts';

type RouteFile = GatewayFile['routes'][number];

/** Who there is. Each is a member and, by the same name, a token; what they lack is what their refusals are about. */
export interface PlannedToken {
  readonly owner: 'ann' | 'bob' | 'eve';
  readonly scopes: readonly string[];
  readonly workspace: 'main' | 'other';
  /** It is limited to an environment that no request names. */
  readonly isLimited?: boolean;
}

export interface PlannedRequest {
  readonly request: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: Readonly<Record<string, unknown>>;
  /** Where another one would take it, too. */
  readonly route?: string;
}

export interface PlannedTest {
  readonly name: string;
  readonly token: string;
  readonly allow: readonly PlannedRequest[];
  readonly refusedTo: Readonly<Record<string, Reason>>;
  readonly refusedAs: Readonly<Record<string, Reason>>;
}

export interface PlannedDenials {
  readonly name: string;
  readonly token: string;
  readonly deny: ReadonlyMap<Reason, ReadonlySet<string>>;
}

export interface TestPlan {
  readonly tokens: ReadonlyMap<string, PlannedToken>;
  /** Types of resources: of each, one in `main`, of ann's, with bob as a collaborator. */
  readonly types: ReadonlySet<string>;
  readonly hasEnvironments: boolean;
  readonly tests: readonly PlannedTest[];
  readonly denials: readonly PlannedDenials[];
  /** Every slip is noticed, as far as that can be seen from here. */
  readonly isComplete: boolean;
}

interface Ground {
  readonly scopes: ReadonlySet<string>;
  /** Which route takes it. */
  match(host: string, method: string, segments: readonly string[]): Match;
}

export const IDS = { workspace: 'main', environment: 'live', otherEnvironment: 'test' } as const;
export const resourceId = (type: string): string => `${type}-1`;

const HOST = 'localhost';
/** No route names it. */
const METHOD = 'PURGE';
const WORD = 'something-else';

export function planTests(routes: readonly RouteFile[], ground: Ground): TestPlan {
  const plan = new Plan(ground, routes);
  for (const route of routes) plan.add(route);
  return plan.made();
}

class Plan {
  readonly #ground: Ground;
  readonly #asked: readonly string[];
  readonly #tokens = new Map<string, PlannedToken>();
  readonly #types = new Set<string>();
  readonly #tests = new Map<string, Omit<PlannedTest, 'allow'> & { readonly allow: PlannedRequest[] }>();
  readonly #nowhere = new Map<Reason, Set<string>>();
  readonly #foreign = new Set<string>();
  readonly #routes: readonly RouteFile[];
  #hasEnvironments = false;
  #isComplete = true;

  constructor(ground: Ground, routes: readonly RouteFile[]) {
    this.#ground = ground;
    this.#routes = routes;
    const named = routes.flatMap(({ require }) => [...(require?.scopes ?? []), ...(require?.anyOf ?? [])]);
    this.#asked = [...new Set(named)];
    if (routes.some(({ public: isOpen }) => isOpen !== true)) this.#token('everything', this.#asked);
  }

  add(route: RouteFile): void {
    this.#noteNeighbour(route);
    this.#noteForeign(route);
    const asked = sampleOf(route);
    const takes = this.#ground.match(asked.host, METHOD, asked.segments);
    const refusedAs = takes.kind === 'method' ? { [METHOD]: 'method_not_allowed' as const } : {};
    const isOpen = route.public === true;
    const refusedTo = isOpen ? {} : this.#refusedTo(route);
    const key = JSON.stringify([isOpen, refusedTo, refusedAs]);
    const test = this.#tests.get(key) ?? {
      ...{ name: nameOf(isOpen, refusedTo), token: isOpen ? 'none' : 'everything' },
      ...{ refusedTo, refusedAs, allow: [] as PlannedRequest[] },
    };
    this.#tests.set(key, test);
    const shared = this.#routes.some((other) => other !== route && wouldTake(other, asked));
    test.allow.push(shared ? { ...asked.request, route: route.id } : asked.request);
  }

  made(): TestPlan {
    const names = new Map<string, number>();
    const tests = [...this.#tests.values()].map((test) => {
      const times = (names.get(test.name) ?? 0) + 1;
      names.set(test.name, times);
      return times === 1 ? test : { ...test, name: `${test.name} (${times})` };
    });
    const foreign = new Map<Reason, ReadonlySet<string>>([['workspace_not_granted', this.#foreign]]);
    const denials: PlannedDenials[] = [
      ...(this.#foreign.size === 0
        ? []
        : [{ name: "nothing of one workspace through another's", token: 'everything', deny: foreign }]),
      ...(this.#nowhere.size === 0 ? [] : [{ name: 'nothing else is there', token: 'none', deny: this.#nowhere }]),
    ];
    return {
      ...{ tokens: this.#tokens, types: this.#types, hasEnvironments: this.#hasEnvironments },
      ...{ tests, denials, isComplete: this.#isComplete },
    };
  }

  /** Each token that must not get in, and why not. */
  #refusedTo({ require: asks = {} }: RouteFile): Record<string, Reason> {
    const { workspace, resource, environment } = asks;
    const refused: Record<string, Reason> = { none: 'token_missing' };
    const own = [...(asks.scopes ?? []), ...(asks.anyOf ?? [])];
    for (const name of this.#lackingScopes(asks)) refused[name] = 'scope_missing';
    if (environment !== undefined) {
      this.#hasEnvironments = true;
      refused[this.#token('limited', this.#asked, { isLimited: true })] = 'environment_not_granted';
    }
    if (workspace === undefined) return refused;
    if (workspace.as === 'environment') this.#hasEnvironments = true;
    if (workspace.as === 'resource') this.#types.add(workspace.type!);
    refused[this.#token('elsewhere', this.#asked, { workspace: 'other' })] = 'workspace_not_granted';
    if (workspace.role === 'admin') refused[this.#token('member', own, { owner: 'bob' })] = 'role_insufficient';
    if (resource === undefined) return refused;
    this.#types.add(resource.type);
    if (workspace.role === 'admin' || resource.relation === 'named') this.#isComplete = false;
    else if (resource.relation === 'owner')
      refused[this.#token('member', own, { owner: 'bob' })] = 'not_a_collaborator';
    else refused[this.#token('outsider', own, { owner: 'eve' })] = 'not_a_collaborator';
    return refused;
  }

  /** A token for each scope that may be forgotten, or be taken for the one that reads. */
  #lackingScopes({ scopes, anyOf }: NonNullable<RouteFile['require']>): string[] {
    if (scopes !== undefined && scopes.length > 1)
      return scopes.map((scope) => {
        const others = scopes.filter((other) => !acceptedScopes(scope).includes(other));
        return this.#token(`without ${wordOf(scope)}`, [...others, ...this.#readOf(scope, scopes)]);
      });
    const named = scopes ?? anyOf ?? [];
    if (named.length === 0) return [];
    const reads = named.flatMap((scope) => this.#readOf(scope, named));
    if (reads.length > 0) {
      const suffices = reads.some((read) => named.some((scope) => acceptedScopes(scope).includes(read)));
      if (!suffices)
        return [this.#token(named.length === 1 ? 'reader' : `reader of ${reads.map(wordOf).join(' ')}`, reads)];
      this.#isComplete = false;
    }
    const opens = new Set(named.flatMap(acceptedScopes));
    const stranger = this.#tokens.get('stranger')?.scopes[0];
    if (stranger !== undefined && !opens.has(stranger)) return ['stranger'];
    const others = [...this.#ground.scopes].filter((scope) => !opens.has(scope));
    const other = others.find((scope) => !this.#asked.includes(scope)) ?? others[0];
    if (other !== undefined)
      return [this.#token(stranger === undefined ? 'stranger' : `with ${wordOf(other)} alone`, [other])];
    this.#isComplete = false;
    return [];
  }

  /** Which would suffice if somebody wrote read instead of write. */
  #readOf(scope: string, named: readonly string[]): string[] {
    const read = scope.replace(/:write$/, ':read');
    return read !== scope && this.#ground.scopes.has(read) && !named.includes(read) ? [read] : [];
  }

  /** Its name. One that is there already gets these scopes, too. */
  #token(name: string, scopes: readonly string[], more: Partial<PlannedToken> = {}): string {
    const known = this.#tokens.get(name);
    const all = [...new Set([...(known?.scopes ?? []), ...scopes])];
    this.#tokens.set(name, { owner: 'ann', workspace: 'main', ...more, scopes: all });
    return name;
  }

  /** An environment says by itself which workspace it is in: another one beside it must not pass. */
  #noteForeign(route: RouteFile): void {
    const { workspace, environment } = route.require ?? {};
    if (workspace === undefined || environment === undefined || environment === 'all') return;
    const [from] = [workspace.from].flat();
    if (workspace.as === 'workspace' && from!.startsWith('path.'))
      this.#foreign.add(sampleOf(route, new Map([[from!, 'other']])).request.request);
    else this.#isComplete = false;
  }

  /** The same path with another word in the place of its last one. */
  #noteNeighbour(route: RouteFile): void {
    const segments = route.match.path.split('/');
    const last = segments.findLastIndex((text) => /^[^{}*]+$/.test(text));
    if (last === -1) return;
    const neighbour = { ...route, match: { ...route.match, path: segments.with(last, WORD).join('/') } };
    const { request, host, segments: asked } = sampleOf(neighbour);
    const [method, url] = request.request.split(' ') as [string, string];
    const found = this.#ground.match(host, method, asked);
    if (found.kind === 'route') return;
    const reason = found.kind === 'none' ? 'route_not_found' : 'method_not_allowed';
    const line = `${found.kind === 'none' ? 'GET' : method} ${url.replace(/\?.*/, '')}`;
    const known = this.#nowhere.get(reason) ?? new Set();
    this.#nowhere.set(reason, known.add(line));
  }
}

/** In the name of a token. */
function wordOf(scope: string): string {
  return scope.replace(/[^A-Za-z0-9._-]+/g, '.');
}

function nameOf(isOpen: boolean, refusedTo: Readonly<Record<string, Reason>>): string {
  if (isOpen) return 'what is open to everybody';
  const reasons = new Set(Object.values(refusedTo));
  const lacking = Object.keys(refusedTo).filter((name) => refusedTo[name] === 'scope_missing');
  const by = lacking.length > 1 ? 'several scopes open' : lacking.length === 0 ? 'any token opens' : 'a scope opens';
  const writes = lacking.length === 1 && lacking[0]!.startsWith('reader') ? ', for whoever may write' : '';
  const place = reasons.has('workspace_not_granted') ? ' in a workspace' : '';
  const role = reasons.has('role_insufficient') ? ', to its admins' : '';
  const whose = reasons.has('not_a_collaborator') ? ', to whom it belongs' : '';
  const environment = reasons.has('environment_not_granted') ? ', for tokens of every environment' : '';
  return `what ${by}${place}${role}${whose}${writes}${environment}`;
}

interface Sample {
  readonly request: PlannedRequest;
  readonly host: string;
  readonly segments: readonly string[];
}

/** `instead`: other values, by their places. */
function sampleOf({ match, require: asks = {} }: RouteFile, instead: ReadonlyMap<string, string> = new Map()): Sample {
  const places = new Map([...placesOf(asks), ...instead]);
  const path = match.path
    .split('/')
    .map((text) => {
      if (text === '**') return 'x';
      const [, name] = /^\{(.+)\}$/.exec(text) ?? [];
      return name === undefined ? text : (places.get(`path.${name}`) ?? 'x');
    })
    .join('/');
  const query = [...places].flatMap(([place, value]) =>
    place.startsWith('query.') ? [`${place.slice('query.'.length)}=${value}`] : [],
  );
  const host = match.hosts?.[0]?.replace('*', 'a');
  const url = `${host === undefined ? '' : `https://${host}`}${path}${query.length === 0 ? '' : `?${query.join('&')}`}`;
  const headers = [...places].flatMap(([place, value]) =>
    place.startsWith('header.') ? [[place.slice('header.'.length), value] as const] : [],
  );
  const fields = [...places].filter(([place]) => place.startsWith('body.'));
  const request: PlannedRequest = {
    request: `${match.methods?.[0] ?? 'GET'} ${url}`,
    ...(headers.length > 0 && { headers: Object.fromEntries(headers) }),
    ...(fields.length > 0 && { body: bodyOf(fields) }),
  };
  return { request, host: host ?? HOST, segments: path.split('/').slice(1) };
}

/** If there were no other. */
function wouldTake({ match }: RouteFile, { request, host, segments }: Sample): boolean {
  const method = request.request.slice(0, request.request.indexOf(' '));
  if (match.methods?.includes(method) === false) return false;
  if (match.hosts !== undefined && match.hosts[0]!.replace('*', 'a') !== host) return false;
  const template = match.path.split('/').slice(1);
  const isOpen = template.at(-1) === '**';
  const fixed = isOpen ? template.slice(0, -1) : template;
  if (isOpen ? segments.length < fixed.length : segments.length !== fixed.length) return false;
  return fixed.every((text, index) => text.startsWith('{') || text === segments[index]);
}

/** Where a request says what it is about, and what it says there. Of several places the first. */
function placesOf({ workspace, resource, environment }: NonNullable<RouteFile['require']>): Map<string, string> {
  const places = new Map<string, string>();
  const put = (from: string | readonly string[], value: string) =>
    places.set(typeof from === 'string' ? from : from[0]!, value);
  if (workspace !== undefined)
    put(workspace.from, workspace.as === 'resource' ? resourceId(workspace.type!) : IDS[workspace.as]);
  if (resource !== undefined) put(resource.from, resourceId(resource.type));
  if (environment !== undefined && environment !== 'all') put(environment.from, IDS.environment);
  return places;
}

function bodyOf(fields: ReadonlyArray<readonly [place: string, value: string]>): Record<string, unknown> {
  const body: Record<string, unknown> = {};
  for (const [place, value] of fields) {
    const names = place.split('.').slice(1);
    let inside = body;
    for (const name of names.slice(0, -1)) {
      inside[name] ??= {};
      inside = inside[name] as Record<string, unknown>;
    }
    inside[names.at(-1)!] = value;
  }
  return body;
}
