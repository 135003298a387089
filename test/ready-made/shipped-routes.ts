/**
 * The routes that policies/NAME.routes.yaml ships, behind a gateway that includes them as they are, and requests made from
 * what each of them says: to the workspace that the caller was granted, and to another one. Knows no system by name.
 */
import { readFileSync } from 'node:fs';
import type { RequestListener } from 'node:http';
import { join } from 'node:path';
import { request } from 'undici';
import { parse } from 'yaml';
import { type ServedApp, serveApp } from '../recipes/harness.ts';
import { type Settings, startTestGateway, type TestGateway } from '../support/gateway.ts';
import { ROOT } from '../support/process.ts';

type Places = string | readonly string[];

/** A route as its file has it. */
export interface ShippedRoute {
  readonly id: string;
  readonly match: { readonly methods?: readonly string[]; readonly path: string };
  readonly public?: boolean;
  readonly require?: {
    readonly scopes?: readonly string[];
    readonly anyOf?: readonly string[];
    readonly workspace?: { readonly from: Places; readonly as: string; readonly type?: string; readonly role?: string };
    readonly environment?: 'all' | { readonly from: string };
    readonly resource?: { readonly type: string; readonly from: Places; readonly relation: string };
  };
  readonly register?: { readonly type: string; readonly id: string };
  readonly unregister?: object;
}

export function shippedRoutes(name: string): readonly ShippedRoute[] {
  const text = readFileSync(join(ROOT, `policies/${name}.routes.yaml`), 'utf8');
  return (parse(text) as { routes: ShippedRoute[] }).routes;
}

/** Every scope of policies/NAME.yaml. */
export function catalogueOf(name: string): readonly string[] {
  const text = readFileSync(join(ROOT, `policies/${name}.yaml`), 'utf8');
  return (parse(text) as { scopes: { name: string }[] }).scopes.map((scope) => scope.name);
}

export interface Behind extends AsyncDisposable {
  readonly gateway: TestGateway;
  readonly upstream: ServedApp;
  /** Runs it with a token for the workspace `in` alone, and deletes the token: some policies count them. */
  withToken<T>(owner: string, scopes: readonly string[], run: (token: string) => Promise<T>): Promise<T>;
}

/** What differs from system to system. */
export interface SystemUnderTest {
  /** Of policies/NAME.yaml and policies/NAME.routes.yaml; the routes' upstream has that name, too. */
  readonly name: string;
  /** The organization role of `ann`, who owns everything, and of `bee`, who joined the workspace `in`. */
  readonly roles: readonly [string, string];
  /** Whether the role of `bee` has the scope. */
  readonly joinerMay: (scope: string) => boolean;
  /** Authorization, as the system's own clients send it. */
  readonly send: (token: string) => string;
  /** What a token needs beside name, owner, scopes and workspaces. */
  readonly token: object;
  /** Of every route, as the file says in its head. */
  readonly defaults?: Settings;
}

let made = 0;

/**
 * Ann owns the workspaces `in` and `out`, each with its environment and with one resource of every type that a route names;
 * Bee joined `in`. `answer`: of the API behind; absent: it says what it was asked.
 */
