/**
 * Nobody gains by what others than the operator do: whatever they call, in whatever order, no member, service account
 * or token ends up with a right that it did not have at the start and that none of those who called had. Rights are read
 * from the records by this file alone. `SCOPEGATE_FUZZ=100` looks a hundred times as hard.
 */
import { fileURLToPath } from 'node:url';
import fc from 'fast-check';
import { afterEach, describe, expect, it } from 'vitest';
import { loadPolicy } from '../../src/config/load/load-policy.ts';
import {
  type Assignments,
  accountKey,
  environmentKey,
  memberKey,
  type Party,
  type Role,
  resourceKey,
  teamKey,
  workspaceKey,
} from '../../src/core/facts.ts';
import type { Policy } from '../../src/core/policy.ts';
import { type Actor, OPERATOR } from '../../src/manage/actor.ts';
import { type ManageContext, reader } from '../../src/manage/context.ts';
import { createAccount, patchAccount, rotateSecret, setAccountState } from '../../src/manage/organization/accounts.ts';
import { type AssigneeKind, deleteAssignment, putAssignment } from '../../src/manage/organization/assignments.ts';
import { deleteMember, deleteTeam, patchMember, putMember, putTeam } from '../../src/manage/organization/members.ts';
import { putOrganization } from '../../src/manage/organization/organizations.ts';
import {
  deleteEnvironment,
  deleteResource,
  putEnvironment,
  putResource,
} from '../../src/manage/organization/workspace-contents.ts';
import { deleteWorkspace, putWorkspace, transferWorkspace } from '../../src/manage/organization/workspaces.ts';
import { Rejection } from '../../src/manage/rejection.ts';
import { changeTokenState } from '../../src/manage/tokens/token-changes.ts';
import { createToken, listTokens } from '../../src/manage/tokens/tokens.ts';
import type { AccountDoc, MemberDoc } from '../../src/manage/unit-of-work/records.ts';
import { MemoryStore } from '../../src/store/memory-store.ts';
import { assertForSeeds, effort } from '../support/chance.ts';

const RUNS = 150 * effort;
const PATIENCE_MS = 60_000 * effort;

const ORG = 'acme';
const FOUNDERS = ['root', 'ada', 'ann', 'bob'] as const;
const NEWCOMERS = ['new1', 'new2'] as const;
const PEOPLE = [...FOUNDERS, ...NEWCOMERS];
const TEAMS = ['t1', 't2'];
const OLD_WORKSPACES = ['w1', 'w2', 'w3'];
const WORKSPACES = [...OLD_WORKSPACES, 'w9'];
const OLD_ENVIRONMENTS = ['e1', 'e2'];
const OLD_RESOURCES = ['r1', 'r2'];
const NOW_MS = Date.UTC(2030, 0, 1);

interface Standing {
  readonly role: string;
  readonly scopes: string[] | null;
  readonly actions: string[] | null;
}

/** Says what it was, carries it out. */
interface Call {
  readonly by: string;
  readonly told: string;
  readonly run: (harness: Organization, context: ManageContext) => Promise<unknown>;
}

/** An organization with people of every rank, and with something for each way of gaining. */
class Organization {
  readonly policy: Policy;
  readonly store = new MemoryStore();
  readonly accounts: string[] = [];
  readonly tokens: string[] = [];
  /** Of those whose secret somebody got to see: what it could do at that moment must have been theirs. */
  readonly told: string[] = [];

  constructor(policy: Policy) {
    this.policy = policy;
  }

  context(actor: Actor): ManageContext {
    return { store: this.store, policy: () => this.policy, nowMs: () => NOW_MS, actor };
  }

