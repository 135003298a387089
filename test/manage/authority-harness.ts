/**
 * The real management and the real decision on one side, the model on the other. Every operation is carried out on both;
 * after each, every token value that was ever handed out is tried on everything there is.
 */
import { fileURLToPath } from 'node:url';
import { readCaller } from '../../src/admin/caller.ts';
import { Sessions } from '../../src/admin/sessions.ts';
import type { Visit } from '../../src/admin/visit.ts';
import { loadPolicy } from '../../src/config/load/load-policy.ts';
import type { Role, TokenHash } from '../../src/core/facts.ts';
import type { Policy } from '../../src/core/policy.ts';
import type { Requirement } from '../../src/core/requirement.ts';
import { compileScopes } from '../../src/core/scope.ts';
import { judge, type Settled } from '../../src/edge/judge.ts';
import { type Actor, OPERATOR } from '../../src/manage/actor.ts';
import type { ManageContext } from '../../src/manage/context.ts';
import { deleteAssignment, putAssignment } from '../../src/manage/organization/assignments.ts';
import { deleteMember, deleteTeam, patchMember, putMember, putTeam } from '../../src/manage/organization/members.ts';
import { deleteOrganization, putOrganization } from '../../src/manage/organization/organizations.ts';
import {
  deleteEnvironment,
  deleteResource,
  putEnvironment,
  putResource,
} from '../../src/manage/organization/workspace-contents.ts';
import { deleteWorkspace, putWorkspace, transferWorkspace } from '../../src/manage/organization/workspaces.ts';
import { Rejection } from '../../src/manage/rejection.ts';
import {
  changeTokenState,
  deleteToken,
  patchToken,
  rotateToken,
  type StateChange,
} from '../../src/manage/tokens/token-changes.ts';
import { stateShown } from '../../src/manage/tokens/token-state.ts';
import { createToken, listTokens } from '../../src/manage/tokens/tokens.ts';
import { systemClock } from '../../src/observe/clock.ts';
import { hashToken } from '../../src/secret.ts';
import { FactCache } from '../../src/store/cache/fact-cache.ts';
import { MemoryStore } from '../../src/store/memory-store.ts';
import { type By, DAY_MS, Model, type ModelValue, type Operation, type Probe } from './authority-model.ts';
import type { PolicyRules } from './authority-policies.ts';

export const MEMBERS = ['ann', 'bob', 'cat'] as const;
export const TEAMS = ['t1', 't2'] as const;
export const WORKSPACES = ['w1', 'w2', 'w3'] as const;
export const ENVIRONMENTS = ['e1', 'e2'] as const;
export const RESOURCES = ['r1', 'r2'] as const;

const START_MS = Date.UTC(2030, 0, 1);
/** Time moves between any two operations, so that "before" and "after" mean something. */
const TICK_MS = 1;

/** A rule was broken; says which, and by what. */
export class Broken extends Error {}

/** How an operation went, for a history that can be read. */
export interface Step {
  readonly operation: Operation;
  readonly outcome: string;
}

interface Side {
  readonly org: string;
  readonly model: Model;
  /** By position in the model's `tokens` and `values`. */
  readonly ids: string[];
  readonly hashes: TokenHash[];
  /** Values that something final has happened to: kept apart from the model, so that neither can forgive the other. */
  readonly ended: Map<string, string>;
}

export interface CompiledProbe {
  readonly probe: Probe;
  readonly requirement: Requirement;
  readonly segments: readonly string[];
}

export class AuthorityHarness {
  readonly history: Step[] = [];
  readonly rules: PolicyRules;
  readonly #policy: Policy;
  readonly #store = new MemoryStore();
  readonly #cache: FactCache;
  readonly #probes: readonly CompiledProbe[];
  readonly #own: Side;
  /** Another organization with the same ids in it, where nothing ever happens. */
  readonly #twin: Side;
  readonly #manage: Omit<ManageContext, 'actor'>;
  #nowMs = START_MS;
  #recognised: Actor | null = null;

