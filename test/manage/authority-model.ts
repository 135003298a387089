/**
 * What tokens may do, and who may change it, told a second time: plain maps, no indexes, no cache, no cascade that the
 * rules do not name. Slow and simple on purpose; the real thing is held against it step by step.
 */
import type { AllGrant, Role } from '../../src/core/facts.ts';
import type { Choice, KindRules, PolicyRules, RoleRules } from './authority-policies.ts';

export const DAY_MS = 86_400_000;
export const MANAGE = 'tokens:manage';

/** `operator`, a member's id, or `#3`: the fourth token value that was ever handed out, as a managing token. */
export type By = string;
export type Workspaces = readonly string[] | AllGrant | 'all';

/** Tokens are named by number, in the order of their making; a number beyond the last comes round again. */
export type Operation =
  /** `until`: to the very millisecond at which that value ends, where it does. */
  | { do: 'wait'; by: By; ms: number; until: number | null }
  | { do: 'organization.renew'; by: By }
  | {
      do: 'member.put';
      by: By;
      id: string;
      role: string;
      scopes: readonly string[] | null;
      actions: readonly string[] | null;
    }
  | {
      do: 'member.patch';
      by: By;
      id: string;
      change: { role?: string; scopes?: readonly string[] | null; actions?: readonly string[] | null };
    }
  | { do: 'member.delete'; by: By; id: string; dry: boolean }
  | { do: 'team.put'; by: By; id: string; members: readonly string[] }
  | { do: 'team.delete'; by: By; id: string }
  | { do: 'workspace.put'; by: By; id: string; owner: string }
  | { do: 'workspace.delete'; by: By; id: string }
  | { do: 'workspace.transfer'; by: By; id: string; owner: string; dry: boolean }
  | { do: 'assignment.put'; by: By; workspace: string; of: 'members' | 'teams'; id: string; role: Role }
  | { do: 'assignment.delete'; by: By; workspace: string; of: 'members' | 'teams'; id: string }
  | { do: 'environment.put'; by: By; workspace: string; id: string }
  | { do: 'environment.delete'; by: By; workspace: string; id: string }
  | { do: 'resource.put'; by: By; workspace: string; id: string; owner: string; collaborators: readonly string[] }
  | { do: 'resource.delete'; by: By; workspace: string; id: string }
  | {
      do: 'token.create';
      by: By;
      kind: string;
      owner: string | null;
      scopes: readonly string[] | null;
      workspaces: Workspaces | null;
      days: number | 'never' | null;
    }
  | {
      do: 'token.patch';
      by: By;
      token: number;
      /** `days` from creation. */
      change: { name?: string; days?: number | 'never'; scopes?: readonly string[]; workspaces?: Workspaces };
    }
  | { do: 'token.activate' | 'token.deactivate' | 'token.revoke' | 'token.delete'; by: By; token: number }
  | { do: 'token.rotate'; by: By; token: number; graceSeconds: number };

export interface ModelToken {
  readonly kind: string;
  readonly owner: string;
  /** Which of the memberships that ever bore the owner's id. */
  readonly life: number;
  readonly bornMs: number;
  scopes: readonly string[] | null;
  grant: AllGrant | Set<string>;
  /** Frozen: the owner's role in each workspace when it was made. */
  roles: Map<string, Role>;
  /** What the owner's role in the organization gave in every workspace then. */
  readonly everywhere: Role | null;
  state: 'active' | 'inactive' | 'revoked' | 'deleted';
  why: string | null;
  endsMs: number;
}

/** A text that was handed out. */
export interface ModelValue {
  readonly text: string;
  readonly token: ModelToken;
  untilMs: number;
}

/** One thing a request may need. */
export interface Probe {
  /** All of them. */
  readonly scopes: readonly string[];
  readonly at: {
    readonly as: 'workspace' | 'environment' | 'resource';
    readonly id: string;
    readonly role: Role;
  } | null;
  readonly relation: { readonly id: string; readonly kind: 'owner' | 'collaborator' } | null;
}

export type Plan =
  /** `either`: the rules leave it open. */
  | { readonly expected: 'accepted' | 'either'; readonly effect: (text: string | null) => void }
  | { readonly expected: 'refused'; readonly why: string };

/** A member, by the membership that is meant: `bob 2`. Who bears the id later is somebody else. */
type Party = string;

