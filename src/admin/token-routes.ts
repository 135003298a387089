/** Tokens over HTTP. Parses and renders; the rules are in manage/. */
import type { ManageContext } from '../manage/context.ts';
import { Rejection } from '../manage/rejection.ts';
import {
  changeTokenState,
  deleteToken,
  patchToken,
  rotateToken,
  type StateChange,
} from '../manage/tokens/token-changes.ts';
import type { TokenFilter } from '../manage/tokens/token-filter.ts';
import { createToken, findLeakedToken, getToken, listTokens } from '../manage/tokens/tokens.ts';
import { type TokenUsage, UNUSED, usageOf } from '../manage/tokens/usage.ts';
import { hashOfHex, hashToken } from '../secret.ts';
import { REVISION, TOKEN, TOKEN_TEXT } from './examples.ts';
import { GRANT_ERRORS, NEW_ERRORS } from './grant-errors.ts';
import { readPage, showPage } from './paging.ts';
import {
  ChangedTokenAnswer,
  CreatedTokenAnswer,
  FoundTokenAnswer,
  RevisionAnswer,
  RotatedTokenAnswer,
  TokenAnswer,
  TokenListAnswer,
} from './response-schemas.ts';
import { type AdminRoute, Created, type OwnErrors, route } from './route.ts';
import {
  FindBody,
  ItemParams,
  OrganizationParams,
  RotateBody,
  TokenBody,
  TokenPatchBody,
  TokenQuery,
} from './schemas.ts';
import { rotatedValueView, tokenView } from './views.ts';

const tag = 'tokens';
const all = { path: '/v1/organizations/:org/tokens', params: OrganizationParams, tag };
const one = { path: `${all.path}/:id`, params: ItemParams, tag };

/**
 * Read before a change: what happens to the answer afterwards says nothing of whether the change was made. Of a token that
 * the caller may not see nothing is read, or the time it takes would tell that it is there; the change itself refuses.
 */
async function usageOfOne(manage: ManageContext, organizationId: string, id: string): Promise<TokenUsage> {
  const doc = await getToken(manage, organizationId, id).catch((error) => {
    if (error instanceof Rejection) return null;
    throw error;
  });
  return doc === null ? UNUSED : (await usageOf(manage, [doc]))[0]!;
}

const DAYS = new Set(['expiringWithinDays', 'unusedForDays', 'unusedDays']);
const FLAGS = new Set(['neverUsed', 'apiVersionWithdrawn', 'contactGone']);

/** Query values are text. */
function filterOf(query: Readonly<Record<string, string>>): TokenFilter {
  const read = (name: string, text: string) =>
    DAYS.has(name) ? Number(text) : FLAGS.has(name) ? text === 'true' : text;
  return Object.fromEntries(Object.entries(query).map(([name, text]) => [name, read(name, text)])) as TokenFilter;
}

const recordRoutes: readonly AdminRoute[] = [
  route({
    ...all,
    id: 'createToken',
    method: 'POST',
    summary: 'Create a token; its text is shown this once',
    description:
      'For oneself, or for any owner by the admin key alone. What is not given is what the policy says of the kind.',
    body: TokenBody,
    answer: CreatedTokenAnswer,
    errors: NEW_ERRORS,
    example: {
      body: { name: 'nightly export', owner: 'ann', scopes: ['bot:read'], workspaces: ['w1'], expiresInDays: 30 },
      answer: { ...TOKEN, token: TOKEN_TEXT, ...REVISION },
    },
    async run({ manage, params, body }) {
      const { value, revision } = await createToken(manage, params.org, body);
      return new Created({ ...tokenView(value.doc, manage, UNUSED), token: value.token, revision });
    },
  }),
  route({
    ...all,
    id: 'listTokens',
    method: 'GET',
    summary: 'List tokens, never with their texts',
    description:
      "Everybody's for administrators and whoever has the policy's listAction; for others their own. Oldest first; with filters in the order of the list that they are found in, which all pages keep.",
    query: TokenQuery,
    answer: TokenListAnswer,
    example: { answer: { items: [TOKEN], nextCursor: null } },
    async run({ manage, params, query }) {
      const { limit, cursor, ...sought } = query;
      const filter = filterOf(sought);
      const page = await listTokens(manage, params.org, filter, readPage({ limit, cursor }));
      const used = await usageOf(manage, page.items);
      return showPage(page, (doc, nth) => tokenView(doc, manage, used[nth]!, filter.unusedDays));
    },
  }),
  route({
    ...one,
    id: 'getToken',
    method: 'GET',
    summary: 'Read a token, never with its text',
    answer: TokenAnswer,
    example: { answer: TOKEN },
    async run({ manage, params }) {
      const doc = await getToken(manage, params.org, params.id);
      const [used] = await usageOf(manage, [doc]);
      return tokenView(doc, manage, used!);
    },
  }),
  route({
    ...one,
    id: 'patchToken',
    method: 'PATCH',
    summary: 'Change some fields of a token',
    description: 'For its owner, or by the admin key alone. Which fields may change is said by the policy of its kind.',
    body: TokenPatchBody,
    answer: ChangedTokenAnswer,
    errors: {
      400: ['invalid_instant'],
      409: ['kind_unknown', 'token_revoked', 'owner_removed', 'limit_reached'],
      422: ['field_fixed', ...GRANT_ERRORS],
    },
    example: { body: { name: 'weekly export' }, answer: { ...TOKEN, name: 'weekly export', ...REVISION } },
    async run({ manage, params, body }) {
      const used = await usageOfOne(manage, params.org, params.id);
      const { value, revision } = await patchToken(manage, params.org, params.id, body);
      return { ...tokenView(value, manage, used), revision };
    },
  }),
  route({
    ...one,
    id: 'deleteToken',
    method: 'DELETE',
    summary: 'Delete a token, for ever',
    description: 'Works in every state. Its text is unknown from the next request on.',
    answer: RevisionAnswer,
    errors: { 409: ['kind_unknown'] },
    example: { answer: REVISION },
    async run({ manage, params }) {
      const { revision } = await deleteToken(manage, params.org, params.id);
      return { revision };
    },
  }),
];