  async found(standings: readonly Standing[]): Promise<void> {
    const operator = this.context(OPERATOR);
    await putOrganization(operator, ORG, { name: 'Acme', edition: 'team' });
    for (const [index, id] of FOUNDERS.entries())
      await putMember(operator, ORG, id, { name: id, ...standings[index]! });
    for (const [index, owner] of (['ann', 'bob', 'root'] as const).entries())
      await putWorkspace(operator, ORG, OLD_WORKSPACES[index]!, { name: 'W', owner });
    await putTeam(operator, ORG, 't1', { name: 'T', members: ['bob'] });
    await putAssignment(operator, ORG, 'w1', 'teams', 't1', 'admin');
    await putAssignment(operator, ORG, 'w2', 'members', 'ada', 'member');
    await putEnvironment(operator, ORG, 'w1', 'e1', { name: 'E' });
    await putEnvironment(operator, ORG, 'w2', 'e2', { name: 'E' });
    await putResource(operator, ORG, 'w1', 'bot', 'r1', { owner: 'ann', collaborators: [] });
    await putResource(operator, ORG, 'w2', 'bot', 'r2', { owner: 'bob', collaborators: ['root'] });
    const scopes = [...this.policy.scopes.keys()];
    if (this.policy.serviceAccounts !== null) {
      const made = await createAccount(operator, ORG, { name: 'S', scopes });
      this.accounts.push(made.value.doc.clientId);
      await putAssignment(operator, ORG, 'w1', 'service-accounts', this.accounts[0]!, 'admin');
    }
    const frozen = [...this.policy.kinds.values()].find(({ authority }) => authority === 'frozen');
    if (frozen === undefined) return;
    const asked = { kind: frozen.name, name: 't', owner: 'root', scopes, workspaces: ['w3'], expiresInDays: 30 };
    const { value } = await createToken(operator, ORG, asked);
    this.tokens.push(value.doc.id);
    await changeTokenState(operator, ORG, value.doc.id, 'deactivate');
  }

