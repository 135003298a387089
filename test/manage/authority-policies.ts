/**
 * The shipped policies, told a second time by hand from the documents they follow, and not read from policies/*.yaml:
 * what the authority model believes. Limits are made small, in the real policy too, so that short histories reach them.
 */
import type { AllGrant, Edition, Role } from '../../src/core/facts.ts';

export interface RoleRules {
  readonly scopes: readonly string[] | 'all';
  /** The role in every workspace of the organization. */
  readonly everywhere: Role | null;
  readonly administers: boolean;
  readonly actions: readonly string[] | 'all';
}

/** What an owner may choose from. */
export interface Choice {
  readonly listed: 'owned' | 'joined' | 'organization';
  readonly most: number;
  readonly all: AllGrant;
}

export interface KindRules {
  /** true: live. false: frozen. */
  readonly follows: boolean;
  readonly action: string;
  /** Roles that alone may have them, whatever their actions; absent: the action decides. */
  readonly holders?: readonly string[];
  /** Edition personal: does everybody stand for themselves, whatever their actions? */
  readonly everyoneAlone: boolean;
  readonly choice: (edition: Edition, role: string) => Choice;
  /** Frozen all-grants: do they reach what comes later? */
  readonly coversLater?: boolean;
  readonly days: readonly [number, number];
  readonly never: boolean;
  readonly expiryEditable: boolean;
  /** What may be left out. */
  readonly optional: ReadonlyArray<'scopes' | 'workspaces' | 'expiry'>;
  readonly editable: readonly string[];
  /** null: no rotation. */
  readonly graceSeconds: number | null;
  readonly diesWithTransfer: readonly Edition[];
  readonly limits: (edition: Edition) => { readonly perOwner: number; readonly perOrganization: number };
}

export interface PolicyRules {
  /** A file in policies/. */
  readonly policy: string;
  readonly edition: Edition;
  /** From the highest to the lowest. */
  readonly roles: Readonly<Record<string, RoleRules>>;
  readonly kinds: Readonly<Record<string, KindRules>>;
  readonly actions: readonly string[];
  readonly seeAll: string;
  /** Two scopes of one resource, read and write, and one of another: enough to tell sets apart. */
  readonly scopes: readonly [string, string, string];
}

const OWNED: Choice = { listed: 'owned', most: 100, all: 'all-owned' };
const JOINED: Choice = { listed: 'joined', most: 100, all: 'all-joined' };
const ANY: Choice = { listed: 'organization', most: 100, all: 'all-organization' };
const ANYTIME = [0, Number.POSITIVE_INFINITY] as const;
const NO_LIMIT = { perOwner: Number.POSITIVE_INFINITY, perOrganization: Number.POSITIVE_INFINITY };
const EDITIONS = ['personal', 'team', 'enterprise'] as const;
/** In edition personal only a workspace's owner makes tokens for it. */
const unlessAlone = (choice: Choice) => (edition: Edition) => (edition === 'personal' ? OWNED : choice);

const coze = (edition: Edition): PolicyRules => ({
  policy: 'coze',
  edition,
  roles: {
    super_admin: { scopes: 'all', everywhere: 'member', administers: true, actions: 'all' },
    admin: { scopes: 'all', everywhere: 'member', administers: true, actions: 'all' },
    member: { scopes: 'all', everywhere: null, administers: false, actions: ['ManagePersonalTokens'] },
  },
  kinds: {
    personal: {
      follows: true,
      action: 'ManagePersonalTokens',
      everyoneAlone: true,
      choice: (where, role) => {
        if (where === 'personal') return OWNED;
        return role === 'member' ? { ...JOINED, most: 1 } : ANY;
      },
      days: [1, 30],
      never: false,
      expiryEditable: false,
      optional: [],
      editable: ['name'],
      graceSeconds: 86_400,
      diesWithTransfer: EDITIONS,
      limits: (where) => (where === 'personal' ? { ...NO_LIMIT, perOwner: 3 } : { perOwner: 3, perOrganization: 5 }),
    },
    service: {
      follows: false,
      action: 'ManageServiceTokens',
      holders: ['super_admin', 'admin'],
      everyoneAlone: true,
      coversLater: true,
      choice: (where) => (where === 'personal' ? OWNED : { ...JOINED, all: 'all-organization' }),
      days: ANYTIME,
      never: true,
      expiryEditable: true,
      optional: [],
      editable: ['name'],
      graceSeconds: 86_400,
      diesWithTransfer: ['personal'],
      limits: (where) => (where === 'personal' ? { ...NO_LIMIT, perOwner: 3 } : { ...NO_LIMIT, perOrganization: 4 }),
    },
  },
  actions: ['ListTokens', 'ManagePersonalTokens', 'ManageServiceTokens', 'ImportTokens'],
  seeAll: 'ListTokens',
  scopes: ['bot:read', 'bot:write', 'workflows:read'],
});

