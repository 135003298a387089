/**
 * What is kept of one decision, for the log and for whoever asks later why: what was asked for, by what it was judged, and
 * what came of it. Never a query, a body, or a token. Noted while the request is here, as a few values of its own, and put
 * into words only when somebody reads it.
 */
import type { FieldValue } from '../core/bodies/inspected-body.ts';
import type { TokenFacts } from '../core/facts.ts';
import type { Reason } from '../core/reason.ts';
import type { Route } from '../core/route.ts';
import { type SelectorSource, select } from '../core/selector.ts';
import { escapedTarget } from '../core/target.ts';
import { withoutTokens } from '../core/token-format.ts';
import { clientAddressOf, type RequestContext } from './request-context.ts';

/** A decision as everybody reads it: a line of the log, a refusal that is remembered. */
export interface DecisionRecord {
  readonly id: string;
  readonly requestId: string;
  /** When the request came. */
  readonly at: string;
  readonly method: string;
  readonly host: string | null;
  /** Up to its `?`. */
  readonly path: string;
  /** The path is not the request's own: it could not be read, held a token, or was too long to keep. */
  readonly altered: boolean;
  readonly route: string | null;
  readonly token: string | null;
  readonly kind: string | null;
  readonly organization: string | null;
  /** The token's owner; null: it has none, or none is known. */
  readonly owner: string | null;
  /** The token's fields as they were. */
  readonly state: string | null;
  readonly scopes: string | null;
  readonly workspaces: string | null;
  readonly expiresAt: string | null;
  /** What the request names, whether it may have it or not. */
  readonly workspace: string | null;
  readonly environment: string | null;
  readonly resource: string | null;
  readonly role: string | null;
  readonly outcome: 'allowed' | 'refused';
  readonly reason: Reason | null;
  readonly detail: string | null;
  readonly status: number | null;
  readonly configuration: string;
  /** Of the store: up to which the facts were known. */
  readonly revision: number;
  readonly degraded: boolean;
  readonly address: string;
  readonly authUs: number;
  readonly upstreamMs: number | null;
}

/** The same before it is put into words. Its texts may be pieces of the request's head, and keep all of it in memory. */
export interface DecisionNote {
  readonly decisionId: string;
  readonly requestId: string;
  readonly atMs: number;
  readonly method: string;
  readonly host: string;
  /** Of a target that could not be read, the target. */
  readonly path: string;
  readonly isRead: boolean;
  readonly isCut: boolean;
  readonly routeId: string | null;
  /** Its fields as they were: facts that change are others. */
  readonly token: TokenFacts | null;
  readonly workspace: string | null;
  readonly environment: string | null;
  readonly resource: string | null;
  readonly role: string | null;
  readonly reason: Reason | null;
  readonly detail: string | null;
  readonly status: number | null;
  readonly configuration: string;
  readonly revision: number;
  readonly isDegraded: boolean;
  readonly address: string;
  readonly decidedMs: number;
  readonly upstreamMs: number | null;
}

/** A decision, as far as it is known. */
export interface Decided {
  readonly request: RequestContext;
  readonly route: Route | null;
  readonly reason: Reason | null;
  readonly detail?: string | null;
  readonly status: number | null;
  readonly upstreamMs: number | null;
}

/** More than any id has. */
const VALUE_MAX = 200;
const HOST_MAX = 100;
/** Of a token's scopes and workspaces. */
const LIST_MAX = 256;

/** `revision`: up to which the facts are known. `pathMax`: of what is kept of a path. */
export function noteOf(decided: Decided, revision: number, pathMax: number): DecisionNote {
  const { request, route, reason, detail = null, status, upstreamMs } = decided;
  const { requestId, decisionId, exchange, token, allowed, selected, reading, isTrusted } = request;
  const isRead = reading.target.path !== '';
  const path = isRead ? reading.target.path : withoutQuery(exchange.target);
  // Nobody whose token is not known has been asked which workspace they mean.
  const asked = token === null ? null : (route?.requirement ?? null);
  const named = asked === null ? NOTHING : namedBy(reading, asked, selected);
  return {
    decisionId,
    requestId,
    atMs: request.nowMs,
    method: exchange.method,
    host: cut(reading.headerFacts.host, HOST_MAX),
    path: cut(path, pathMax),
    isRead,
    isCut: path.length > pathMax,
    routeId: route?.id ?? null,
    token,
    workspace: allowed?.workspaceId ?? named.workspace,
    environment: allowed?.environmentId ?? named.environment,
    resource: named.resource,
    role: allowed?.role ?? null,
    reason,
    detail,
    status,
    configuration: request.ruleset.log.configuration,
    revision,
    isDegraded: request.degraded !== null,
    address: isTrusted ? cut(clientAddressOf(request), VALUE_MAX) : exchange.peerAddress,
    decidedMs: request.decidedMs,
    upstreamMs,
  };
}

