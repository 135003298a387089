/**
 * A gateway.yaml and an OpenAPI document that has gone on: what the one lacks of the other, and the same file with it. Routes
 * that are there stay as they are, whatever the document says of them now: they are told.
 */
import { readFileSync } from 'node:fs';
import { relative } from 'node:path';
import { checkGateway, type Found } from '../config/load/check-gateway.ts';
import type { Env } from '../config/yaml/expand.ts';
import { SetupError } from '../errors.ts';
import { compareRoutes, type RouteComparison } from '../openapi/compare.ts';
import type { ApiDocument } from '../openapi/document.ts';
import { type ApiRoute, type LeftOut, routesOfDocument } from '../openapi/routes.ts';
import { checkTexts } from './check-texts.ts';
import { newScopes } from './new-folder.ts';
import { scopeItems } from './policies.ts';
import { withItems } from './text-edits.ts';
import { replaceFiles } from './write-files.ts';
import { routeText } from './written-routes.ts';

interface MergeChoices {
  /** gateway.yaml. */
  readonly path: string;
  readonly api: ApiDocument;
  readonly publicOk: boolean;
  /** Of new routes; undefined: the only one that there is. */
  readonly upstream: string | undefined;
  readonly env: Env;
}

export interface Behind extends RouteComparison {
  /** Operations that can have no route, and have none. */
  readonly leftOut: readonly LeftOut[];
}

/** Throws ConfigError for a gateway.yaml that `check` finds wrong. */
export function whatIsBehind(choices: MergeChoices): Behind {
  return behind(choices, checkGateway(choices.path, choices.env));
}

function behind({ api, publicOk }: MergeChoices, found: Found): Behind & { scopes: ReadonlyMap<string, string> } {
  const { routing } = found.plain.file;
  const made = routesOfDocument(api, { publicOk, routing });
  const template = (path: string) => path.replace(/\{[^}]*\}/g, '{}');
  const isThere = ({ method, path }: LeftOut) =>
    found.plain.file.routes.some(
      ({ match }) => template(match.path) === template(path) && (match.methods?.includes(method) ?? true),
    );
  return {
    ...compareRoutes(made, found),
    leftOut: made.leftOut.filter((each) => !isThere(each)),
    scopes: made.scopes,
  };
}

/** Adds the routes, and to the policy the scopes that it does not know. `files`: what was changed. Throws SetupError, and changes nothing then. */
export function mergeRoutes(choices: MergeChoices): Behind & { readonly files: readonly string[] } {
  const { path, api, env } = choices;
  const found = checkGateway(path, env);
  const compared = behind(choices, found);
  if (compared.missing.length === 0) return { ...compared, files: [] };
  const { plain, policy } = found;
  const upstream = upstreamOf(choices, found);
  const ids = new Set(plain.file.routes.map(({ id }) => id));
  const routes = compared.missing.map((route) => routeText(withFreeId(route, ids), upstream));
  const asked = new Set(compared.missing.flatMap(({ require }) => require?.scopes ?? []));
  const scopes = newScopes(api, compared.scopes).filter(({ name }) => asked.has(name) && !policy.scopes.has(name));
  const policyText = readFileSync(plain.policyPath, 'utf8');
  const files = new Map([
    ...(scopes.length === 0
      ? []
      : [[plain.policyPath, withItems(policyText, 'scopes', scopeItems(scopes, 'API'))] as const]),
    [plain.path, withItems(readFileSync(plain.path, 'utf8'), 'routes', routes)],
  ]);
  checkTexts(plain.path, files, env);
  replaceFiles(files);
  return { ...compared, files: [...files.keys()].map((name) => relative('', name)) };
}

function withFreeId(route: ApiRoute, ids: Set<string>): ApiRoute {
  let id = route.id;
  for (let count = 2; ids.has(id); count++) id = `${route.id}-${count}`;
  ids.add(id);
  return { ...route, id };
}

function upstreamOf({ upstream }: MergeChoices, { plain }: Found): string | null {
  const names = Object.keys(plain.file.upstreams);
  if (names.length === 0) return null;
  if (upstream !== undefined && names.includes(upstream)) return upstream;
  if (upstream === undefined && names.length === 1) return names[0]!;
  throw new SetupError(`which upstream do the new routes go to? --upstream ${names.join(' or --upstream ')}`);
}