  /** Of whoever there is, by name. */
  async rights(): Promise<Map<string, Set<string>>> {
    const found = new Map<string, Set<string>>();
    for (const id of PEOPLE) {
      const member = await reader(this.store).get('member', memberKey(ORG, id));
      // Who bears an id again is somebody else.
      if (member !== null) found.set(`${id} ${member.generation}`, await this.#ofMember(member));
    }
    for (const id of this.accounts) found.set(id, await this.ofAccount(id));
    const { items } = await listTokens(this.context(OPERATOR), ORG, {}, { limit: 1000, cursor: null });
    for (const token of items) {
      // One that is switched off keeps what it was granted: an administrator switches it on again (COZE-SAT-15).
      if (token.authority !== 'frozen' || token.state === 'revoked') continue;
      const places = await this.#places(new Map(token.roles), null);
      found.set(token.id, new Set([...this.#scopes(new Set(token.scopes)), ...places]));
    }
    return found;
  }

  async ofAccount(id: string): Promise<Set<string>> {
    const account = (await reader(this.store).get('account', accountKey(ORG, id))) as AccountDoc;
    const places = await this.#places(await this.#inForce(account.assignments), [account.clientId, null]);
    return new Set([...this.#scopes(new Set(account.scopes)), ...places]);
  }

  async #ofMember(member: MemberDoc): Promise<Set<string>> {
    const role = this.policy.organizationRoles.get(member.role)!;
    const roles = new Map<string, Role>();
    const add = (id: string, given: Role | null) => {
      if (given !== null && roles.get(id) !== 'admin') roles.set(id, given);
    };
    for (const id of OLD_WORKSPACES) {
      const workspace = await reader(this.store).get('workspace', workspaceKey(ORG, id));
      if (workspace === null) continue;
      add(id, role.workspaceRole);
      if (workspace.ownerId === member.id && workspace.ownerGeneration === member.generation) add(id, 'admin');
    }
    for (const [id, given] of await this.#inForce(member.assignments)) add(id, given);
    for (const [id, generation] of member.teams) {
      const team = await reader(this.store).get('team', teamKey(ORG, id));
      if (team?.generation !== generation) continue;
      for (const [at, given] of await this.#inForce(team.assignments)) add(at, given);
    }
    const actions = member.actions ?? [...role.actions];
    const places = await this.#places(roles, [member.id, member.generation]);
    if (role.administrator && role.joinsAs !== null)
      for (const id of OLD_WORKSPACES)
        for (const right of asRole(role.joinsAs)) {
          places.push(`${right} in workspace ${id}`);
          for (const at of [...OLD_ENVIRONMENTS, ...OLD_RESOURCES]) places.push(`${right} at ${at}`);
          if (right === 'admin') for (const at of OLD_RESOURCES) places.push(`owner of ${at}`, `works on ${at}`);
        }
    return new Set([
      ...this.#scopes(member.scopes === null ? role.scopes : new Set(member.scopes)),
      ...actions.map((action) => `the action ${action}`),
      ...(role.administrator ? ['the administration'] : []),
      ...(role.workspaceRole === null ? [] : asRole(role.workspaceRole).map((right) => `${right} everywhere`)),
      ...places,
    ]);
  }

  #scopes(held: ReadonlySet<string> | 'all'): string[] {
    const all = [...this.policy.scopes.keys()];
    if (held === 'all') return ['every scope', ...all];
    return all.filter((scope) => held.has(scope) || held.has(scope.replace(/:read$/, ':write')));
  }

  /** Those in a workspace that stands, and not in one that had its id. */
  async #inForce(assignments: Assignments): Promise<Map<string, Role>> {
    const found = new Map<string, Role>();
    for (const [id, role, generation] of assignments)
      if ((await reader(this.store).get('workspace', workspaceKey(ORG, id)))?.generation === generation)
        found.set(id, role);
    return found;
  }

  /** In old workspaces, and on what stood in one: wherever its id stands now. Admins may make anybody a collaborator. */
  async #places(roles: ReadonlyMap<string, Role>, party: Party | null): Promise<string[]> {
    const found: string[] = [];
    for (const id of OLD_WORKSPACES)
      for (const right of asRole(roles.get(id))) found.push(`${right} in workspace ${id}`);
    for (const id of OLD_ENVIRONMENTS) {
      const at = (await reader(this.store).get('environment', environmentKey(ORG, id)))?.workspaceId;
      for (const right of asRole(at === undefined ? undefined : await this.#roleAt(roles, at, party)))
        found.push(`${right} at ${id}`);
    }
    for (const id of OLD_RESOURCES) {
      const resource = await reader(this.store).get('resource', resourceKey(ORG, 'bot', id));
      if (resource === null) continue;
      const role = await this.#roleAt(roles, resource.workspaceId, party);
      for (const right of asRole(role)) found.push(`${right} at ${id}`);
      if (sameParty(resource.owner, party) || role === 'admin') found.push(`owner of ${id}`, `works on ${id}`);
      if (resource.collaborators.some((one) => sameParty(one, party))) found.push(`works on ${id}`);
    }
    return found;
  }

  async #roleAt(roles: ReadonlyMap<string, Role>, id: string, party: Party | null): Promise<Role | undefined> {
    const workspace = await reader(this.store).get('workspace', workspaceKey(ORG, id));
    if (workspace === null) return undefined;
    return sameParty([workspace.ownerId, workspace.ownerGeneration], party) ? 'admin' : roles.get(id);
  }
}

function sameParty(one: Party, other: Party | null): boolean {
  return one[0] === other?.[0] && one[1] === other[1];
}

function asRole(role: Role | null | undefined): Role[] {
  return role === 'admin' ? ['member', 'admin'] : role === 'member' ? ['member'] : [];
}

const person = fc.constantFrom(...PEOPLE);
const workspace = fc.constantFrom(...WORKSPACES);
const roleThere = fc.constantFrom<Role>('member', 'admin');

function standing(policy: Policy, roles: readonly string[]): fc.Arbitrary<Standing> {
  const scopes = [...policy.scopes.keys()].slice(0, 4);
  return fc.record({
    role: fc.constantFrom(...roles),
    scopes: fc.option(fc.subarray(scopes), { freq: 3 }),
    actions: fc.option(fc.subarray([...policy.actions.keys()]), { freq: 3 }),
  });
}

function calls(policy: Policy, by: fc.Arbitrary<string>): fc.Arbitrary<Call> {
  const call = <T>(
    name: string,
    asked: fc.Arbitrary<T>,
    run: (harness: Organization, context: ManageContext, of: T) => Promise<unknown>,
  ) =>
    fc.tuple(by, asked).map(
      ([who, of]): Call => ({
        by: who,
        told: `${who}: ${name} ${JSON.stringify(of)}`,
        run: (harness, context) => run(harness, context, of),
      }),
    );
  const roles = [...policy.organizationRoles.keys()];
  const full = standing(policy, roles);
  const whom = fc.record({ id: person });
  const at = fc.record({ ws: workspace });
  const assigned = fc.oneof(
    fc.record({ of: fc.constant('members' as const), id: person }),
    fc.record({ of: fc.constant('teams' as const), id: fc.constantFrom(...TEAMS) }),
    fc.record({ of: fc.constant('service-accounts' as const), id: fc.nat({ max: 3 }) }),
  );
  const nameOf = (harness: Organization, of: AssigneeKind, id: string | number) =>
    of === 'service-accounts' ? (harness.accounts[Number(id) % harness.accounts.length] ?? 'sa_none') : String(id);
  const environment = fc.constantFrom(...OLD_ENVIRONMENTS);
  const resource = fc.constantFrom(...OLD_RESOURCES);
  const some = fc.nat({ max: 3 });
  const account = (harness: Organization, index: number) => nameOf(harness, 'service-accounts', index);
  const scopes = fc.subarray([...policy.scopes.keys()].slice(0, 4), { minLength: 1 });
  return fc.oneof(
    call('member.put', fc.tuple(person, full), (_h, c, [id, of]) => putMember(c, ORG, id, { name: id, ...of })),
    call('member.patch', fc.tuple(person, full.chain(part)), (_h, c, [id, of]) => patchMember(c, ORG, id, of)),
    call('member.delete', whom, (_h, c, { id }) => deleteMember(c, ORG, id)),
    call('team.put', fc.tuple(fc.constantFrom(...TEAMS), fc.subarray(PEOPLE)), (_h, c, [id, members]) =>
      putTeam(c, ORG, id, { name: id, members }),
    ),
    call('team.delete', fc.constantFrom(...TEAMS), (_h, c, id) => deleteTeam(c, ORG, id)),
    call('assignment.put', fc.tuple(workspace, assigned, roleThere), (h, c, [ws, { of, id }, role]) =>
      putAssignment(c, ORG, ws, of, nameOf(h, of, id), role),
    ),
    call('assignment.delete', fc.tuple(workspace, assigned), (h, c, [ws, { of, id }]) =>
      deleteAssignment(c, ORG, ws, of, nameOf(h, of, id)),
    ),
    call('workspace.put', fc.tuple(workspace, person), (_h, c, [id, owner]) =>
      putWorkspace(c, ORG, id, { name: 'W', owner }),
    ),
    call('workspace.delete', at, (_h, c, { ws }) => deleteWorkspace(c, ORG, ws)),
    call('workspace.transfer', fc.tuple(workspace, person), (_h, c, [id, owner]) =>
      transferWorkspace(c, ORG, id, owner),
    ),
    call('environment.put', fc.tuple(workspace, environment), (_h, c, [ws, id]) =>
      putEnvironment(c, ORG, ws, id, { name: 'E' }),
    ),
    call('environment.delete', fc.tuple(workspace, environment), (_h, c, [ws, id]) =>
      deleteEnvironment(c, ORG, ws, id),
    ),
    call('resource.put', fc.tuple(workspace, resource, person, fc.subarray(PEOPLE)), (_h, c, [ws, id, owner, others]) =>
      putResource(c, ORG, ws, 'bot', id, { owner, collaborators: others }),
    ),
    call('resource.delete', fc.tuple(workspace, resource), (_h, c, [ws, id]) => deleteResource(c, ORG, ws, 'bot', id)),
    call('account.create', scopes, async (h, c, asked) => {
      const { value } = await createAccount(c, ORG, { name: 'S', scopes: asked });
      h.accounts.push(value.doc.clientId);
      h.told.push(value.doc.clientId);
    }),
    call('account.patch', fc.tuple(some, scopes), (h, c, [id, asked]) =>
      patchAccount(c, ORG, account(h, id), { scopes: asked }),
    ),
    call('account.rotate', some, async (h, c, id) => {
      await rotateSecret(c, ORG, account(h, id));
      h.told.push(account(h, id));
    }),
    call('account.enable', some, (h, c, id) =>
      setAccountState(c, ORG, account(h, id), 'active', { revokeTokens: false }),
    ),
    call('token.activate', fc.constant(0), (h, c) => changeTokenState(c, ORG, h.tokens[0] ?? 'tok_none', 'activate')),
    call(
      'token.create',
      fc.tuple(fc.constantFrom(...policy.kinds.keys()), scopes, workspace),
      (_h, c, [kind, asked, ws]) =>
        createToken(c, ORG, { kind, name: 't', scopes: asked, workspaces: [ws], expiresInDays: 30 }),
    ),
  );
}

/** Some of its fields. */
function part(full: Standing): fc.Arbitrary<Partial<Standing>> {
  const fields = Object.entries(full);
  return fc.subarray(fields, { minLength: 1 }).map((chosen) => Object.fromEntries(chosen));
}

let open: Organization | undefined;
afterEach(() => open?.store.close());

/** Throws where somebody gained. */
async function play(
  policy: Policy,
  standings: readonly Standing[],
  actors: readonly string[],
  history: readonly Call[],
) {
  const harness = new Organization(policy);
  open = harness;
  await harness.found(standings);
  const before = await harness.rights();
  const theirs = new Set(
    actors.flatMap((id) => [...before].flatMap(([name, rights]) => (name.startsWith(`${id} `) ? [...rights] : []))),
  );
  const done: string[] = [];
  const beyond = (rights: ReadonlySet<string>, own: ReadonlySet<string> | undefined) =>
    [...rights].filter((right) => !theirs.has(right) && own?.has(right) !== true);
  for (const { by, told, run } of history) {
    try {
      await run(harness, harness.context({ kind: 'member', id: by }));
    } catch (error) {
      if (error instanceof Rejection) continue;
      throw error;
    }
    done.push(told);
    for (const [id, rights] of await harness.rights()) {
      const gained = beyond(rights, before.get(id));
      if (gained.length > 0) throw new Error(`${done.join('\n')}\n=> ${id} gained ${gained.join(', ')}`);
    }
    for (const id of harness.told.splice(0)) {
      const gained = beyond(await harness.ofAccount(id), undefined);
      if (gained.length > 0) throw new Error(`${done.join('\n')}\n=> ${by} can act as ${id}: ${gained.join(', ')}`);
    }
  }
}

const shipped = (name: string) =>
  loadPolicy(fileURLToPath(new URL(`../../policies/${name}.yaml`, import.meta.url)), {}).policy!;

/** Coze's administrators, had its pages said that they may join any workspace. */
function joining(policy: Policy): Policy {
  const roles = [...policy.organizationRoles].map(
    ([name, role]) => [name, { ...role, joinsAs: 'admin' as const }] as const,
  );
  return { ...policy, organizationRoles: new Map(roles.filter(([, role]) => role !== undefined)) };
}

describe.each([
  ['coze', shipped('coze')],
  ['coze, whose administrators join as admins', joining(shipped('coze'))],
  ['default', shipped('default')],
  ['featbit', shipped('featbit')],
  ['scrydon', shipped('scrydon')],
] as const)('%s', (_name, policy) => {
  it(
    'no sequence of calls gives anybody a right that neither they nor those who called had',
    async () => {
      const roles = [...policy.organizationRoles.keys()];
      const cast = fc.tuple(
        fc.constant({ role: roles[0]!, scopes: null, actions: null }),
        standing(policy, roles.slice(0, 2)),
        standing(policy, roles.slice(1)),
        standing(policy, roles.slice(-1)),
      );
      const scenario = fc.subarray(['ada', 'ann', 'bob'], { minLength: 1, maxLength: 2 }).chain((actors) => {
        // Whoever they make acts, too.
        const by = fc.constantFrom(...actors, ...actors, ...NEWCOMERS);
        return fc.record({
          actors: fc.constant(actors),
          history: fc.array(calls(policy, by), { maxLength: 60, size: 'max' }),
        });
      });
      await assertForSeeds(
        fc.asyncProperty(cast, scenario, (standings, { actors, history }) => play(policy, standings, actors, history)),
        { numRuns: RUNS, interruptAfterTimeLimit: PATIENCE_MS / 2 },
      );
      expect(open).toBeDefined();
    },
    PATIENCE_MS,
  );
});