/** The three differ only in what they ask for. */
function stateRoute(asked: StateChange, about: { readonly summary: string; readonly errors: OwnErrors }): AdminRoute {
  const state = asked === 'activate' ? 'active' : asked === 'revoke' ? 'revoked' : 'inactive';
  return route({
    ...one,
    ...about,
    path: `${one.path}/${asked}`,
    id: `${asked}Token`,
    method: 'POST',
    answer: ChangedTokenAnswer,
    example: {
      answer: {
        ...{
          ...TOKEN,
          state,
          stateReason: asked === 'revoke' ? 'revoked' : asked === 'activate' ? null : 'deactivated',
        },
        ...REVISION,
      },
    },
    async run({ manage, params }) {
      const used = await usageOfOne(manage, params.org, params.id);
      const { value, revision } = await changeTokenState(manage, params.org, params.id, asked);
      return { ...tokenView(value, manage, used), revision };
    },
  });
}

const valueRoutes: readonly AdminRoute[] = [
  stateRoute('activate', {
    summary: 'Let a deactivated token work again',
    errors: { 409: ['kind_unknown', 'token_revoked', 'owner_removed', 'limit_reached'] },
  }),
  stateRoute('deactivate', {
    summary: 'Let a token work no more until it is activated',
    errors: { 409: ['kind_unknown', 'token_revoked'] },
  }),
  stateRoute('revoke', { summary: 'End a token, for ever', errors: { 409: ['kind_unknown'] } }),
  route({
    ...one,
    path: `${one.path}/rotate`,
    id: 'rotateToken',
    method: 'POST',
    summary: 'Replace the text of a token; the new one is shown this once',
    description: 'The old one ends at once, or after a grace that the policy of its kind allows.',
    body: RotateBody,
    answer: RotatedTokenAnswer,
    errors: {
      409: ['kind_unknown', 'token_revoked', 'token_expired'],
      422: ['rotation_not_allowed', 'grace_out_of_range'],
    },
    example: {
      body: { graceSeconds: 3600 },
      answer: {
        ...TOKEN,
        token: TOKEN_TEXT,
        values: [
          { value: 'current', hint: TOKEN.hint, worksUntil: TOKEN.expiresAt },
          { value: 'replaced', hint: 'pat_Wxyz…', worksUntil: '2030-01-01T10:00:00.000Z' },
        ],
        ...REVISION,
      },
    },
    async run({ manage, params, body }) {
      const { org, id } = params;
      const used = await usageOfOne(manage, org, id);
      const { value, revision } = await rotateToken(manage, org, id, body?.graceSeconds ?? 0);
      const values = value.values.map(rotatedValueView);
      return { ...tokenView(value.doc, manage, used), token: value.token, values, revision };
    },
  }),
  route({
    id: 'findToken',
    method: 'POST',
    path: '/v1/tokens/find',
    tag,
    summary: 'Find whose token this is, by its text or by its hash',
    description:
      'For administrators of its organization: to revoke one that has leaked. The text is neither kept nor logged.',
    body: FindBody,
    answer: FoundTokenAnswer,
    takesToken: true,
    example: { body: { token: TOKEN_TEXT }, answer: { ...TOKEN, organizationId: 'acme' } },
    async run({ manage, body }) {
      const doc = await findLeakedToken(manage, 'token' in body ? hashToken(body.token) : hashOfHex(body.sha256));
      const [used] = await usageOf(manage, [doc]);
      return { ...tokenView(doc, manage, used!), organizationId: doc.organizationId };
    },
  }),
];

export const tokenRoutes: readonly AdminRoute[] = [...recordRoutes, ...valueRoutes];
