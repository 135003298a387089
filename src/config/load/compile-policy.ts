/** Compiles a policy file that was found good, from plain data alone. Checks nothing and reads no YAML. */
import { compileDialect } from '../../core/dialect.ts';
import { ACCESS_TOKEN_PREFIX, DAY_MS, type KindPolicy, type Policy } from '../../core/policy.ts';
import type { ScopeSet } from '../../core/scope.ts';
import type { PolicyFile } from '../schema/policy-schema.ts';
import { dialectSources, ownDialect } from './dialect-sources.ts';

/** `data`: of a policy file without problems. */
export function compilePolicy(data: PolicyFile): Policy {
  const kinds = Object.entries(data.kinds).map(([name, kind]) => compileKind(name, kind));
  const dialects = new Map(
    Array.from(dialectSources(data.dialects), ([name, source]) => [name, compileDialect(source)]),
  );
  return {
    name: data.name,
    dialectName: typeof data.dialect === 'string' ? data.dialect : data.name,
    dialect: typeof data.dialect === 'string' ? dialects.get(data.dialect)! : compileDialect(ownDialect(data.dialect)),
    dialects,
    scopes: new Map(data.scopes.map((entry) => [entry.name, entry])),
    organizationRoles: new Map(
      Object.entries(data.organizationRoles).map(([name, role], rank) => [
        name,
        {
          name,
          scopes: compileHeld(data, role.scopes),
          actions: new Set(role.actions === 'all' ? Object.keys(data.actions) : role.actions),
          administrator: role.administrator,
          rank,
          workspaceRole: role.workspaceRole ?? null,
          joinsAs: role.joinsAs ?? null,
        },
      ]),
    ),
    iam: data.iam === undefined ? null : { ...data.iam.resources, actions: new Map(Object.entries(data.iam.actions)) },
    endedByTransfer: new Set(kinds.filter((kind) => kind.revokedByTransferInEditions.size > 0).map(({ name }) => name)),
    kinds: new Map(kinds.map((kind) => [kind.name, kind])),
    defaultKind: data.defaultKind,
    actions: new Map(Object.entries(data.actions)),
    listAction: data.listAction ?? null,
    importAction: data.importAction ?? null,
    apiVersions: data.apiVersions,
    serviceAccounts:
      data.serviceAccounts === undefined
        ? null
        : {
            tokenLifeMs: data.serviceAccounts.tokenMinutes * 60_000,
            liveTokensMax: data.serviceAccounts.liveTokensMax,
          },
    prefixes: [
      ...kinds.map((kind) => kind.prefix),
      ...(data.serviceAccounts === undefined ? [] : [ACCESS_TOKEN_PREFIX]),
    ],
  };
}

/** Of a role. */
function compileHeld({ scopes }: PolicyFile, held: PolicyFile['organizationRoles'][string]['scopes']): ScopeSet {
  if (held === 'all') return 'all';
  if (Array.isArray(held)) return new Set(held);
  const { allBut } = held;
  return new Set(scopes.map(({ name }) => name).filter((name) => !allBut.includes(name)));
}

function compileKind(name: string, kind: PolicyFile['kinds'][string]): KindPolicy {
  const { expiry } = kind;
  return {
    name,
    description: kind.description,
    prefix: `${kind.prefix}_`,
    authority: kind.authority,
    scopesRequired: kind.scopes === 'required',
    workspacesRequired: kind.workspaces === 'required',
    environmentsSelectable: kind.environments === 'optional',
    contactRequired: kind.contact === 'required',
    selectable: kind.selectable.map((rule) => ({
      editions: rule.editions === undefined ? null : new Set(rule.editions),
      roles: rule.roles === undefined ? null : new Set(rule.roles),
      listed: rule.listed,
      listedMax: rule.listedMax,
      all: rule.all ?? null,
    })),
    expiry: {
      required: expiry.required,
      minMs: (expiry.minDays ?? 0) * DAY_MS,
      maxMs: expiry.maxDays === undefined ? Number.POSITIVE_INFINITY : expiry.maxDays * DAY_MS,
      presetsDays: expiry.presetsDays,
      never: expiry.never,
      editable: expiry.editable,
      announceMs: (expiry.announceDays ?? 0) * DAY_MS,
    },
    mutable: new Set(kind.mutable),
    manageAction: kind.manageAction ?? null,
    holders: kind.holders === undefined ? null : new Set(kind.holders),
    everyoneInEditions: new Set(kind.everyoneInEditions),
    limits: kind.limits.map(({ editions, perOwner, perOrganization, perEnterprise }) => ({
      editions: editions === undefined ? null : new Set(editions),
      perOwner: perOwner ?? Number.POSITIVE_INFINITY,
      perOrganization: perOrganization ?? Number.POSITIVE_INFINITY,
      perEnterprise: perEnterprise ?? Number.POSITIVE_INFINITY,
    })),
    rotation: kind.rotation.allowed ? { maxGraceMs: kind.rotation.maxGraceSeconds * 1000 } : null,
    allCoversLater: kind.allCoversLater,
    revokedByTransferInEditions: new Set(kind.revokedByTransferInEditions),
  };
}
