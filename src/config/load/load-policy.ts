/**
 * A policy file, from YAML to the compiled Policy, or every problem in it. Checks what a schema cannot: that names
 * resolve and settings agree. The meaning of the settings is not decided here.
 */
import { BUILT_IN_DIALECTS, compileDialect, type DialectSource, unknownPlaceholders } from '../../core/dialect.ts';
import { ACCESS_TOKEN_PREFIX, CLIENT_SECRET_PREFIX, type Policy } from '../../core/policy.ts';
import { REASON_NAMES } from '../../core/reason.ts';
import { MANAGE } from '../../core/scope.ts';
import { type PolicyFile, PolicySchema } from '../schema/policy-schema.ts';
import { type SoundParts, soundParts, validate } from '../schema/validate.ts';
import { isMisspelt, suggestion } from '../yaml/closest.ts';
import { type ReadFile, readYamlFile, type YamlFile } from '../yaml/yaml-file.ts';
import type { Path } from '../yaml/yaml-tree.ts';
import { compilePolicy } from './compile-policy.ts';
import { dialectSources, ownDialect } from './dialect-sources.ts';

const RESERVED_PREFIXES = new Set([ACCESS_TOKEN_PREFIX, CLIENT_SECRET_PREFIX].map((prefix) => prefix.slice(0, -1)));

const HEADER_VALUE = /^[\t\x20-\x7e\x80-\xff]*$/;
/** They say where an answer ends and what its connection is for. */
const OWN_HEADERS = new Set([
  'connection',
  'content-length',
  'content-type',
  'trailer',
  'transfer-encoding',
  'upgrade',
]);

export interface LoadedPolicy {
  readonly file: YamlFile;
  /** undefined when `file.problems` is not empty. */
  readonly policy: Policy | undefined;
  /** What it was compiled from; undefined with it. */
  readonly data: PolicyFile | undefined;
}

/** Throws ConfigError when the file cannot be read at all; whatever else is wrong stands in `file.problems`. */
export function loadPolicy(
  path: string,
  env: Readonly<Record<string, string | undefined>>,
  readFile?: ReadFile,
): LoadedPolicy {
  const file = readYamlFile(path, env, readFile);
  const data = validate(file, PolicySchema);
  check(file, data ?? soundParts(file, PolicySchema));
  if (data === undefined || file.problems.length > 0) return { file, policy: undefined, data: undefined };
  return { file, policy: compilePolicy(data), data };
}

type Parts = SoundParts<PolicyFile>;

function check(file: YamlFile, parts: Parts): void {
  checkScopes(file, parts);
  const { kinds = {}, defaultKind } = parts;
  const prefixes = new Map<string, string>();
  for (const [name, kind] of Object.entries(kinds)) {
    const other = prefixes.get(kind.prefix);
    if (other !== undefined)
      file.problem(['kinds', name, 'prefix'], `the prefix "${kind.prefix}" already belongs to the kind "${other}"`);
    prefixes.set(kind.prefix, name);
    if (RESERVED_PREFIXES.has(kind.prefix))
      file.problem(['kinds', name, 'prefix'], `the prefix "${kind.prefix}" is reserved for OAuth`);
    checkKind(file, kind, name);
  }
  checkActions(file, parts);
  if (defaultKind !== undefined && isUnknown(file.keys('kinds'), defaultKind))
    file.problem(['defaultKind'], `there is no kind "${defaultKind}"`);
  checkDialects(file, parts);
}

function checkDialects(file: YamlFile, { dialect, dialects = {} }: Parts): void {
  for (const [name, source] of Object.entries(dialects)) {
    const at = ['dialects', name];
    if (Object.hasOwn(BUILT_IN_DIALECTS, name))
      file.problem(at, `"${name}" is built in; give it another name`, { key: true });
    if (source.extends === undefined && source.body === undefined)
      file.problem(at, 'missing key "body", or "extends" with a dialect that has one');
    if (source.body !== undefined) checkPlaceholders(file, [...at, 'body'], source.body);
    checkPlaceholders(file, [...at, 'headers'], source.headers ?? {});
    checkHeaders(file, at, dialectSources({ [name]: source }).get(name)!, Object.keys(source.headers ?? {}));
  }
  if (typeof dialect === 'object') {
    checkPlaceholders(file, ['dialect', 'body'], dialect.body);
    checkPlaceholders(file, ['dialect', 'headers'], dialect.headers ?? {});
    checkHeaders(file, ['dialect'], ownDialect(dialect), Object.keys(dialect.headers ?? {}));
  } else if (dialect !== undefined) {
    const known = [...Object.keys(BUILT_IN_DIALECTS), ...file.keys('dialects')];
    if (!known.includes(dialect))
      file.problem(['dialect'], `there is no dialect "${dialect}"${suggestion(dialect, known)}`);
  }
}

/** Where nothing could be read, nothing is known to be missing. */
function isUnknown(names: ReadonlySet<string>, name: string): boolean {
  return names.size > 0 && !names.has(name);
}