/** The token's owner; null: it has none, or none is known. */
export function ownerIdOf({ token }: DecisionNote): string | null {
  return token === null ? null : (token.ownerId ?? token.clientId);
}

export function recordOf(note: DecisionNote): DecisionRecord {
  const path = withoutTokens(note.isRead ? note.path : escapedTarget(note.path));
  const { token, reason, detail } = note;
  return {
    id: note.decisionId,
    requestId: note.requestId,
    at: new Date(note.atMs).toISOString(),
    method: note.method,
    host: note.host === '' ? null : withoutTokens(note.host),
    path,
    altered: !note.isRead || note.isCut || path !== note.path,
    route: note.routeId,
    token: token?.id ?? null,
    kind: token?.kind ?? null,
    organization: token?.organizationId ?? null,
    owner: ownerIdOf(note),
    state: token?.state ?? null,
    scopes: token === null ? null : cutList(token.scopesText),
    workspaces: token === null ? null : cutList(grantText(token)),
    expiresAt: token === null || token.expiresAtMs === Infinity ? null : new Date(token.expiresAtMs).toISOString(),
    workspace: clean(note.workspace),
    environment: clean(note.environment),
    resource: clean(note.resource),
    role: note.role,
    outcome: reason === null ? 'allowed' : 'refused',
    reason,
    detail: detail === null ? null : withoutTokens(detail).slice(0, VALUE_MAX),
    status: note.status,
    configuration: note.configuration,
    revision: note.revision,
    degraded: note.isDegraded,
    address: note.address,
    authUs: Math.round(note.decidedMs * 1000),
    upstreamMs: note.upstreamMs === null ? null : Math.round(note.upstreamMs * 1000) / 1000,
  };
}

interface Named {
  workspace: string | null;
  environment: string | null;
  resource: string | null;
}

const NOTHING: Readonly<Named> = { workspace: null, environment: null, resource: null };

/** What the request names, whether it may have it or not. `selected`: its workspace's value, where that was looked for. */
function namedBy(
  source: SelectorSource,
  { workspace, resource }: NonNullable<Route['requirement']>,
  selected: FieldValue,
): Readonly<Named> {
  if (workspace === null && resource === null) return NOTHING;
  const named: Named = { workspace: null, environment: null, resource: null };
  if (workspace !== null) {
    const value = selected === undefined ? select(workspace.selector, source) : selected;
    named[workspace.as] = namedValue(value, workspace.as === 'resource' ? `${workspace.type}/` : '');
  }
  if (resource !== null) named.resource = namedValue(select(resource.selector, source), `${resource.type}/`);
  return named;
}

function namedValue(value: FieldValue, before: string): string | null {
  return value == null ? null : before + cut(value, VALUE_MAX);
}

/** Its ids as they are sent upstream; an all-grant by its name, which says more than `*`. */
function grantText({ workspaces, workspacesText }: TokenFacts): string {
  return typeof workspaces === 'string' ? workspaces : workspacesText;
}

function withoutQuery(target: string): string {
  const end = target.search(/[?#]/);
  return end === -1 ? target : target.slice(0, end);
}

function cutList(text: string): string {
  return text.length <= LIST_MAX ? text : `${text.slice(0, LIST_MAX)}…`;
}

function clean(text: string | null): string | null {
  return text === null ? null : withoutTokens(text);
}

function cut(text: string, max: number): string {
  // The cut may be in a token, of which nothing stays.
  return text.length <= max ? text : `${text.slice(0, max).replace(/\w+$/, '')}…`;
}
