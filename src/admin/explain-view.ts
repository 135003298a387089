/** An explanation as callers see it: the checks in their order, each with its sources, and the fix as commands. */
import type { RoutePosition } from '../config/load/route-positions.ts';
import type { CheckName, CheckReport } from '../core/explain.ts';
import type { FixStep, TokenGrant } from '../core/explain-fix.ts';
import { DAY_MS, type KindPolicy, type Policy } from '../core/policy.ts';
import type { Reason } from '../core/reason.ts';
import type { ExplainedRequest, QuestionedRequest } from '../edge/explain-request.ts';
import type { TokenDoc } from '../manage/unit-of-work/records.ts';

interface Explained {
  readonly asked: QuestionedRequest;
  readonly explained: ExplainedRequest;
  /** null: of a token that nobody knows. */
  readonly token: TokenDoc | null;
  /** null: no change of ours lets it through. */
  readonly fix: readonly FixStep[] | null;
  /** Of the same owner, with which it is let through as they are. */
  readonly otherTokens: readonly TokenDoc[];
  readonly position: RoutePosition | null;
  readonly policy: Policy;
}

const NUMBERS: Readonly<Record<CheckName, number>> = {
  ...{
    known: 4,
    active: 5,
    unexpired: 6,
    address: 6,
    scopes: 7,
    version: 7,
    workspace: 8,
    environment: 8,
    role: 9,
    relation: 10,
  },
};
/** Which part of a route a check reads. */
const WRITTEN: Partial<Record<CheckName, keyof RoutePosition>> = {
  ...{ scopes: 'scopes', workspace: 'workspace', environment: 'environment', role: 'role', relation: 'resource' },
};

export function explanationView({ asked, explained, token, fix, otherTokens, position, policy }: Explained) {
  const { reading, refused, explanation, atMs } = explained;
  const { route, target } = reading;
  const reason = refused ?? explanation?.reason ?? null;
  const isOpen = explanation?.checks.some(({ state }) => state === 'open') ?? false;
  const dialect = route?.dialect ?? policy.dialect;
  return {
    outcome: reason !== null ? 'refused' : isOpen ? 'depends' : 'allowed',
    reason,
    status: reason === null ? null : dialect.render(reason, { requestId: '-' }).status,
    at: new Date(atMs).toISOString(),
    request: { method: asked.method, host: asked.host, path: target.path },
    route: route === null ? null : { id: route.id, template: route.template },
    token: token === null ? null : { id: token.id, name: token.name, kind: token.kind, ownerId: token.ownerId },
    checks: [...readingChecks(explained, position), ...judgedChecks(explanation?.checks ?? [], position)],
    fix:
      fix === null || token === null || (reason === null && isOpen)
        ? null
        : fix.map((step) => fixView(step, token, policy.kinds.get(token.kind))),
    otherTokens: otherTokens.map(({ id, name, kind }) => ({ id, name, kind })),
  };
}

/** Steps 1 to 3. */
function readingChecks({ refused, reading: { route } }: ExplainedRequest, position: RoutePosition | null) {
  const ofRoute = route === null ? {} : { route: route.id, template: route.template };
  const sources = position === null ? [] : [position.route];
  const check = (number: number, name: string, failing: Reason | null, open: boolean, more = {}) => ({
    ...{ number, name, reason: failing, values: {}, sources: [] },
    result: failing !== null ? 'failed' : open ? 'open' : 'passed',
    ...more,
  });
  const isUnreadable = refused === 'bad_request';
  const readable = check(1, 'readable', isUnreadable ? refused : null, false);
  const found = check(2, 'route', isUnreadable ? null : refused, isUnreadable, { values: ofRoute, sources });
  if (route?.requirement !== null || refused !== null) return [readable, found];
  return [readable, found, { ...check(3, 'public', null, false), values: { token: 'none is asked for' } }];
}

