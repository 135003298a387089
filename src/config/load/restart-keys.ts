/**
 * Which settings only a restart can change: those that a port, a process or the store was opened with. A reload that
 * changes one is refused, because a setting that is silently not obeyed would be a lie.
 */
import { isDeepStrictEqual } from 'node:util';
import type { GatewayFile } from '../schema/gateway-schema.ts';
import type { Path } from '../yaml/yaml-tree.ts';

/** Sections that a reload replaces. Of every other section, and of one to come, each key needs a restart. */
const RELOADED = new Set([
  'policy',
  'include',
  'defaults',
  'routes',
  'upstreams',
  'routing',
  'limits',
  'oauth',
  'audit',
  'leaks',
  'import',
  'log',
  'explain',
  'drain',
  'reload',
  'shadow',
]);
const RELOADED_KEYS: Readonly<Record<string, ReadonlySet<string>>> = {
  admin: new Set(['allowedHosts']),
  gateway: new Set(['trustedProxies', 'publicUrl', 'guesses', 'serverTiming']),
};

export type Sections = Readonly<Record<string, unknown>>;

/** Reports each setting that differs from `running` and cannot be changed while it runs. Shows no value: one may be secret. */
export function refuseRestartKeys(
  running: Sections,
  file: GatewayFile,
  problem: (at: Path, message: string) => void,
): void {
  for (const name of keysOf(running, file).filter((key) => !RELOADED.has(key))) {
    const before = section(running, name);
    const after = section(file, name);
    for (const key of keysOf(before, after)) {
      if (RELOADED_KEYS[name]?.has(key) === true || isDeepStrictEqual(before[key], after[key])) continue;
      problem([name, key], `${name}.${key} is not what this process was started with; to change it, restart`);
    }
  }
}

/** What of a running configuration the next one is held against. */
export function restartSections(running: GatewayFile): Sections {
  return Object.fromEntries(Object.entries(running).filter(([name]) => !RELOADED.has(name)));
}

function section(file: Sections, name: string): Sections {
  return (file[name] ?? {}) as Sections;
}

function keysOf(left: object, right: object): string[] {
  return [...new Set([...Object.keys(left), ...Object.keys(right)])];
}