class No extends Error {}

interface Standing {
  readonly role: string;
  readonly scopes: readonly string[] | null;
  readonly actions: readonly string[] | null;
}

const WIDTH = ['all-owned', 'all-joined', 'all-organization'] as const;

export class Model {
  readonly rules: PolicyRules;
  nowMs: number;
  readonly members = new Map<
    string,
    { life: number; role: string; scopes: readonly string[] | null; actions: readonly string[] | null }
  >();
  readonly teams = new Map<string, Set<string>>();
  readonly workspaces = new Map<string, { owner: Party; handedOverMs: number | null }>();
  /** `members bob w1` to a role. */
  readonly assignments = new Map<string, Role>();
  readonly environments = new Map<string, string>();
  readonly resources = new Map<string, { workspace: string; owner: Party; collaborators: readonly Party[] }>();
  readonly tokens: ModelToken[] = [];
  readonly values: ModelValue[] = [];
  #lives = 0;
  #open = false;

  constructor(rules: PolicyRules, nowMs: number) {
    this.rules = rules;
    this.nowMs = nowMs;
  }

  // What tokens may do.

  /** Does anything at all work with it? */
  works(value: ModelValue): boolean {
    const { token } = value;
    if (this.nowMs >= value.untilMs || token.state !== 'active' || this.nowMs >= token.endsMs) return false;
    return !this.kindOf(token).follows || this.#ownerIsThere(token);
  }

  /** null: no. Otherwise the role in the workspace, `none` where no workspace is asked for. */
  may(value: ModelValue, probe: Probe): Role | 'none' | null {
    if (!this.works(value)) return null;
    const { token } = value;
    if (!probe.scopes.every((scope) => this.#holds(token, scope))) return null;
    if (probe.at === null) return 'none';
    const workspace = this.#workspaceOf(probe.at);
    if (workspace === undefined) return null;
    const role = this.#reach(token, workspace);
    if (role === null || (probe.at.role === 'admin' && role !== 'admin')) return null;
    return probe.relation === null || this.#related(token, workspace, probe.relation) ? role : null;
  }

  /** Could this member do it in person, relations aside? No token that is made for them may do more. */
  memberMay(id: string, probe: Probe): boolean {
    if (!probe.scopes.every((scope) => covers(this.#scopesOf(id), scope))) return false;
    if (probe.at === null) return true;
    const workspace = this.#workspaceOf(probe.at);
    const role = workspace === undefined ? null : this.#roleOf(id, workspace);
    return role === 'admin' || (role === 'member' && probe.at.role === 'member');
  }

  /** Tokens that count against limits. */
  counted(kind: string, owner: string | null): number {
    return this.tokens.filter(
      (token) =>
        token.kind === kind &&
        (owner === null || token.owner === owner) &&
        (token.state === 'active' || (token.state === 'inactive' && token.why !== 'owner_removed')) &&
        this.nowMs < token.endsMs,
    ).length;
  }

  kindOf(token: ModelToken): KindRules {
    return this.rules.kinds[token.kind]!;
  }

  token(number: number): ModelToken | undefined {
    return this.tokens[number % this.tokens.length];
  }

  value(by: By): ModelValue | undefined {
    return this.values[Number(by.slice(1)) % this.values.length];
  }

  /** Is the member who bears the owner's id the one whom the token was made for? */
  #ownerIsThere(token: ModelToken): boolean {
    return this.members.get(token.owner)?.life === token.life;
  }

  #holds(token: ModelToken, scope: string): boolean {
    if (token.scopes !== null && !covers(token.scopes, scope)) return false;
    return !this.kindOf(token).follows || covers(this.#scopesOf(token.owner), scope);
  }

  #workspaceOf(at: NonNullable<Probe['at']>): string | undefined {
    const id =
      at.as === 'workspace'
        ? at.id
        : at.as === 'environment'
          ? this.environments.get(at.id)
          : this.resources.get(at.id)?.workspace;
    return id !== undefined && this.workspaces.has(id) ? id : undefined;
  }

  #reach(token: ModelToken, workspace: string): Role | null {
    if (!this.#isGranted(token, workspace)) return null;
    if (this.kindOf(token).follows) return this.#roleOf(token.owner, workspace);
    const kept = token.roles.get(workspace) ?? null;
    if (typeof token.grant !== 'string' || kept !== null || !this.kindOf(token).coversLater) return kept;
    return token.grant === 'all-owned' ? 'admin' : (token.everywhere ?? 'member');
  }

  #isGranted(token: ModelToken, workspace: string): boolean {
    if (typeof token.grant !== 'string') return token.grant.has(workspace);
    // What was handed over since needs a new token, whoever owns this one.
    const since = this.workspaces.get(workspace)!.handedOverMs;
    const dies = this.kindOf(token).diesWithTransfer.includes(this.rules.edition);
    if (dies && since !== null && since > token.bornMs) return false;
    if (token.grant === 'all-organization') return true;
    if (token.grant === 'all-joined') return this.#ownerIsThere(token) && this.#joined(token.owner, workspace) !== null;
    const { owner, handedOverMs } = this.workspaces.get(workspace)!;
    // What somebody else gave them later needs a new token.
    const later = handedOverMs !== null && handedOverMs > token.bornMs;
    return owner === partyOf(token) && !later;
  }

  #related(token: ModelToken, workspace: string, asked: NonNullable<Probe['relation']>): boolean {
    const resource = this.resources.get(asked.id);
    if (resource?.workspace !== workspace) return false;
    const party = partyOf(token);
    if (resource.owner === party) return true;
    if (this.rules.edition === 'personal' && this.workspaces.get(workspace)!.owner === party) return true;
    return asked.kind === 'collaborator' && resource.collaborators.includes(party);
  }

  #scopesOf(id: string): readonly string[] | 'all' {
    const member = this.members.get(id);
    return member === undefined ? [] : (member.scopes ?? this.#roleRules(member.role).scopes);
  }

  #roleRules(role: string): RoleRules {
    return this.rules.roles[role]!;
  }

