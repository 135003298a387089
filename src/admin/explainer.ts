/**
 * Explanations for whoever may see the token: of a request that nobody sent, and of a decision that was made, then and now.
 * What other people have is shown to those alone who may see it. Asks the rules in force; judges nothing itself.
 */
import type { RoutePosition } from '../config/load/route-positions.ts';
import { fixOf } from '../core/explain-fix.ts';
import { accountKey, memberKey, resourceKey, type TokenHash, tokenKey, workspaceKey } from '../core/facts.ts';
import type { Policy } from '../core/policy.ts';
import type { DecisionRecord } from '../edge/decision-record.ts';
import type { ExplainedRequest, QuestionedRequest } from '../edge/explain-request.ts';
import type { FoundReach, ReachingToken } from '../edge/token-reach.ts';
import type { WhoCan } from '../edge/who-can.ts';
import { maySeeTokenOf } from '../manage/actor.ts';
import { enter, type ManageContext, reader } from '../manage/context.ts';
import { Rejection } from '../manage/rejection.ts';
import { getToken, listTokens } from '../manage/tokens/tokens.ts';
import type { TokenDoc } from '../manage/unit-of-work/records.ts';
import { StoreUnavailable } from '../store/store.ts';
import { explanationView } from './explain-view.ts';
import type { FindRefusals } from './refusal-shapes.ts';

/** The rules in force, where they are written, and what was refused by them. */
export interface Explainer {
  /** null: the store cannot be asked. `hash`: null: with a token that nobody knows. */
  explain(asked: QuestionedRequest, hash: TokenHash | null): Promise<ExplainedRequest | null>;
  policy(): Policy;
  position(routeId: string): RoutePosition | null;
  /** By what the rules are known. */
  configuration(): string;
  /** The same rules, put to everybody. */
  whoCan(asked: QuestionedRequest): WhoCan;
  /** The same rules, route by route. */
  reach(token: ReachingToken): Promise<FoundReach>;
  /** Where requests go; null: nobody said, and no gateway listens here. */
  gatewayUrl(): string | null;
  readonly refusals: FindRefusals;
  /** How many of them each process remembers, and for how long. */
  keeps(): { readonly keep: number; readonly forMinutes: number };
}

type Decided = DecisionRecord & { readonly process: string | null };

interface FieldChange {
  readonly what: string;
  readonly before: string | null;
  readonly after: string | null;
}

/** `token`: null: of a token that nobody knows. */
export async function explainedView(
  manage: ManageContext,
  explainer: Explainer,
  asked: QuestionedRequest,
  token: TokenDoc | null,
) {
  const explained = await explainer.explain(asked, token?.hash ?? null);
  if (explained === null) throw new StoreUnavailable('the store could not be asked for an explanation');
  const { explanation, reading } = explained;
  const requirement = reading.route?.requirement ?? null;
  const policy = explainer.policy();
  const fix =
    explanation === null || requirement === null || token === null
      ? null
      : fixOf(explanation, requirement, policy.kinds.get(token.kind));
  const position = reading.route === null ? null : explainer.position(reading.route.id);
  const isRefused = (explanation?.reason ?? null) !== null;
  const otherTokens = isRefused && token !== null ? await othersThatPass(manage, explainer, asked, token) : [];
  const view = explanationView({ asked, explained, token, fix, otherTokens, position, policy });
  return token === null || (await seesOthers(manage, token.organizationId)) ? view : ofOneself(view);
}

/** Of the owner's newest that are active: so many are asked about, and so many are enough. */
const OTHERS_ASKED = 50;
const OTHERS_ENOUGH = 3;

/** Tokens of the same owner with which the same request is let through as they are. */
async function othersThatPass(
  manage: ManageContext,
  explainer: Explainer,
  asked: QuestionedRequest,
  { organizationId, ownerId, id }: TokenDoc,
): Promise<readonly TokenDoc[]> {
  if (ownerId === null) return [];
  const page = { limit: OTHERS_ASKED, cursor: null };
  const { items } = await listTokens(manage, organizationId, { owner: ownerId, state: 'active' }, page);
  const passing: TokenDoc[] = [];
  for (const other of items) {
    if (other.id === id || passing.length === OTHERS_ENOUGH) continue;
    const explanation = (await explainer.explain(asked, other.hash))?.explanation ?? null;
    const isLet = explanation?.checks.every(({ state }) => state === 'passes' || state === 'notAsked');
    if (isLet === true) passing.push(other);
  }
  return passing;
}

/** 404 where the token is not the caller's to see. */
export async function thenAndNow(manage: ManageContext, explainer: Explainer, decided: Decided) {
  const token = await tokenOf(manage, decided);
  const now = decided.altered
    ? unknownNow(manage, decided)
    : withoutToken(decided, await explainedView(manage, explainer, askedAgain(decided), token));
  return { ...now, decided, changes: await changesSince(manage, explainer, decided, token, now) };
}

type View = ReturnType<typeof explanationView>;

/** A path that is not the request's own matches other routes. */
function unknownNow(manage: ManageContext, { method, host, path }: Decided): View {
  return {
    ...{ outcome: 'depends', reason: null, status: null, at: new Date(manage.nowMs()).toISOString() },
    ...{ request: { method, host: host ?? '', path }, route: null, token: null, checks: [] },
    ...{ fix: null, otherTokens: [] },
  };
}

