/**
 * A policy, compiled: everything in which one token system differs from another. Data only; the rules that read it live
 * in decide.ts (every request) and in manage/ (when tokens are made and changed).
 */
import type { DecisionRules } from './decide.ts';
import type { Dialect } from './dialect.ts';
import type { AllGrant, Authority, Edition, Role } from './facts.ts';
import type { ScopeSet } from './scope.ts';

export interface ScopeEntry {
  readonly name: string;
  readonly category: string;
  readonly description: string;
}

export interface OrganizationRole {
  readonly name: string;
  readonly scopes: ScopeSet;
  /** IAM actions of this role; a member's own list replaces them. */
  readonly actions: ReadonlySet<string>;
  /** Manages the organization, except in edition personal. */
  readonly administrator: boolean;
  /** 0 is the highest: nobody manages or gives a higher role than their own. */
  readonly rank: number;
  /** The role that this organization role has in every workspace of the organization; null: none. */
  readonly workspaceRole: Role | null;
  /** The highest role that administrators may take or give in a workspace where they have none; null: what they have. */
  readonly joinsAs: Role | null;
}

/** When a token of a kind ends. Bounds are inclusive, in milliseconds from creation. */
interface ExpiryPolicy {
  readonly required: boolean;
  readonly minMs: number;
  /** Infinity: any future instant. */
  readonly maxMs: number;
  /** Days that a console offers first; no rule. */
  readonly presetsDays: readonly number[];
  readonly never: boolean;
  readonly editable: boolean;
  /** So long before its end a client is told of it; 0: never. */
  readonly announceMs: number;
}

export type MutableField =
  | 'name'
  | 'description'
  | 'contacts'
  | 'scopes'
  | 'workspaces'
  | 'environments'
  | 'allowedAddresses';

/** How many active and inactive tokens of a kind there may be. */
interface LimitRule {
  /** null: every edition. */
  readonly editions: ReadonlySet<Edition> | null;
  /** Infinity: no limit. */
  readonly perOwner: number;
  readonly perOrganization: number;
  /** Of all organizations of one enterprise together. */
  readonly perEnterprise: number;
}

/** Which workspaces an owner may grant a token; the first rule that fits the owner counts, no rule means none. */
export interface SelectableRule {
  /** null: every edition. */
  readonly editions: ReadonlySet<Edition> | null;
  /** Organization roles; null: every role. */
  readonly roles: ReadonlySet<string> | null;
  /** Which workspaces may be listed by id; `none`: only an all-grant. */
  readonly listed: 'owned' | 'joined' | 'organization' | 'none';
  /** How many ids one token may list. */
  readonly listedMax: number;
  /** The widest all-grant; null: ids only. */
  readonly all: AllGrant | null;
}

export interface KindPolicy {
  readonly name: string;
  readonly description: string;
  /** With its underscore: `pat_`. */
  readonly prefix: string;
  readonly authority: Authority;
  readonly scopesRequired: boolean;
  readonly workspacesRequired: boolean;
  /** A token may be limited to some environments. */
  readonly environmentsSelectable: boolean;
  /** A primary contact; e-mail addresses are nobody's duty. */
  readonly contactRequired: boolean;
  readonly selectable: readonly SelectableRule[];
  readonly expiry: ExpiryPolicy;
  readonly mutable: ReadonlySet<MutableField>;
  /** null: every member may create and manage such tokens. */
  readonly manageAction: string | null;
  /** Organization roles that may have such tokens at all, whatever actions a member was given; null: every one. */
  readonly holders: ReadonlySet<string> | null;
  readonly everyoneInEditions: ReadonlySet<Edition>;
  readonly limits: readonly LimitRule[];
  /** null: a token's value cannot be replaced. */
  readonly rotation: { readonly maxGraceMs: number } | null;
  /** Frozen all-grants: whether they reach workspaces that came after their creation. */
  readonly allCoversLater: boolean;
  readonly revokedByTransferInEditions: ReadonlySet<Edition>;
}

export interface Policy extends DecisionRules {
  readonly name: string;
  readonly dialectName: string;
  readonly dialect: Dialect;
  /** By name, for routes that have one of their own; those that are built in among them. */
  readonly dialects: ReadonlyMap<string, Dialect>;
  /** The catalogue of the source. The reserved scope is ours and stands in none (core/scope). */
  readonly scopes: ReadonlyMap<string, ScopeEntry>;
  readonly organizationRoles: ReadonlyMap<string, OrganizationRole>;
  readonly kinds: ReadonlyMap<string, KindPolicy>;
  readonly defaultKind: string;
  /** Every action, with what it allows. */
  readonly actions: ReadonlyMap<string, string>;
  readonly listAction: string | null;
  /** Lets administrators import tokens; null: the operator alone does. */
  readonly importAction: string | null;
  /** Oldest first; the last is the default. */
  readonly apiVersions: readonly string[];
  /** null: the policy has no service accounts. */
  readonly serviceAccounts: {
    readonly tokenLifeMs: number;
    /** Of one account, at once. */
    readonly liveTokensMax: number;
  } | null;
  /** Every token prefix a request may carry, with underscore. */
  readonly prefixes: readonly string[];
}

/** Prefixes of what the OAuth endpoints issue: access tokens and client secrets. */
export const ACCESS_TOKEN_PREFIX = 'sgt_';
export const CLIENT_SECRET_PREFIX = 'sgs_';

/** A day, everywhere: 86,400,000 ms, whatever the calendar does. */
export const DAY_MS = 86_400_000;