export async function startBehind(system: SystemUnderTest, answer?: RequestListener): Promise<Behind> {
  const routes = shippedRoutes(system.name);
  // Whatever a route registers, its id is new.
  const upstream = await serveApp(
    answer ??
      ((asked, response) => {
        asked.resume().on('end', () => {
          response.writeHead(200, { 'Content-Type': 'application/json', 'X-Asked': `${asked.method} ${asked.url}` });
          response.end(JSON.stringify({ code: 0, data: dataOf(routes, `made_${++made}`) }));
        });
      }),
  );
  const gateway = await startTestGateway({
    yaml: JSON.stringify({
      include: [join(ROOT, `policies/${system.name}.routes.yaml`)],
      gateway: { host: '127.0.0.1', port: 0 },
      admin: { host: '127.0.0.1', port: 0 },
      policy: join(ROOT, `policies/${system.name}.yaml`),
      store: { driver: 'sqlite', path: 'data/scopegate.db' },
      drain: { idleMs: 50 },
      ...(system.defaults === undefined ? {} : { defaults: system.defaults }),
      upstreams: { [system.name]: { targets: [upstream.url] } },
    }),
    seed: false,
  });
  const put = async (path: string, body: object) => {
    const answer = await gateway.admin('PUT', path, body);
    if (answer.status !== 201) throw new Error(`the sidecar refused ${path}: ${JSON.stringify(answer.body)}`);
  };
  const [owner, joiner] = system.roles;
  await put('', { name: 'Acme', edition: 'team' });
  await put('/members/ann', { name: 'Ann', role: owner });
  await put('/members/bee', { name: 'Bee', role: joiner });
  for (const workspace of ['in', 'out']) {
    await put(`/workspaces/${workspace}`, { name: workspace, owner: 'ann' });
    await put(`/workspaces/${workspace}/environments/environment-${workspace}`, { name: workspace });
    for (const type of typesOf(routes))
      await put(`/workspaces/${workspace}/resources/${type}/${type}-${workspace}`, { owner: 'ann', collaborators: [] });
  }
  await put('/workspaces/in/assignments/members/bee', { role: 'member' });
  return {
    gateway,
    upstream,
    withToken: async (who, scopes, run) => {
      const wanted = { name: 'test', owner: who, scopes, workspaces: ['in'], ...system.token };
      const { status, body } = await gateway.admin('POST', '/tokens', wanted);
      if (status !== 201) throw new Error(`the sidecar refused a token: ${JSON.stringify(body)}`);
      const { id, token } = body as { id: string; token: string };
      try {
        return await run(token);
      } finally {
        await gateway.admin('DELETE', `/tokens/${id}`);
      }
    },
    [Symbol.asyncDispose]: async () => {
      await gateway.stop();
      await upstream[Symbol.asyncDispose]();
    },
  };
}

function typesOf(routes: readonly ShippedRoute[]): ReadonlySet<string> {
  return new Set(routes.flatMap(({ require }) => require?.workspace?.type ?? []));
}

/** The id at every place under `answer.data` where a route looks for it. */
function dataOf(routes: readonly ShippedRoute[], id: string): object {
  return Object.fromEntries(routes.flatMap(({ register }) => (register ? [[register.id.split('.').at(-1)!, id]] : [])));
}

/** One request that a route is for. */
export interface Asked {
  readonly method: string;
  /** With its query. */
  readonly target: string;
  readonly body?: string;
}

/**
 * A request for the route, by each of its methods and each place of its list, that names `workspace` or what is in it. Where
 * the route names an environment beside the workspace, it stands in the path.
 */
export function requestsFor(route: ShippedRoute, workspace: 'in' | 'out'): readonly Asked[] {
  const { require } = route;
  const asked = require?.workspace;
  const id = asked === undefined ? '' : idOf(asked, workspace);
  const { environment } = require ?? {};
  const beside = typeof environment === 'object' ? { [environment.from.slice(5)]: `environment-${workspace}` } : {};
  const places = asked === undefined ? [null] : [asked.from].flat();
  return (route.match.methods ?? ['GET']).flatMap((method) =>
    places
      .filter((place) => !(place?.startsWith('body.') && method === 'GET'))
      .map((place) => requestAt(route, method, place, { id, beside })),
  );
}

function idOf({ as, type }: { readonly as: string; readonly type?: string }, workspace: string): string {
  if (as === 'workspace') return workspace;
  return as === 'environment' ? `environment-${workspace}` : `${type}-${workspace}`;
}

/** `beside`: parameters of the path that are somebody's. */
interface Named {
  readonly id: string;
  readonly beside: Readonly<Record<string, string>>;
}

function requestAt({ match }: ShippedRoute, method: string, place: string | null, { id, beside }: Named): Asked {
  const dot = place?.indexOf('.') ?? -1;
  const [where, name] = place === null ? ['', ''] : [place.slice(0, dot), place.slice(dot + 1)];
  const path = match.path
    .replace(/\{(\w+)\}/g, (_, parameter: string) =>
      where === 'path' && parameter === name ? id : (beside[parameter] ?? `some-${parameter}`),
    )
    .replace('/**', '/anything');
  const target = where === 'query' ? `${path}?${name}=${id}` : path;
  return where === 'body' ? { method, target, body: JSON.stringify({ [name]: id }) } : { method, target };
}

/** Asks the gateway; `token`: null sends none. */
export async function ask({ gateway }: Behind, { method, target, body }: Asked, authorization: string | null) {
  const headers = {
    ...(authorization === null ? {} : { authorization }),
    ...(body === undefined ? {} : { 'content-type': 'application/json' }),
  };
  const answer = await request(`${gateway.url}${target}`, { method: method as 'GET', headers, body: body ?? null });
  await answer.body.dump();
  return { status: answer.statusCode, reached: answer.headers['x-asked'] ?? null };
}
