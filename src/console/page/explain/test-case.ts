/**
 * An explanation as a file of policy tests (`scopegate test`): the least directory and token in which the same request comes
 * to the same end. Pure; says where it cannot.
 */
import type { Shapes } from '../api/client.ts';

type Explanation = Shapes['Explanation'];
type Values = Readonly<Record<string, unknown>>;

export interface TestCaseFacts {
  readonly explanation: Explanation;
  /** As it was asked for: a path with its query, or a whole address. */
  readonly url: string;
  readonly address: string | null;
  readonly organization: Pick<Shapes['Organization'], 'id' | 'name' | 'edition'>;
  readonly token: Shapes['Token'];
  readonly owner: Pick<Shapes['Member'], 'id' | 'name' | 'role' | 'scopes'>;
}

/** Somebody who owns what the token's owner does not. */
const KEEPER = 'somebody-else';

/** null: a file of tests has no words for what it rests on. */
export function testCaseOf(facts: TestCaseFacts): string | null {
  const { explanation, url, address, organization, token, owner } = facts;
  const { outcome, reason, request, at, checks } = explanation;
  if (outcome === 'depends' || reason === 'owner_removed' || token.contacts !== null) return null;
  const values = Object.fromEntries(checks.map((check) => [check.name, (check.values ?? {}) as Values]));
  const workspaces = workspacesOf(values, owner.id);
  const line = `${request.method} ${url}`;
  const members = {
    [owner.id]: { name: owner.name, role: owner.role, ...(owner.scopes === null ? {} : { scopes: owner.scopes }) },
    [KEEPER]: { name: 'Somebody else', role: owner.role },
  };
  const { id, name, edition } = organization;
  return `${[
    'gateway: gateway.yaml',
    `now: ${token.createdAt}`,
    'directory:',
    '  organizations:',
    `    ${JSON.stringify(id)}:`,
    ...fields({ name, edition, members, workspaces }, '      '),
    'tokens:',
    '  it:',
    ...fields(tokenOf(token, Object.keys(workspaces)), '    '),
    'tests:',
    `  - name: ${JSON.stringify(`${line}: ${reason ?? outcome}`.slice(0, 200))}`,
    '    token: it',
    `    at: ${at}`,
    ...(address === null ? [] : [`    address: ${JSON.stringify(address)}`]),
    reason === null ? `    allow: [${JSON.stringify(line)}]` : `    deny: { ${JSON.stringify(line)}: ${reason} }`,
  ].join('\n')}\n`;
}

/** Each on its line, as JSON, which is YAML. */
function fields(values: object, indent: string): string[] {
  return Object.entries(values).map(([name, value]) => `${indent}${name}: ${JSON.stringify(value)}`);
}

/** The one that the request names, and one more that every token may have. */
function workspacesOf(values: Readonly<Record<string, Values>>, ownerId: string): Readonly<Record<string, object>> {
  const { workspace: seen = {}, environment = {}, role = {}, relation = {} } = values;
  const own = { name: 'Own', owner: ownerId };
  const id = seen.workspace;
  if (typeof id !== 'string') return { own };
  const isOwned = String(role.through ?? '').startsWith('owner');
  const selected = seen.as === 'environment' ? seen.selected : environment.selected;
  const environments = typeof selected === 'string' ? { environments: { [selected]: { name: selected } } } : {};
  const hasRole = !isOwned && (role.has === 'member' || role.has === 'admin');
  const assignments = hasRole ? { assignments: { members: { [ownerId]: role.has } } } : {};
  const shown = { name: id, owner: isOwned ? ownerId : KEEPER, ...environments, ...assignments };
  return { own, [id]: { ...shown, ...resourcesOf(seen, relation, ownerId) } };
}

function resourcesOf(seen: Values, relation: Values, ownerId: string): object {
  const type = relation.type ?? seen.type;
  const id = relation.id ?? (seen.as === 'resource' ? seen.selected : undefined);
  if (typeof type !== 'string' || typeof id !== 'string') return {};
  const collaborates = Array.isArray(relation.collaborators) && relation.collaborators.includes(ownerId);
  const owner = relation.owner === ownerId ? ownerId : KEEPER;
  return { resources: { [type]: { [id]: { owner, collaborators: collaborates ? [ownerId] : [] } } } };
}

function tokenOf(token: Shapes['Token'], known: readonly string[]): object {
  const { kind, ownerId, scopes, workspaces, environments, expiresAt, apiVersion, allowedAddresses, state } = token;
  const listed = Array.isArray(workspaces) ? workspaces.filter((id) => known.includes(id)) : workspaces;
  return {
    ...{ owner: ownerId, kind },
    ...(scopes === null ? {} : { scopes }),
    workspaces: listed.length === 0 ? ['own'] : listed,
    ...(environments === null ? {} : { environments }),
    ...(expiresAt === null ? { neverExpires: true } : { expiresAt }),
    ...(apiVersion === null ? {} : { apiVersion }),
    ...(allowedAddresses === null ? {} : { allowedAddresses }),
    ...(state === 'inactive' || state === 'revoked' ? { state } : {}),
  };
}