function checkScopes(file: YamlFile, { scopes = [], organizationRoles = {}, iam }: Parts): void {
  const names = new Set<string>();
  for (const [index, scope] of scopes.entries()) {
    if (scope === undefined) continue;
    const { name } = scope;
    if (name === MANAGE)
      file.problem(
        ['scopes', index, 'name'],
        `"${name}" is reserved: a token may always be given it, and no catalogue has it`,
      );
    if (names.has(name)) file.problem(['scopes', index, 'name'], `the scope "${name}" stands twice`);
    names.add(name);
  }
  for (const [role, { administrator, joinsAs }] of Object.entries(organizationRoles))
    if (joinsAs !== undefined && !administrator)
      file.problem(['organizationRoles', role, 'joinsAs'], 'joinsAs is for roles with "administrator: true"');
  if (scopes.includes(undefined)) return;
  for (const [action, meant] of Object.entries(iam?.actions ?? {}))
    for (const [index, scope] of meant.entries())
      if (isUnknown(names, scope))
        file.problem(['iam', 'actions', action, index], `unknown scope "${scope}"; it must stand in "scopes"`);
  for (const [role, { scopes: held }] of Object.entries(organizationRoles)) {
    if (held === 'all') continue;
    const at = ['organizationRoles', role, 'scopes', ...(Array.isArray(held) ? [] : ['allBut'])];
    for (const [index, scope] of (Array.isArray(held) ? held : held.allBut).entries()) {
      if (isUnknown(names, scope)) file.problem([...at, index], `unknown scope "${scope}"; it must stand in "scopes"`);
    }
  }
}

function checkKind(file: YamlFile, kind: PolicyFile['kinds'][string], name: string): void {
  const { authority, scopes, expiry, selectable } = kind;
  if (authority === 'frozen' && scopes === 'optional') {
    file.problem(['kinds', name, 'scopes'], 'a frozen kind needs scopes of its own: it has no owner to follow');
  }
  if (authority === 'live' && kind.allCoversLater)
    file.problem(['kinds', name, 'allCoversLater'], 'a live kind always follows its owner into later workspaces');
  if (expiry.minDays !== undefined && expiry.maxDays !== undefined && expiry.minDays > expiry.maxDays) {
    file.problem(['kinds', name, 'expiry', 'minDays'], 'minDays is greater than maxDays');
  }
  for (const [index, days] of expiry.presetsDays.entries()) {
    if (days < (expiry.minDays ?? 0) || days > (expiry.maxDays ?? Number.POSITIVE_INFINITY)) {
      file.problem(['kinds', name, 'expiry', 'presetsDays', index], `${days} days is outside minDays and maxDays`);
    }
  }
  const known = file.keys('organizationRoles');
  for (const [index, role] of (kind.holders ?? []).entries())
    if (isUnknown(known, role))
      file.problem(['kinds', name, 'holders', index], `there is no organization role "${role}"`);
  for (const [index, rule] of selectable.entries()) {
    for (const [place, role] of (rule.roles ?? []).entries()) {
      if (isUnknown(known, role)) {
        file.problem(['kinds', name, 'selectable', index, 'roles', place], `there is no organization role "${role}"`);
      }
    }
  }
}

function checkActions(
  file: YamlFile,
  { actions, listAction, importAction, kinds = {}, organizationRoles = {} }: Parts,
): void {
  // A section that cannot be read is one mistake, not one for each action.
  if (actions === undefined || isMisspelt('actions', file.keys())) return;
  const known = file.keys('actions');
  const say = (path: Path, action: string | undefined) => {
    if (action !== undefined && !known.has(action))
      file.problem(path, `unknown action "${action}"; it must stand in "actions"`);
  };
  say(['listAction'], listAction);
  say(['importAction'], importAction);
  for (const [name, { manageAction }] of Object.entries(kinds)) say(['kinds', name, 'manageAction'], manageAction);
  for (const [role, { actions: held }] of Object.entries(organizationRoles)) {
    if (held === 'all') continue;
    for (const [index, action] of held.entries()) say(['organizationRoles', role, 'actions', index], action);
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

/** Whatever a refusal says, a header must be able to say it: an answer that Node does not send would be none. */
function checkHeaders(file: YamlFile, dialect: Path, source: DialectSource, names: readonly string[]): void {
  const { render } = compileDialect(source);
  for (const name of names) {
    const at = [...dialect, 'headers', name];
    if (OWN_HEADERS.has(name.toLowerCase())) {
      file.problem(at, `${name} is the gateway's to set`, { key: true });
      continue;
    }
    const unsendable = REASON_NAMES.find((reason) => {
      const { headers } = render(reason, { requestId: '' });
      const place = headers.findLastIndex((text, index) => index % 2 === 0 && text === name);
      return !HEADER_VALUE.test(headers[place + 1]!);
    });
    if (unsendable !== undefined)
      file.problem(
        at,
        `with the row of "${unsendable}" it holds what no header can: beyond Latin-1, or control characters`,
      );
  }
}