/** On a route that asks for one: its token is not kept, and what was wrong with it may or may not be so still. */
function withoutToken({ token, reason, status }: Decided, view: View): View {
  const isJudged =
    view.token !== null || view.outcome === 'refused' || view.checks.some(({ name }) => name === 'public');
  if (isJudged) return view;
  if (token !== null) return { ...view, outcome: 'refused', reason: 'token_unknown', status: 401 };
  return reason === 'token_missing' || reason === 'token_malformed'
    ? { ...view, outcome: 'refused', reason, status }
    : { ...view, outcome: 'depends' };
}

/** null: none is known, or it is no more. */
async function tokenOf(manage: ManageContext, { organization, token }: Decided): Promise<TokenDoc | null> {
  if (organization === null || token === null) return null;
  try {
    return await getToken(manage, organization, token);
  } catch (error) {
    const isGone = error instanceof Rejection && error.details.kind === 'not_found';
    if (!isGone || manage.actor.kind !== 'operator') throw error;
    return null;
  }
}

/** As much of the request as is kept. */
function askedAgain({
  method,
  path,
  host,
  address,
  workspace,
  environment,
  resource,
  reason,
}: Decided): QuestionedRequest {
  const isNamed = (workspace ?? environment ?? resource) !== null;
  return {
    method,
    target: path,
    host: host ?? 'localhost',
    address: address === '' ? null : address,
    recalled: { workspace, environment, resource, isBodyKnown: isNamed || reason === 'workspace_ambiguous' },
  };
}

async function changesSince(
  { store }: ManageContext,
  explainer: Explainer,
  decided: Decided,
  token: TokenDoc | null,
  now: View,
): Promise<readonly FieldChange[]> {
  const changes: FieldChange[] = [];
  const compare = (what: string, before: string | null, after: string | null) => {
    if (before !== after) changes.push({ what, before, after });
  };
  if (decided.configuration !== '') compare('configuration', decided.configuration, explainer.configuration());
  compare('route', decided.route, now.route?.id ?? (decided.altered ? decided.route : null));
  if (decided.token === null) return changes;
  if (token === null) return [...changes, { what: 'token', before: decided.token, after: null }];
  if (decided.state !== null) {
    compare('token.state', decided.state, token.state);
    compare('token.scopes', decided.scopes, shortened(token.scopes?.join(' ') ?? ''));
    compare('token.workspaces', decided.workspaces, shortened(grantText(token)));
    compare(
      'token.expiresAt',
      decided.expiresAt,
      token.expiresAtMs === null ? null : new Date(token.expiresAtMs).toISOString(),
    );
  }
  for (const key of await keysChanged(store, decided, token, now.checks)) changes.push(key);
  return changes;
}

/** As it is kept of a decision. */
const KEPT_MAX = 256;
const shortened = (text: string) => (text.length > KEPT_MAX ? `${text.slice(0, KEPT_MAX)}…` : text);

function grantText({ workspaces }: TokenDoc): string {
  return typeof workspaces === 'string' ? workspaces : workspaces.map(([id]) => id).join(',');
}

/** Records that the verdict rests on and that were written since. */
async function keysChanged(
  store: ManageContext['store'],
  { revision, workspace, resource }: Decided,
  { organizationId, ownerId, clientId, id }: TokenDoc,
  checks: View['checks'],
): Promise<readonly FieldChange[]> {
  if (revision === 0) return [];
  const own = tokenKey(organizationId, id);
  const [type, resourceId] = resource?.split(/\/(.*)/s) ?? [];
  const keys = new Set(
    [
      ownerId === null ? null : memberKey(organizationId, ownerId),
      clientId == null ? null : accountKey(organizationId, clientId),
      workspace === null ? null : workspaceKey(organizationId, workspace),
      type === undefined || resourceId === undefined ? null : resourceKey(organizationId, type, resourceId),
      ...checks.flatMap(({ sources }) =>
        (sources as readonly object[]).map((source) => ('record' in source ? String(source.record) : null)),
      ),
    ].filter((key) => key !== null && key !== own) as string[],
  );
  const found = await Promise.all(
    [...keys].map(async (key) => ({ key, version: (await store.get(key))?.version ?? 0 })),
  );
  return found
    .filter(({ version }) => version > revision)
    .map(({ key, version }) => ({
      what: key,
      before: `as of change ${revision}`,
      after: `written by change ${version}`,
    }));
}

/** May this caller see what others of the organization have? */
async function seesOthers(manage: ManageContext, org: string): Promise<boolean> {
  if (manage.actor.kind === 'operator') return true;
  const { rights } = await enter(manage, reader(manage.store), org);
  return rights.administrator || maySeeTokenOf(rights, manage.policy(), null);
}

/** Without who else has what. */
function ofOneself(view: View): View {
  const { checks, fix } = view;
  return {
    ...view,
    checks: checks.map((check) =>
      check.name === 'relation' ? { ...check, values: { ...check.values, owner: null, collaborators: null } } : check,
    ),
    // A command that sets all collaborators names them.
    fix: fix?.some(({ command }) => command.includes('collaborators')) ? null : fix,
  };
}
