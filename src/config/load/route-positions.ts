/**
 * Where the routes of a configuration stand in its files, for people who are told why a route refused. Reads the files as
 * they are now, which may be newer than what is in force; judges nothing in them.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, relative } from 'node:path';
import { isMapping } from '../yaml/bare-copy.ts';
import type { Env } from '../yaml/expand.ts';
import { type FilePosition, readYamlFile, type YamlFile } from '../yaml/yaml-file.ts';
import { readIncluded } from './included-routes.ts';

/** Of one route, by what stands in it. */
export interface RoutePosition {
  readonly route: FilePosition;
  readonly scopes: FilePosition;
  readonly workspace: FilePosition;
  readonly environment: FilePosition;
  readonly role: FilePosition;
  readonly resource: FilePosition;
}

/** null: there is no such route in the files, or they cannot be read. File names are relative to gateway.yaml's folder. */
export function routePosition(path: string, env: Env, id: string): RoutePosition | null {
  try {
    const yaml = readYamlFile(path, env);
    const include = isMapping(yaml.data) && Array.isArray(yaml.data.include) ? (yaml.data.include as string[]) : [];
    const source = { yaml, path, env, readFile: readFileSync, readFolder: readdirSync as (at: string) => string[] };
    const files = [yaml, ...readIncluded({ ...source, reads: () => {} }, include, []).map((file) => file.yaml)];
    for (const file of files) {
      const found = positionIn(file, id, dirname(path));
      if (found !== null) return found;
    }
  } catch {
    // What cannot be read any more has no lines to name.
  }
  return null;
}

function positionIn(file: YamlFile, id: string, folder: string): RoutePosition | null {
  const routes = isMapping(file.data) ? file.data.routes : null;
  if (!Array.isArray(routes)) return null;
  const index = routes.findIndex((route) => isMapping(route) && route.id === id);
  if (index === -1) return null;
  const at = (...steps: readonly string[]) => {
    const position = file.at(['routes', index, ...steps]);
    return { ...position, file: relative(folder, position.file) || position.file };
  };
  const require = (...steps: readonly string[]) => at('require', ...steps);
  const { require: asks } = routes[index] as { readonly require?: unknown };
  const asked = isMapping(asks) && 'anyOf' in asks ? 'anyOf' : 'scopes';
  return {
    route: at('id'),
    scopes: require(asked),
    workspace: require('workspace'),
    environment: require('environment' in (isMapping(asks) ? asks : {}) ? 'environment' : 'workspace'),
    role: require('workspace', 'role'),
    resource: require('resource'),
  };
}
