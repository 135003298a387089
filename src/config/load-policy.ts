/**
 * A policy file, from YAML to the compiled Policy, or every problem in it. Checks what a schema cannot: that names
 * resolve and settings agree. The meaning of the settings is not decided here.
 */
import { BUILT_IN_DIALECTS, compileDialect, type DialectSource, unknownPlaceholders } from '../core/dialect.ts';
import { DAY_MS, type KindPolicy, type Policy } from '../core/policy.ts';
import { type PolicyFile, PolicySchema } from './policy-schema.ts';
import { validate } from './validate.ts';
import { readYamlFile, type YamlFile } from './yaml-file.ts';
import type { Path } from './yaml-tree.ts';

export interface LoadedPolicy {
  readonly file: YamlFile;
  /** undefined when `file.problems` is not empty. */
  readonly policy: Policy | undefined;
}

/** Throws ConfigError when the file cannot be read at all; whatever else is wrong stands in `file.problems`. */
export function loadPolicy(path: string, env: Readonly<Record<string, string | undefined>>): LoadedPolicy {
  const file = readYamlFile(path, env);
  const data = validate(file, PolicySchema);
  if (data === undefined) return { file, policy: undefined };
  check(file, data);
  return { file, policy: file.problems.length === 0 ? compile(data) : undefined };
}

function check(file: YamlFile, data: PolicyFile): void {
  const scopes = new Set<string>();
  for (const [index, { name }] of data.scopes.entries()) {
    if (scopes.has(name)) file.problem(['scopes', index, 'name'], `the scope "${name}" stands twice`);
    scopes.add(name);
  }
  for (const [role, { scopes: held }] of Object.entries(data.organizationRoles)) {
    if (held === 'all') continue;
    for (const [index, scope] of held.entries()) {
      if (!scopes.has(scope))
        file.problem(
          ['organizationRoles', role, 'scopes', index],
          `unknown scope "${scope}"; it must stand in "scopes"`,
        );
    }
  }
  const prefixes = new Map<string, string>();
  for (const [name, kind] of Object.entries(data.kinds)) {
    const other = prefixes.get(kind.prefix);
    if (other !== undefined)
      file.problem(['kinds', name, 'prefix'], `the prefix "${kind.prefix}" already belongs to the kind "${other}"`);
    prefixes.set(kind.prefix, name);
    checkKind(file, data, name);
  }
  if (!Object.hasOwn(data.kinds, data.defaultKind))
    file.problem(['defaultKind'], `there is no kind "${data.defaultKind}"`);
  if (typeof data.dialect === 'object') {
    checkPlaceholders(file, ['dialect', 'body'], data.dialect.body);
    checkPlaceholders(file, ['dialect', 'headers'], data.dialect.headers);
  }
}

function checkKind(file: YamlFile, data: PolicyFile, name: string): void {
  const { expiry, selectable } = data.kinds[name]!;
  if (expiry.minDays !== undefined && expiry.maxDays !== undefined && expiry.minDays > expiry.maxDays) {
    file.problem(['kinds', name, 'expiry', 'minDays'], 'minDays is greater than maxDays');
  }
  for (const [index, days] of expiry.presetsDays.entries()) {
    if (days < (expiry.minDays ?? 0) || days > (expiry.maxDays ?? Number.POSITIVE_INFINITY)) {
      file.problem(['kinds', name, 'expiry', 'presetsDays', index], `${days} days is outside minDays and maxDays`);
    }
  }
  for (const [index, rule] of selectable.entries()) {
    for (const [place, role] of (rule.roles ?? []).entries()) {
      if (!Object.hasOwn(data.organizationRoles, role)) {
        file.problem(['kinds', name, 'selectable', index, 'roles', place], `there is no organization role "${role}"`);
      }
    }
  }
}

function checkPlaceholders(file: YamlFile, path: Path, value: unknown): void {
  if (typeof value === 'string') {
    for (const word of unknownPlaceholders(value)) file.problem(path, `unknown placeholder {${word}}`);
  } else if (typeof value === 'object' && value !== null) {
    for (const [key, inner] of Object.entries(value))
      checkPlaceholders(file, [...path, Array.isArray(value) ? Number(key) : key], inner);
  }
}

function compile(data: PolicyFile): Policy {
  const kinds = Object.entries(data.kinds).map(([name, kind]) => compileKind(name, kind));
  return {
    name: data.name,
    dialectName: typeof data.dialect === 'string' ? data.dialect : data.name,
    dialect: compileDialect(
      typeof data.dialect === 'string' ? BUILT_IN_DIALECTS[data.dialect] : (data.dialect as unknown as DialectSource),
    ),
    scopes: new Map(data.scopes.map((entry) => [entry.name, entry])),
    organizationRoles: new Map(
      Object.entries(data.organizationRoles).map(([name, role]) => [
        name,
        {
          name,
          scopes: role.scopes === 'all' ? 'all' : new Set(role.scopes),
          workspaceRole: role.workspaceRole ?? null,
        },
      ]),
    ),
    kinds: new Map(kinds.map((kind) => [kind.name, kind])),
    defaultKind: data.defaultKind,
    prefixes: kinds.map((kind) => kind.prefix),
  };
}

function compileKind(name: string, kind: PolicyFile['kinds'][string]): KindPolicy {
  const { expiry } = kind;
  return {
    name,
    description: kind.description,
    prefix: `${kind.prefix}_`,
    authority: kind.authority,
    scopesRequired: kind.scopes === 'required',
    workspacesRequired: kind.workspaces === 'required',
    selectable: kind.selectable.map((rule) => ({
      editions: rule.editions === undefined ? null : new Set(rule.editions),
      roles: rule.roles === undefined ? null : new Set(rule.roles),
      listed: rule.listed,
      listedMax: rule.listedMax,
      all: rule.all ?? null,
    })),
    expiry: {
      required: expiry.required,
      minMs: (expiry.minDays ?? 0) * DAY_MS,
      maxMs: expiry.maxDays === undefined ? Number.POSITIVE_INFINITY : expiry.maxDays * DAY_MS,
      presetsDays: expiry.presetsDays,
      never: expiry.never,
      editable: expiry.editable,
    },
    mutable: new Set(kind.mutable),
  };
}