function judgedChecks(checks: readonly CheckReport[], position: RoutePosition | null) {
  const first = checks.findIndex(({ state }) => state === 'fails');
  return checks.map(({ name, state, reason, values, from }, index) => {
    const isLater = first !== -1 && index > first;
    const written = WRITTEN[name];
    return {
      number: NUMBERS[name],
      name,
      result:
        state === 'passes'
          ? isLater
            ? 'wouldPass'
            : 'passed'
          : state === 'fails'
            ? isLater
              ? 'wouldFail'
              : 'failed'
            : state,
      reason,
      values: valuesView(values),
      sources: [
        ...(written === undefined || position === null || state === 'notAsked' ? [] : [position[written]]),
        ...from.map(({ key, field }) => ({ record: key, field })),
      ],
    };
  });
}

/** Times as everywhere in the API. */
function valuesView(values: CheckReport['values']): object {
  if (!('expiresAtMs' in values)) return values;
  const { expiresAtMs, ...others } = values;
  return { ...others, expiresAt: expiresAtMs === null ? null : new Date(expiresAtMs as number).toISOString() };
}

function fixView(step: FixStep, { id, organizationId }: TokenDoc, kind: KindPolicy | undefined) {
  const organization = `--organization ${quoted(organizationId)}`;
  switch (step.kind) {
    case 'activate':
      return { change: 'activate the token', command: `scopegate token activate ${id} ${organization}` };
    case 'edit':
      return {
        change: `give the token ${grantText(step.grant)}`,
        command: `scopegate token edit ${id} ${organization}${grantOptions(step.grant)}`,
      };
    case 'replace': {
      const text = grantText(step.grant);
      return {
        change: `make a new token like this one${text === '' ? '' : `, with ${text}`}, and use that`,
        command: `scopegate token create --like ${id} ${organization}${grantOptions(step.grant)}${expiryOption(kind)}`,
      };
    }
    case 'assign':
      return {
        change: `make ${step.id} ${step.role} of the workspace ${step.workspace}`,
        command: put(organizationId, `workspaces/${step.workspace}/assignments/${step.to}/${step.id}`, {
          role: step.role,
        }),
      };
    case 'collaborate': {
      const { owner, collaborators } = step;
      return {
        change: `make ${collaborators.at(-1)} a collaborator of ${step.type} ${step.id}`,
        command: put(organizationId, `workspaces/${step.workspace}/resources/${step.type}/${step.id}`, {
          owner,
          collaborators,
        }),
      };
    }
  }
}

function grantText({ scopes, workspaces, environments, allowedAddresses }: TokenGrant): string {
  return [
    ...(scopes === undefined ? [] : [`the scopes ${scopes.join(' ')}`]),
    ...(workspaces === undefined ? [] : [`the workspaces ${workspaces.join(' ')}`]),
    ...(environments === undefined ? [] : [`the environments ${environments.join(' ')}`]),
    ...(allowedAddresses === undefined ? [] : [`the addresses ${allowedAddresses.join(' ')}`]),
  ].join(', ');
}

function grantOptions(grant: TokenGrant): string {
  const { scopes = [], workspaces = [], environments = [], allowedAddresses = [] } = grant;
  const each = (option: string, values: readonly string[]) =>
    values.map((value) => ` --${option} ${quoted(value)}`).join('');
  const places = each('workspace', workspaces) + each('environment', environments);
  return each('scope', scopes) + places + each('allow-from', allowedAddresses);
}

const NEW_TOKEN_DAYS = 30;

/** A new token has an end of its own: a usual one, as its kind allows. */
function expiryOption(kind: KindPolicy | undefined): string {
  const days = Math.min(NEW_TOKEN_DAYS, Math.floor((kind?.expiry.maxMs ?? Number.POSITIVE_INFINITY) / DAY_MS));
  return ` --expires ${Math.max(1, days)}d`;
}

/** What the command line has no command for. */
function put(organization: string, below: string, body: object): string {
  const path = ['v1', 'organizations', organization, ...below.split('/')].map(encodeURIComponent).join('/');
  return (
    `curl -X PUT "$SCOPEGATE_ADMIN_URL/${path}" -H "Authorization: Bearer $SCOPEGATE_ADMIN_KEY" ` +
    `-H 'Content-Type: application/json' -d ${quoted(JSON.stringify(body))}`
  );
}

/** For a shell. */
function quoted(text: string): string {
  return /^[A-Za-z0-9._@:/-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`;
}