  constructor(rules: PolicyRules) {
    this.rules = rules;
    this.#policy = policyOf(rules);
    this.#cache = new FactCache(this.#store, {
      maxEntries: 10_000,
      absentTtlMs: 1_000_000,
      maxStalenessMs: 1_000_000,
      monotonicMs: () => 0,
    });
    this.#store.follow(this.#cache);
    this.#manage = { store: this.#store, policy: () => this.#policy, nowMs: () => this.#nowMs };
    this.#probes = probesOf(rules);
    this.#own = this.#side('acme');
    this.#twin = this.#side('twin');
  }

  async open(): Promise<void> {
    for (const side of [this.#own, this.#twin]) await this.#found(side);
    for (const kind of Object.keys(this.rules.kinds)) {
      const create = { do: 'token.create', by: 'operator', kind, owner: 'ann', workspaces: 'all-owned' } as const;
      await this.#act(this.#twin, { ...create, scopes: [this.rules.scopes[0]], days: 30 });
    }
    this.history.length = 0;
  }

  async close(): Promise<void> {
    await this.#store.close();
  }

  /**
   * Throws Broken. The caller of `next` is recognised before `operation` is carried out, as if both had come at once
   * and `next` had waited its turn: a managing token may end on the way.
   */
  async act(operation: Operation, next?: Operation): Promise<void> {
    const recognised = this.#recognised;
    const value = next?.by.startsWith('#') === true ? this.#own.model.value(next.by) : undefined;
    this.#recognised = value === undefined ? null : await this.#recognise(value);
    const accepted = await this.#act(this.#own, operation, recognised);
    if (operation.do === 'organization.renew' && accepted) await this.#found(this.#own);
    // One value more, and the number means another.
    if (next !== undefined && this.#own.model.value(next.by) !== value) this.#recognised = null;
    await this.#check(this.#own);
    await this.#check(this.#twin);
  }

  #side(org: string): Side {
    return { org, model: new Model(this.rules, START_MS), ids: [], hashes: [], ended: new Map() };
  }

  /** Three members of falling rank, workspaces of the lowest and the highest, a team, an environment, a resource. */
  async #found(side: Side): Promise<void> {
    await putOrganization(this.#context(OPERATOR), side.org, { name: side.org, edition: this.rules.edition });
    const roles = Object.keys(this.rules.roles);
    const ranks = [roles[0]!, roles[Math.min(2, roles.length - 1)]!, roles.at(-1)!];
    const by = 'operator';
    const steps: Operation[] = [
      ...MEMBERS.map(
        (id, rank) => ({ do: 'member.put', by, id, role: ranks[rank]!, scopes: null, actions: null }) as const,
      ),
      { do: 'team.put', by, id: 't1', members: ['bob'] },
      { do: 'workspace.put', by, id: 'w1', owner: 'cat' },
      { do: 'workspace.put', by, id: 'w2', owner: 'ann' },
      { do: 'environment.put', by, workspace: 'w1', id: 'e1' },
      { do: 'resource.put', by, workspace: 'w1', id: 'r1', owner: 'cat', collaborators: ['bob'] },
      { do: 'assignment.put', by, workspace: 'w1', of: 'teams', id: 't1', role: 'member' },
    ];
    for (const step of steps) await this.#act(side, step);
  }

  /** On both sides; they must agree on whether it may be done. */
  async #act(side: Side, operation: Operation, recognised: Actor | null = null): Promise<boolean> {
    this.#nowMs += TICK_MS;
    if (operation.do === 'wait') this.#wait(side, operation);
    this.#own.model.nowMs = this.#nowMs;
    this.#twin.model.nowMs = this.#nowMs;
    const { model } = side;
    const plan =
      operation.do === 'wait' ? ({ expected: 'accepted', effect: () => {} } as const) : model.plan(operation);
    let text: string | null = null;
    let refusal: string | null = null;
    try {
      text = await this.#execute(side, operation, recognised);
    } catch (error) {
      if (!(error instanceof Rejection)) throw error;
      refusal = error.details.code;
    }
    this.history.push({ operation, outcome: refusal === null ? 'done' : `refused, ${refusal}` });
    if (plan.expected === 'refused' && refusal === null) throw new Broken(`was done, but must not be: ${plan.why}`);
    if (plan.expected === 'accepted' && refusal !== null) throw new Broken(`was refused (${refusal}), but may be done`);
    if (plan.expected === 'refused' || refusal !== null) return false;
    const before = model.values.length;
    plan.effect(text);
    for (const value of model.values.slice(before)) side.hashes.push(hashToken(value.text));
    this.#bury(side, operation);
    await this.#compareReach(side, operation);
    return true;
  }

  #wait({ model }: Side, { ms, until }: Operation & { do: 'wait' }): void {
    const value = until === null ? undefined : model.value(`#${until}`);
    const endsMs = value === undefined ? Number.POSITIVE_INFINITY : Math.min(value.untilMs, value.token.endsMs);
    this.#nowMs = endsMs > this.#nowMs && Number.isFinite(endsMs) ? endsMs : this.#nowMs + ms;
  }

  /** The text of the token, where one was made. */
  async #execute(side: Side, op: Operation, recognised: Actor | null): Promise<string | null> {
    const { org, model } = side;
    if (op.do === 'wait') return null;
    const context = this.#context(recognised ?? (await this.#actor(side, op.by)));
    const idOf = (number: number) => side.ids[number % Math.max(1, side.ids.length)] ?? 'tok_none';
    switch (op.do) {
      case 'organization.renew':
        await deleteOrganization(context, org);
        return null;
      case 'member.put': {
        const { role, scopes, actions } = op;
        await putMember(context, org, op.id, { name: op.id, role, scopes, actions });
        return null;
      }
      case 'member.patch':
        await patchMember(context, org, op.id, op.change);
        return null;
      case 'member.delete':
        await deleteMember(context, org, op.id, { dryRun: op.dry });
        return null;
      case 'team.put':
        await putTeam(context, org, op.id, { name: op.id, members: op.members });
        return null;
      case 'team.delete':
        await deleteTeam(context, org, op.id);
        return null;
      case 'workspace.put':
        await putWorkspace(context, org, op.id, { name: op.id, owner: op.owner });
        return null;
      case 'workspace.delete':
        await deleteWorkspace(context, org, op.id);
        return null;
      case 'workspace.transfer':
        await transferWorkspace(context, org, op.id, op.owner, { dryRun: op.dry });
        return null;
      case 'assignment.put':
        await putAssignment(context, org, op.workspace, op.of, op.id, op.role);
        return null;
      case 'assignment.delete':
        await deleteAssignment(context, org, op.workspace, op.of, op.id);
        return null;
      case 'environment.put':
        await putEnvironment(context, org, op.workspace, op.id, { name: op.id });
        return null;
      case 'environment.delete':
        await deleteEnvironment(context, org, op.workspace, op.id);
        return null;
      case 'resource.put': {
        const { owner, collaborators } = op;
        await putResource(context, org, op.workspace, 'bot', op.id, { owner, collaborators });
        return null;
      }
      case 'resource.delete':
        await deleteResource(context, org, op.workspace, 'bot', op.id);
        return null;
      case 'token.create': {
        const { days } = op;
        const { value } = await createToken(context, org, {
          kind: op.kind,
          name: 't',
          ...(this.#policy.kinds.get(op.kind)!.contactRequired ? { contacts: { primary: op.owner ?? op.by } } : {}),
          ...(op.owner === null ? {} : { owner: op.owner }),
          ...(op.scopes === null ? {} : { scopes: op.scopes }),
          ...(op.workspaces === null ? {} : { workspaces: op.workspaces }),
          ...(days === null ? {} : days === 'never' ? { neverExpires: true } : { expiresInDays: days }),
        });
        side.ids.push(value.doc.id);
        return value.token;
      }
      case 'token.patch': {
        const { days, ...change } = op.change;
        const bornMs = model.token(op.token)?.bornMs ?? 0;
        const expiresAt = typeof days === 'number' ? new Date(bornMs + days * DAY_MS).toISOString() : null;
        await patchToken(context, org, idOf(op.token), days === undefined ? change : { ...change, expiresAt });
        return null;
      }
      case 'token.rotate':
        return (await rotateToken(context, org, idOf(op.token), op.graceSeconds)).value.token;
      case 'token.delete':
        await deleteToken(context, org, idOf(op.token));
        return null;
      default:
        await changeTokenState(context, org, idOf(op.token), op.do.slice('token.'.length) as StateChange);
        return null;
    }
  }

  #context(actor: Actor): ManageContext {
    return { ...this.#manage, actor };
  }

  /** As the sidecar finds out who is calling. */
  async #actor({ model }: Side, by: By): Promise<Actor> {
    if (by === 'operator') return OPERATOR;
    if (!by.startsWith('#')) return { kind: 'member', id: by };
    const value = model.value(by);
    const actor = value === undefined ? null : await this.#readCaller(value.text);
    if (actor === null) throw new Rejection({ kind: 'forbidden', code: 'not_allowed', detail: 'nobody known' });
    return actor;
  }

  #readCaller(text: string): Promise<Actor | null> {
    const parts = { manage: this.#manage, keys: [], sessions: new Sessions(systemClock) };
    return readCaller(parts, { authorization: `Bearer ${text}` }, { knownAddress: '127.0.0.1' } as Visit);
  }

  /** null: not yet, or by a value that is on its way out and may be replaced a second time. */
  async #recognise(value: ModelValue): Promise<Actor | null> {
    if (value.untilMs !== Number.POSITIVE_INFINITY) return null;
    return this.#readCaller(value.text);
  }

  /** What has ended for good, by nothing but the operation's own name. */
  #bury({ model, ended }: Side, op: Operation): void {
    const bury = (why: string, whose: (value: ModelValue) => boolean) => {
      for (const value of model.values) if (whose(value) && !ended.has(value.text)) ended.set(value.text, why);
    };
    if (op.do === 'token.revoke' || op.do === 'token.delete')
      bury(op.do, ({ token }) => token === model.token(op.token));
    if (op.do === 'organization.renew') bury(op.do, () => true);
    if (op.do === 'member.delete' && !op.dry)
      bury(op.do, ({ token }) => token.owner === op.id && model.kindOf(token).follows);
    if (op.do === 'workspace.transfer') bury(op.do, ({ token }) => token.why === 'ownership_transferred');
    if (op.do === 'token.rotate' && op.graceSeconds === 0)
      bury(op.do, ({ token, untilMs }) => token === model.token(op.token) && untilMs <= this.#nowMs);
  }

  /** What was just made does no more than its owner could in person, nor more than the token that made it. */
  async #compareReach(side: Side, op: Operation): Promise<void> {
    if (op.do !== 'token.create') return;
    const { model, hashes } = side;
    const made = model.values.length - 1;
    const { owner } = model.values[made]!.token;
    const maker = op.by.startsWith('#') ? hashes[Number(op.by.slice(1)) % made]! : null;
    for (const probe of this.#probes) {
      if (!(await this.#allows(hashes[made]!, probe))) continue;
      const what = `made a token that may do ${say(probe.probe)}`;
      if (!model.memberMay(owner, probe.probe)) throw new Broken(`${what}, which ${owner} may not`);
      if (maker !== null && !(await this.#allows(maker, probe))) throw new Broken(`${what}, which ${op.by} may not`);
    }
  }

  async #allows(hash: TokenHash, probe: CompiledProbe): Promise<boolean> {
    return (await this.#judge(hash, probe)).kind === 'allowed';
  }

  async #check(side: Side): Promise<void> {
    const { model, ended } = side;
    for (const [index, value] of model.values.entries()) {
      const name = `value #${index} of ${side.org}`;
      const hash = side.hashes[index]!;
      const weakest = await this.#judge(hash, NOTHING_ASKED);
      if (ended.has(value.text) && weakest.kind === 'allowed')
        throw new Broken(`${name} works after ${ended.get(value.text)}, and must never again`);
      if (model.works(value) !== (weakest.kind === 'allowed')) {
        const how = weakest.kind === 'allowed' ? 'works, but must not' : `is ${weakest.reason}, but should work`;
        throw new Broken(`${name} ${how}`);
      }
      if (weakest.kind === 'denied') continue;
      if (weakest.token.organizationId !== side.org) throw new Broken(`${name} is a token of another organization`);
      for (const probe of this.#probes) await this.#compare(name, value, hash, probe, model);
    }
    await this.#compareTokens(side);
    this.#checkLimits(model);
  }

  async #compare(name: string, value: ModelValue, hash: TokenHash, probe: CompiledProbe, model: Model): Promise<void> {
    const expected = model.may(value, probe.probe);
    const asked = this.#judge(hash, probe);
    const judgement = asked instanceof Promise ? await asked : asked;
    const got: Role | 'none' | null = judgement.kind === 'denied' ? null : (judgement.role ?? 'none');
    if (got === expected) return;
    const seen = judgement.kind === 'denied' ? `denied, ${judgement.reason}` : `allowed as ${got}`;
    const right = expected === null ? 'not be' : `be allowed as ${expected}`;
    const whose = `${value.token.kind} of ${value.token.owner}`;
    throw new Broken(`${name} (${whose}): ${say(probe.probe)} is ${seen}, and must ${right}`);
  }

  /** What the sidecar shows of each token is what the model knows. */
  async #compareTokens({ org, model, ids }: Side): Promise<void> {
    const page = await listTokens(this.#context(OPERATOR), org, {}, { limit: 1000, cursor: null });
    const shown = new Map(page.items.map((doc) => [doc.id, doc]));
    for (const [index, token] of model.tokens.entries()) {
      const doc = shown.get(ids[index]!);
      const real = doc === undefined ? 'deleted' : `${stateShown(doc, this.#nowMs)} ${doc.stateReason}`;
      const state = token.state !== 'revoked' && this.#nowMs >= token.endsMs ? 'expired' : token.state;
      const right = token.state === 'deleted' ? 'deleted' : `${state} ${token.why}`;
      if (real !== right) throw new Broken(`token ${index} of ${org} is ${real} and must be ${right}`);
    }
    if (shown.size !== model.tokens.filter(({ state }) => state !== 'deleted').length)
      throw new Broken(`${org} has ${shown.size} tokens`);
  }

  #checkLimits(model: Model): void {
    for (const [name, kind] of Object.entries(this.rules.kinds)) {
      const { perOwner, perOrganization } = kind.limits(this.rules.edition);
      for (const id of MEMBERS)
        if (model.counted(name, id) > perOwner) throw new Broken(`${id} has more than ${perOwner} ${name} tokens`);
      if (model.counted(name, null) > perOrganization)
        throw new Broken(`there are more than ${perOrganization} ${name} tokens`);
    }
  }

  #judge(hash: TokenHash, { requirement, segments }: CompiledProbe): Settled | Promise<Settled> {
    const source = { segments, query: '', headers: [], address: null };
    const at = { nowMs: this.#nowMs, monotonicMs: 0 };
    const clock = { nowMs: () => this.#nowMs, monotonicMs: () => 0 };
    // No probe asks for anything of a body.
    return judge({ hash, requirement, source }, this.#policy, this.#cache, at, clock) as Settled | Promise<Settled>;
  }
}

/** The shipped policy, with the limits that the rules have. */
export function policyOf(rules: PolicyRules): Policy {
  const path = fileURLToPath(new URL(`../../policies/${rules.policy}.yaml`, import.meta.url));
  const policy = loadPolicy(path, {}).policy!;
  const kinds = Array.from(policy.kinds, ([name, kind]) => {
    const limits = kind.limits.length === 0 ? [] : [{ ...NO_ENTERPRISE, ...rules.kinds[name]!.limits(rules.edition) }];
    return [name, { ...kind, limits }] as const;
  });
  return { ...policy, kinds: new Map(kinds) };
}

/** For every edition, and of organizations that belong to none. */
const NO_ENTERPRISE = { editions: null, perEnterprise: Number.POSITIVE_INFINITY };

export function probesOf({ scopes }: PolicyRules): CompiledProbe[] {
  const [read, write, other] = scopes;
  const at = (as: 'workspace' | 'environment' | 'resource', id: string, role: Role = 'member') => ({ as, id, role });
  const found: Probe[] = [];
  for (const asked of [[], [read], [write], [other], [read, other]]) {
    found.push({ scopes: asked, at: null, relation: null });
    for (const id of WORKSPACES) {
      for (const role of ['member', 'admin'] as const)
        found.push({ scopes: asked, at: at('workspace', id, role), relation: null });
    }
  }
  for (const id of ENVIRONMENTS) found.push({ scopes: [read], at: at('environment', id), relation: null });
  for (const id of RESOURCES) {
    found.push({ scopes: [read], at: at('resource', id, 'admin'), relation: null });
    for (const kind of ['owner', 'collaborator'] as const) {
      found.push({ scopes: [], at: at('resource', id), relation: { id, kind } });
      found.push({ scopes: [], at: at('workspace', 'w1'), relation: { id, kind } });
    }
  }
  return found.map(compileProbe);
}

function compileProbe(probe: Probe): CompiledProbe {
  const { scopes, at, relation } = probe;
  const selector = (index: number) => ({ from: 'path', index }) as const;
  const place =
    at === null
      ? null
      : at.as === 'resource'
        ? ({ as: at.as, type: 'bot', selector: selector(0), role: at.role } as const)
        : ({ as: at.as, selector: selector(0), role: at.role } as const);
  const asked = relation === null ? null : ({ type: 'bot', selector: selector(1), relation: relation.kind } as const);
  return {
    probe,
    requirement: {
      scopes: scopes.length === 0 ? null : compileScopes(scopes, true),
      apiVersions: null,
      workspace: place,
      resource: asked,
      environment: null,
      bodyFields: null,
    },
    segments: [at?.id ?? '', relation?.id ?? ''],
  };
}

export const NOTHING_ASKED = compileProbe({ scopes: [], at: null, relation: null });

function say({ scopes, at, relation }: Probe): string {
  const what = scopes.length === 0 ? 'anything' : scopes.join(' and ');
  const where = at === null ? '' : ` in ${at.as} ${at.id} as ${at.role}`;
  return `${what}${where}${relation === null ? '' : ` as ${relation.kind} of ${relation.id}`}`;
}
