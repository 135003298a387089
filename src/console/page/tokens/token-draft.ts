/** A token that somebody is about to make: what they chose so far, and the call that it comes to. Asks nobody. */
import type { Shapes } from '../api/client.ts';

export interface TokenDraft {
  readonly kind: string;
  readonly name: string;
  readonly description: string;
  readonly owner: string;
  /** A number of days, or `never`; empty: what the policy says. */
  readonly expiry: string;
  readonly scopes: ReadonlySet<string>;
  /** null: those that are listed. */
  readonly allGrant: string | null;
  readonly workspaces: ReadonlySet<string>;
  /** That it is limited to, as the token that it was begun from is; null: none. */
  readonly environments: readonly string[] | null;
  /** Empty: the latest, where the policy has any. */
  readonly apiVersion: string;
  readonly primaryContact: string;
  readonly emails: string;
  readonly addresses: string;
}

/** What one may be asked for beside the rest: it lets a token sign in to the console. */
export const MANAGE_SCOPE = 'tokens:manage';

/** What is offered first: about a month, where the policy has that. */
export function firstPreset(kind: Shapes['TokenKind'] | undefined): number | undefined {
  const { presetsDays = [] } = kind?.expiry ?? {};
  return presetsDays.filter((days) => days <= 30).at(-1) ?? presetsDays[0];
}

export function newDraft(kind: string, presetDays: number | undefined): TokenDraft {
  return {
    ...{ kind, name: '', description: '', owner: '', expiry: String(presetDays ?? '') },
    ...{ scopes: new Set<string>(), allGrant: null, workspaces: new Set<string>() },
    ...{ environments: null, apiVersion: '' },
    ...{ primaryContact: '', emails: '', addresses: '' },
  };
}

export function inputOf(draft: TokenDraft): Shapes['TokenInput'] {
  const { kind, name, description, owner, expiry, scopes, allGrant, workspaces } = draft;
  const emails = wordsOf(draft.emails);
  const addresses = wordsOf(draft.addresses);
  const primary = draft.primaryContact.trim();
  const days = Number(expiry);
  return {
    kind,
    name: name.trim(),
    ...(description.trim() === '' ? {} : { description: description.trim() }),
    ...(owner.trim() === '' ? {} : { owner: owner.trim() }),
    ...(scopes.size === 0 ? {} : { scopes: [...scopes] }),
    ...(allGrant !== null
      ? { workspaces: allGrant as Shapes['WorkspaceGrantInput'] }
      : workspaces.size === 0
        ? {}
        : { workspaces: [...workspaces] }),
    ...(expiry === 'never' ? { neverExpires: true as const } : expiry === '' ? {} : { expiresInDays: days }),
    ...(primary === '' && emails.length === 0
      ? {}
      : { contacts: { ...(primary === '' ? {} : { primary }), ...(emails.length === 0 ? {} : { emails }) } }),
    ...(addresses.length === 0 ? {} : { allowedAddresses: addresses }),
    ...(draft.environments === null ? {} : { environments: [...draft.environments] }),
    ...(draft.apiVersion === '' ? {} : { apiVersion: draft.apiVersion }),
  };
}

/** What a token that there is gives to a new one: not its name, nor its end, which the new one has of its own. */
export function draftLike(token: Shapes['Token'], isOwnerFree: boolean): Partial<TokenDraft> {
  const { kind, description, ownerId, scopes, workspaces, environments, allowedAddresses, apiVersion, contacts } =
    token;
  return {
    kind,
    ...(description === null ? {} : { description }),
    ...(isOwnerFree && ownerId !== null ? { owner: ownerId } : {}),
    scopes: new Set(scopes ?? []),
    ...(typeof workspaces === 'string'
      ? { allGrant: workspaces, workspaces: new Set<string>() }
      : { allGrant: null, workspaces: new Set(workspaces) }),
    environments,
    apiVersion: apiVersion ?? '',
    addresses: allowedAddresses?.join(' ') ?? '',
    primaryContact: contacts?.primary ?? '',
    emails: contacts?.emails.join(' ') ?? '',
  };
}

const DAY_MS = 86_400_000;

/** What is different, as the API takes it: what is not given stays. */
export function patchOf(draft: TokenDraft, before: TokenDraft, nowMs: number): Shapes['TokenPatch'] {
  const patch: { -readonly [Name in keyof Shapes['TokenPatch']]: Shapes['TokenPatch'][Name] } = {};
  const differs = (name: keyof TokenDraft) => textOf(draft[name]) !== textOf(before[name]);
  if (differs('name')) patch.name = draft.name.trim();
  if (differs('description')) patch.description = draft.description.trim() || null;
  if (differs('scopes')) patch.scopes = [...draft.scopes];
  if (differs('workspaces') || differs('allGrant'))
    patch.workspaces = (draft.allGrant ?? [...draft.workspaces]) as Shapes['WorkspaceGrantInput'];
  if (differs('addresses')) patch.allowedAddresses = draft.addresses.trim() === '' ? null : wordsOf(draft.addresses);
  if (differs('primaryContact') || differs('emails'))
    patch.contacts = { primary: draft.primaryContact.trim() || null, emails: wordsOf(draft.emails) };
  if (draft.expiry === 'never') patch.expiresAt = null;
  else if (draft.expiry !== '') patch.expiresAt = new Date(nowMs + Number(draft.expiry) * DAY_MS).toISOString();
  return patch;
}

function textOf(value: TokenDraft[keyof TokenDraft]): string {
  return value instanceof Set ? [...value].toSorted().join(' ') : JSON.stringify(value);
}

/** The scope of those chosen that gives this one, too: who may write may read. */
export function givenBy(scope: string, chosen: ReadonlySet<string>): string | null {
  if (!scope.endsWith(':read')) return null;
  const wider = `${scope.slice(0, -':read'.length)}:write`;
  return chosen.has(wider) ? wider : null;
}

function wordsOf(text: string): string[] {
  return text.split(/[\s,;]+/).filter((word) => word !== '');
}