  /** Owner, assignment, teams. */
  #joined(id: string, workspace: string): Role | null {
    const roles = [this.assignments.get(`members ${id} ${workspace}`)];
    if (this.#owns(id, workspace)) roles.push('admin');
    for (const [team, members] of this.teams)
      if (members.has(id)) roles.push(this.assignments.get(`teams ${team} ${workspace}`));
    return roles.includes('admin') ? 'admin' : roles.includes('member') ? 'member' : null;
  }

  /** The member who bears the id now. */
  #party(id: string): Party {
    return `${id} ${this.members.get(id)?.life}`;
  }

  #owns(id: string, workspace: string): boolean {
    return this.workspaces.get(workspace)?.owner === this.#party(id);
  }

  #roleOf(id: string, workspace: string): Role | null {
    const member = this.members.get(id);
    if (member === undefined) return null;
    const joined = this.#joined(id, workspace);
    const everywhere = this.rules.edition === 'personal' ? null : this.#roleRules(member.role).everywhere;
    return joined === 'admin' || everywhere === 'admin' ? 'admin' : (joined ?? everywhere);
  }

  // Who may change it, and what comes of it.

  plan(operation: Operation): Plan {
    this.#open = false;
    try {
      const effect = this.#plan(operation);
      return { expected: this.#open ? 'either' : 'accepted', effect };
    } catch (error) {
      if (error instanceof No) return { expected: 'refused', why: error.message };
      throw error;
    }
  }

  #plan(op: Operation): (text: string | null) => void {
    switch (op.do) {
      case 'wait':
        return () => {
          this.nowMs += op.ms;
        };
      case 'organization.renew':
        need(op.by === 'operator', 'only the operator deletes organizations');
        return () => this.#renew();
      case 'member.put':
        return this.#putMember(op);
      case 'member.patch': {
        this.#administers(op.by);
        const before = this.members.get(op.id);
        need(before !== undefined, 'no such member');
        const after = { ...before, ...op.change };
        this.#mayGive(op.by, op.id, after);
        return () => this.members.set(op.id, after);
      }
      case 'member.delete':
        return this.#deleteMember(op);
      case 'team.put':
        this.#administers(op.by);
        need(
          op.members.every((id) => this.members.has(id)),
          'only members are in teams',
        );
        for (const workspace of op.members.every((id) => this.teams.get(op.id)?.has(id)) ? [] : this.workspaces.keys())
          this.#has(op.by, workspace, this.assignments.get(`teams ${op.id} ${workspace}`) ?? null);
        return () => this.teams.set(op.id, new Set(op.members));
      case 'team.delete':
        this.#administers(op.by);
        need(this.teams.has(op.id), 'no such team');
        return () => {
          this.teams.delete(op.id);
          this.#unassign(`teams ${op.id} `, '');
        };
      case 'workspace.put':
        return this.#putWorkspace(op);
      case 'workspace.delete':
        this.#disposes(op.by, op.id);
        return () => this.#deleteWorkspace(op.id);
      case 'workspace.transfer':
        return this.#transfer(op);
      case 'assignment.put':
        this.#manages(op.by, op.workspace);
        need((op.of === 'members' ? this.members : this.teams).has(op.id), 'nobody of that id');
        if (!atLeast(this.assignments.get(`${op.of} ${op.id} ${op.workspace}`) ?? null, op.role))
          this.#has(op.by, op.workspace, op.role);
        return () => this.assignments.set(`${op.of} ${op.id} ${op.workspace}`, op.role);
      case 'assignment.delete':
        this.#manages(op.by, op.workspace);
        need(this.assignments.has(`${op.of} ${op.id} ${op.workspace}`), 'no such assignment');
        return () => this.assignments.delete(`${op.of} ${op.id} ${op.workspace}`);
      case 'environment.put':
        this.#runs(op.by, op.workspace);
        need((this.environments.get(op.id) ?? op.workspace) === op.workspace, 'the id is taken');
        return () => this.environments.set(op.id, op.workspace);
      case 'environment.delete':
        this.#runs(op.by, op.workspace);
        need(this.environments.get(op.id) === op.workspace, 'no such environment');
        return () => this.environments.delete(op.id);
      case 'resource.put':
        this.#runs(op.by, op.workspace);
        need((this.resources.get(op.id)?.workspace ?? op.workspace) === op.workspace, 'the id is taken');
        need(
          [op.owner, ...op.collaborators].every((id) => this.members.has(id)),
          'only members own resources and work on them',
        );
        return () =>
          this.resources.set(op.id, {
            workspace: op.workspace,
            owner: this.#party(op.owner),
            collaborators: op.collaborators.map((id) => this.#party(id)),
          });
      case 'resource.delete':
        this.#runs(op.by, op.workspace);
        need(this.resources.get(op.id)?.workspace === op.workspace, 'no such resource');
        return () => this.resources.delete(op.id);
      case 'token.create':
        return this.#createToken(op);
      case 'token.patch':
        return this.#patchToken(op);
      case 'token.rotate':
        return this.#rotateToken(op);
      default:
        return this.#endToken(op);
    }
  }

  /** Whoever has no name is nobody; a managing token stands for its owner, and only in the matter of tokens. */
  #caller(by: By): { id: string | null; manager: ModelToken | null } {
    if (by === 'operator') return { id: null, manager: null };
    if (!by.startsWith('#')) {
      need(this.members.has(by), 'a stranger');
      return { id: by, manager: null };
    }
    const value = this.value(by);
    need(value !== undefined && this.works(value), 'the managing token does not work');
    const { token } = value!;
    need(this.kindOf(token).follows && token.scopes?.includes(MANAGE) === true, 'no managing token');
    need(this.#mayManage(token.owner), 'its owner manages nothing any more');
    return { id: token.owner, manager: token };
  }

  #person(by: By): string | null {
    const { id, manager } = this.#caller(by);
    need(manager === null, 'a token manages tokens and nothing else');
    return id;
  }

  #isAdministrator(id: string): boolean {
    return this.rules.edition !== 'personal' && this.#roleRules(this.members.get(id)!.role).administers;
  }

  #administers(by: By): void {
    const id = this.#person(by);
    need(id === null || this.#isAdministrator(id), 'only administrators');
  }

  /** Admins of an existing workspace. */
  #runs(by: By, workspace: string): void {
    const id = this.#person(by);
    need(this.workspaces.has(workspace), 'no such workspace');
    need(id === null || this.#roleOf(id, workspace) === 'admin', 'not theirs to change');
  }

  /** Administrators of the organization, too. */
  #manages(by: By, workspace: string): void {
    const id = this.#person(by);
    need(this.workspaces.has(workspace), 'no such workspace');
    need(id === null || this.#isAdministrator(id) || this.#roleOf(id, workspace) === 'admin', 'not theirs to manage');
  }

  /** What one does not have, one does not give. */
  #has(by: By, workspace: string, role: Role | null): void {
    need(by === 'operator' || atLeast(this.#roleOf(by, workspace), role), 'a role that they do not have');
  }

  /** Its owner, and administrators who are admins of it. */
  #disposes(by: By, workspace: string): void {
    const person = this.#person(by);
    need(this.workspaces.has(workspace), 'no such workspace');
    if (person === null || this.#owns(person, workspace)) return;
    this.#administers(by);
    this.#has(by, workspace, 'admin');
  }

  #rank(role: string): number {
    return Object.keys(this.rules.roles).indexOf(role);
  }

  /** Nobody touches or makes a higher one, and nobody changes themselves. */
  #mayGive(by: By, id: string, after: Standing): void {
    if (by === 'operator') return;
    const own = this.members.get(by)!;
    const before = this.members.get(id);
    const gains = <T>(list: (of: Standing) => readonly T[], covered: (of: Standing, one: T) => boolean) =>
      list(after).some((one) => !(before !== undefined && covered(before, one)) && !covered(own, one));
    const held = ({ scopes, role }: Standing) => scopes ?? this.#roleRules(role).scopes;
    // Whoever may do everything may also do what the catalogue has yet to name.
    const named = (of: Standing): readonly string[] => (held(of) === 'all' ? ['all'] : (held(of) as string[]));
    need(!gains(named, (of, scope) => covers(held(of), scope)), 'a scope that they do not have');
    const actions = (of: Standing) => of.actions ?? this.#roleRules(of.role).actions;
    const acts = (of: Standing) => (actions(of) === 'all' ? this.rules.actions : (actions(of) as readonly string[]));
    need(!gains(acts, (of, action) => acts(of).includes(action)), 'an action that they do not have');
    const everywhere = ({ role }: Standing) => this.#roleRules(role).everywhere;
    const wider = before === undefined || !atLeast(everywhere(before), everywhere(after));
    need(!wider || atLeast(everywhere(own), everywhere(after)), 'a role everywhere that they do not have');
    need(this.#rank(after.role) >= this.#rank(own.role), 'above their own role');
    need(before === undefined || this.#rank(before.role) >= this.#rank(own.role), 'that one stands above');
    const changed = (['role', 'scopes', 'actions'] as const).some(
      (field) => JSON.stringify(after[field]) !== JSON.stringify(own[field]),
    );
    need(by !== id || !changed, 'nobody changes their own rights');
  }

  #putMember(op: Operation & { do: 'member.put' }): () => void {
    const { by, id, role, scopes, actions } = op;
    this.#administers(by);
    this.#mayGive(by, id, { role, scopes, actions });
    return () => {
      const life = this.members.get(id)?.life ?? ++this.#lives;
      this.members.set(id, { life, role, scopes, actions });
    };
  }

  #deleteMember({ by, id, dry }: Operation & { do: 'member.delete' }): () => void {
    this.#administers(by);
    need(this.members.has(id), 'no such member');
    const above = by !== 'operator' && this.#rank(this.members.get(id)!.role) < this.#rank(this.members.get(by)!.role);
    need(!above, 'that one stands above');
    return () => {
      if (dry) return;
      this.members.delete(id);
      for (const team of this.teams.values()) team.delete(id);
      this.#unassign(`members ${id} `, '');
      for (const token of this.tokens) {
        const ends = token.owner === id && this.kindOf(token).follows;
        if (ends && (token.state === 'active' || token.state === 'inactive')) {
          token.state = 'inactive';
          token.why = 'owner_removed';
        }
      }
    };
  }

  #putWorkspace({ by, id, owner }: Operation & { do: 'workspace.put' }): () => void {
    const before = this.workspaces.get(id);
    if (before !== undefined) this.#manages(by, id);
    else if (this.#person(by) !== owner) this.#administers(by);
    need(before === undefined || before.owner === this.#party(owner), 'ownership changes by transfer only');
    need(this.members.has(owner), 'only members own workspaces');
    return () => this.workspaces.set(id, { owner: this.#party(owner), handedOverMs: before?.handedOverMs ?? null });
  }

  #deleteWorkspace(id: string): void {
    this.workspaces.delete(id);
    this.#unassign('', ` ${id}`);
    for (const [environment, workspace] of this.environments)
      if (workspace === id) this.environments.delete(environment);
    for (const [resource, { workspace }] of this.resources) if (workspace === id) this.resources.delete(resource);
    for (const token of this.tokens) {
      if (typeof token.grant !== 'string') token.grant.delete(id);
      token.roles.delete(id);
    }
  }

  #transfer({ by, id, owner, dry }: Operation & { do: 'workspace.transfer' }): () => void {
    const before = this.workspaces.get(id);
    this.#disposes(by, id);
    need(this.members.has(owner), 'only members own workspaces');
    return () => {
      if (dry || this.#party(owner) === before!.owner) return;
      this.workspaces.set(id, { owner: this.#party(owner), handedOverMs: this.nowMs });
      for (const token of this.tokens) {
        const dies = this.kindOf(token).diesWithTransfer.includes(this.rules.edition);
        const lists = typeof token.grant !== 'string' && token.grant.has(id);
        if (dies && lists && (token.state === 'active' || token.state === 'inactive')) {
          token.state = 'revoked';
          token.why = 'ownership_transferred';
        }
      }
    };
  }

  #unassign(start: string, end: string): void {
    for (const key of this.assignments.keys())
      if (key.startsWith(start) && key.endsWith(end)) this.assignments.delete(key);
  }

  #renew(): void {
    for (const all of [this.members, this.teams, this.workspaces, this.assignments, this.environments, this.resources])
      all.clear();
    for (const token of this.tokens) token.state = 'deleted';
  }

  #createToken(op: Operation & { do: 'token.create' }): (text: string | null) => void {
    const { id, manager } = this.#caller(op.by);
    const owner = op.owner ?? id;
    need(owner !== null, 'an owner is required');
    need(this.members.has(owner!), 'the owner is no member');
    need(id === null || id === owner, 'only for oneself');
    const kind = this.rules.kinds[op.kind]!;
    this.#mayHave(owner, kind);
    this.#mayScope(owner!, kind, op.scopes);
    const { grant, roles } = this.#mayGrant(owner!, kind, op.workspaces);
    const token: ModelToken = {
      kind: op.kind,
      owner: owner!,
      life: this.members.get(owner!)!.life,
      bornMs: this.nowMs,
      scopes: op.scopes,
      grant,
      roles,
      everywhere: this.rules.edition === 'personal' ? null : this.#roleRules(this.members.get(owner!)!.role).everywhere,
      state: 'active',
      why: null,
      endsMs: this.#ends(kind, op.days, this.nowMs),
    };
    this.#within(manager, token);
    this.#room(token);
    return (text) => {
      this.tokens.push(token);
      this.values.push({ text: text!, token, untilMs: Number.POSITIVE_INFINITY });
    };
  }

  #mayHave(id: string | null, kind: KindRules): void {
    need(id === null || this.#mayHold(id, kind), 'the action is missing');
  }

  #mayHold(id: string, kind: KindRules): boolean {
    if (kind.everyoneAlone && this.rules.edition === 'personal') return true;
    return kind.holders?.includes(this.members.get(id)!.role) !== false && this.#acts(id, kind.action);
  }

  #acts(id: string, action: string): boolean {
    const { actions, role } = this.members.get(id)!;
    const held = actions ?? this.#roleRules(role).actions;
    return held === 'all' || held.includes(action);
  }

  /** The reserved scope goes with the actions, not with the scopes. */
  #mayManage(id: string): boolean {
    return this.#acts(id, this.rules.seeAll) || Object.values(this.rules.kinds).some((kind) => this.#mayHold(id, kind));
  }

  #mayScope(owner: string, kind: KindRules, scopes: readonly string[] | null): void {
    if (scopes === null) return need(kind.optional.includes('scopes'), 'scopes are required');
    const may = (scope: string) =>
      scope === MANAGE ? kind.follows && this.#mayManage(owner) : covers(this.#scopesOf(owner), scope);
    need(scopes.length > 0, 'a token has scopes, or what its owner may');
    need(scopes.every(may), 'a scope beyond the owner');
  }

  #mayGrant(
    owner: string,
    kind: KindRules,
    asked: Workspaces | null,
  ): { grant: AllGrant | Set<string>; roles: Map<string, Role> } {
    const choice: Choice = kind.choice(this.rules.edition, this.members.get(owner)!.role);
    need(asked !== null || kind.optional.includes('workspaces'), 'workspaces are required');
    const wanted = asked ?? 'all';
    if (typeof wanted === 'string') {
      const grant = wanted === 'all' ? choice.all : wanted;
      need(WIDTH.indexOf(grant) <= WIDTH.indexOf(choice.all), 'too wide');
      const roles = new Map<string, Role>();
      for (const id of this.workspaces.keys()) {
        const role = this.#roleOf(owner, id);
        if (role !== null) roles.set(id, role);
      }
      return { grant, roles };
    }
    need(wanted.length > 0 && wanted.length <= choice.most, 'too many or too few');
    const roles = new Map<string, Role>();
    for (const id of wanted) {
      need(this.workspaces.has(id), 'no such workspace');
      const owns = this.#owns(owner, id);
      need(choice.listed !== 'owned' || owns, 'not owned');
      need(choice.listed !== 'joined' || this.#joined(owner, id) !== null, 'not joined');
      const role = this.#roleOf(owner, id);
      if (role !== null) roles.set(id, role);
    }
    return { grant: new Set(wanted), roles };
  }

  /** Days from `fromMs`. */
  #ends(kind: KindRules, days: number | 'never' | null, fromMs: number): number {
    if (days === null) need(kind.optional.includes('expiry'), 'an expiry is required');
    if (days === 'never') need(kind.never, 'nothing lives for ever');
    if (typeof days !== 'number') return Number.POSITIVE_INFINITY;
    need(days >= kind.days[0] && days <= kind.days[1], 'out of range');
    return fromMs + days * DAY_MS;
  }

  /** Scopes, workspaces and expiry of the managing token bound what it makes and changes. */
  #within(manager: ModelToken | null, token: ModelToken): void {
    if (manager === null) return;
    need(token.scopes?.every((scope) => covers(manager.scopes!, scope)) === true, "beyond the managing token's scopes");
    need(token.endsMs <= manager.endsMs, 'outlives the managing token');
    for (const workspace of this.workspaces.keys()) {
      const beyond = this.#isGranted(token, workspace) && !this.#isGranted(manager, workspace);
      need(!beyond, 'reaches a workspace that the managing token does not');
    }
    if (typeof token.grant !== 'string') {
      // Today's rule and tomorrow's list may part ways: whether that is beyond is for the program to say.
      if (typeof manager.grant === 'string') this.#open = manager.grant !== 'all-organization';
      else
        need(
          [...token.grant].every((id) => (manager.grant as Set<string>).has(id)),
          'lists more',
        );
    } else {
      need(typeof manager.grant === 'string', 'a rule is wider than a list');
      need(WIDTH.indexOf(token.grant) <= WIDTH.indexOf(manager.grant as AllGrant), 'a wider rule');
    }
  }

  #room(token: ModelToken): void {
    const limits = this.kindOf(token).limits(this.rules.edition);
    const others = (owner: string | null) => {
      const { state } = token;
      // It is about to count: left out of what already does.
      token.state = 'deleted';
      const count = this.counted(token.kind, owner);
      token.state = state;
      return count;
    };
    need(others(token.owner) < limits.perOwner, 'the limit per owner');
    need(others(null) < limits.perOrganization, 'the limit of the organization');
  }

  /** Whoever may not see it is told that there is none. */
  #seen(by: By, number: number): { token: ModelToken; id: string | null; manager: ModelToken | null } {
    const { id, manager } = this.#caller(by);
    const token = this.token(number);
    need(token !== undefined && token.state !== 'deleted', 'no such token');
    if (id !== null && id !== token!.owner && !this.#isAdministrator(id)) {
      need(this.rules.edition !== 'personal' && this.#acts(id, this.rules.seeAll), 'not theirs to see');
    }
    return { token: token!, id, manager };
  }

  /** The member whom it was made for; a newcomer of the same id is somebody else. */
  #own(id: string | null, token: ModelToken): void {
    need(id === null || (id === token.owner && this.#ownerIsThere(token)), 'only its owner');
  }

  #patchToken({ by, token: number, change }: Operation & { do: 'token.patch' }): () => void {
    const { token, id, manager } = this.#seen(by, number);
    const kind = this.kindOf(token);
    // What is the organization's, or was left behind, every administrator edits.
    const isTheirs = !kind.follows || !this.#ownerIsThere(token);
    if (id === null || manager !== null || !this.#isAdministrator(id) || !isTheirs) {
      this.#own(id, token);
      this.#mayHave(id, kind);
    }
    need(token.state !== 'revoked', 'revoked is for ever');
    for (const field of ['name', 'scopes', 'workspaces'] as const)
      need(change[field] === undefined || kind.editable.includes(field), 'not to be edited');
    const after: ModelToken = { ...token };
    if (change.scopes !== undefined) {
      const isMore = token.scopes === null || !change.scopes.every((scope) => covers(token.scopes!, scope));
      if (isMore) {
        need(this.#ownerIsThere(token), 'its owner has gone');
        this.#own(id, token);
        this.#mayScope(token.owner, kind, change.scopes);
      }
      after.scopes = change.scopes;
    }
    if (change.days !== undefined) {
      need(kind.expiryEditable, 'not to be edited');
      after.endsMs = this.#ends(kind, change.days, token.bornMs);
      need(after.endsMs > this.nowMs, 'in the past');
    }
    this.#within(manager, after);
    if (change.days !== undefined) this.#room(token);
    return () => {
      token.scopes = after.scopes;
      token.endsMs = after.endsMs;
    };
  }

  #rotateToken({ by, token: number, graceSeconds }: Operation & { do: 'token.rotate' }): (text: string | null) => void {
    const { token, id, manager } = this.#seen(by, number);
    const kind = this.kindOf(token);
    this.#own(id, token);
    this.#mayHave(id, kind);
    this.#within(manager, token);
    need(kind.graceSeconds !== null && graceSeconds <= kind.graceSeconds, 'no rotation, or too long a grace');
    need(token.state !== 'revoked' && this.nowMs < token.endsMs, 'ended');
    return (text) => {
      for (const value of this.values) {
        if (value.token !== token) continue;
        const isCurrent = value.untilMs === Number.POSITIVE_INFINITY;
        // As said when it was rotated: the grace ends with the token's expiry of that moment, whatever is set later.
        value.untilMs = Math.min(
          isCurrent ? this.nowMs + graceSeconds * 1000 : value.untilMs,
          isCurrent ? token.endsMs : this.nowMs,
        );
      }
      this.values.push({ text: text!, token, untilMs: Number.POSITIVE_INFINITY });
    };
  }

  #endToken(op: Operation & { token: number; do: string }): () => void {
    const { token, id, manager } = this.#seen(op.by, op.token);
    if (id !== null && (manager !== null || !this.#isAdministrator(id))) {
      need(id === token.owner, 'neither its owner nor an administrator');
      // Whoever may no longer manage theirs may still end for ever what leaked.
      if (op.do !== 'token.revoke' || manager !== null) this.#mayHave(id, this.kindOf(token));
    }
    if (op.do === 'token.delete')
      return () => {
        token.state = 'deleted';
      };
    if (op.do === 'token.revoke') {
      return () => {
        if (token.state !== 'revoked') token.why = null;
        token.state = 'revoked';
      };
    }
    need(token.state !== 'revoked', 'revoked is for ever');
    if (op.do === 'token.deactivate') {
      return () => {
        token.state = 'inactive';
      };
    }
    need(token.why !== 'owner_removed', 'its owner was removed');
    // An administrator may switch on whose it is; a newcomer of the owner's id may not, and a token only what is within it.
    if (id !== null && !(manager === null && this.#isAdministrator(id))) this.#own(id, token);
    this.#within(manager, token);
    this.#room(token);
    return () => {
      token.state = 'active';
    };
  }
}

function need(condition: boolean, otherwise: string): asserts condition {
  if (!condition) throw new No(otherwise);
}

function atLeast(held: Role | null, role: Role | null): boolean {
  return role === null || held === role || held === 'admin';
}

/** Write is more than read, on the same resource. */
function covers(held: readonly string[] | 'all', scope: string): boolean {
  return held === 'all' || held.includes(scope) || held.includes(scope.replace(/:read$/, ':write'));
}

/** Whom a token was made for. */
function partyOf({ owner, life }: ModelToken): Party {
  return `${owner} ${life}`;
}