const featbit = (edition: Edition): PolicyRules => {
  const kind = (follows: boolean, action: string): KindRules => ({
    follows,
    action,
    everyoneAlone: false,
    choice: unlessAlone(ANY),
    days: ANYTIME,
    never: true,
    expiryEditable: false,
    optional: follows ? ['scopes', 'workspaces', 'expiry'] : ['workspaces', 'expiry'],
    editable: ['name'],
    graceSeconds: null,
    diesWithTransfer: [],
    limits: () => NO_LIMIT,
  });
  return {
    policy: 'featbit',
    edition,
    roles: {
      owner: { scopes: 'all', everywhere: 'admin', administers: true, actions: 'all' },
      administrator: { scopes: 'all', everywhere: 'admin', administers: true, actions: 'all' },
      developer: {
        scopes: ['flags:write', 'segments:write', 'projects:read'],
        everywhere: 'member',
        administers: false,
        actions: 'all',
      },
      member: {
        scopes: ['flags:read', 'segments:read', 'projects:read'],
        everywhere: 'member',
        administers: false,
        actions: [],
      },
    },
    kinds: {
      personal: kind(true, 'ManagePersonalAccessTokens'),
      service: kind(false, 'ManageServiceAccessTokens'),
    },
    actions: ['ListAccessTokens', 'ManagePersonalAccessTokens', 'ManageServiceAccessTokens', 'ImportTokens'],
    seeAll: 'ListAccessTokens',
    scopes: ['flags:read', 'flags:write', 'projects:write'],
  };
};

const blend = (edition: Edition): PolicyRules => ({
  policy: 'default',
  edition,
  roles: {
    owner: { scopes: 'all', everywhere: 'admin', administers: true, actions: 'all' },
    admin: { scopes: 'all', everywhere: 'admin', administers: true, actions: 'all' },
    member: {
      scopes: ['content:write', 'workflows:write', 'settings:read'],
      everywhere: null,
      administers: false,
      actions: ['ManagePersonalTokens'],
    },
  },
  kinds: {
    personal: {
      follows: true,
      action: 'ManagePersonalTokens',
      everyoneAlone: true,
      choice: (where, role) => (where === 'personal' ? OWNED : role === 'member' ? JOINED : ANY),
      days: [1, 90],
      never: false,
      expiryEditable: false,
      optional: [],
      editable: ['name'],
      graceSeconds: 3600,
      diesWithTransfer: ['personal'],
      limits: () => ({ perOwner: 3, perOrganization: 5 }),
    },
    service: {
      follows: false,
      action: 'ManageServiceTokens',
      everyoneAlone: true,
      choice: (where, role) => (where === 'personal' ? OWNED : role === 'member' ? JOINED : ANY),
      days: ANYTIME,
      never: true,
      expiryEditable: true,
      optional: [],
      editable: ['name'],
      graceSeconds: 86_400,
      diesWithTransfer: ['personal'],
      limits: () => ({ perOwner: 3, perOrganization: 4 }),
    },
  },
  actions: ['ListTokens', 'ManagePersonalTokens', 'ManageServiceTokens', 'ImportTokens'],
  seeAll: 'ListTokens',
  scopes: ['content:read', 'content:write', 'settings:write'],
});

/** Its tokens are frozen, and yet their scopes may be edited. */
const impact = (edition: Edition): PolicyRules => ({
  policy: 'impact',
  edition,
  roles: {
    admin: { scopes: 'all', everywhere: 'admin', administers: true, actions: 'all' },
    user: { scopes: 'all', everywhere: 'member', administers: false, actions: [] },
  },
  kinds: {
    service: {
      follows: false,
      action: 'ManageTokens',
      everyoneAlone: false,
      choice: unlessAlone(ANY),
      days: ANYTIME,
      never: true,
      expiryEditable: true,
      optional: ['workspaces', 'expiry'],
      editable: ['name', 'scopes'],
      graceSeconds: 86_400,
      diesWithTransfer: [],
      limits: () => NO_LIMIT,
    },
  },
  actions: ['ListTokens', 'ManageTokens', 'ImportTokens'],
  seeAll: 'ListTokens',
  scopes: ['actions:read', 'actions:write', 'reports:read'],
});

export const POLICIES: readonly PolicyRules[] = [
  coze('personal'),
  coze('team'),
  featbit('team'),
  featbit('personal'),
  blend('team'),
  blend('personal'),
  impact('enterprise'),
];

export function limited(rules: PolicyRules): boolean {
  return Object.values(rules.kinds).some(({ limits }) => limits(rules.edition) !== NO_LIMIT);
}

/** Where there are limits: two for one, three for all. */
export function tight(rules: PolicyRules): PolicyRules {
  const least = (limit: number, small: number) => (limit === Number.POSITIVE_INFINITY ? limit : small);
  const kinds = Object.entries(rules.kinds).map(([name, kind]) => {
    const { perOwner, perOrganization } = kind.limits(rules.edition);
    const limits = { perOwner: least(perOwner, 2), perOrganization: least(perOrganization, 3) };
    return [name, { ...kind, limits: () => limits }] as const;
  });
  return { ...rules, kinds: Object.fromEntries(kinds) };
}
