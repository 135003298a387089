/**
 * The shape of a directory file (`scopegate apply`): organizations with their members, teams and workspaces, laid out
 * as the sidecar's paths are. Reads nothing; whether names resolve is judged in src/directory.
 */
import type { TSchema } from 'typebox';
import { ID_PATTERN } from '../../core/facts.ts';
import { section } from '../../schema-parts.ts';
import { Type } from '../../schema-type.ts';

const ID_TEXT = '1 to 128 letters, digits, ".", "_", "@", "|" or "-", starting with a letter or digit';

const id = (what: string) => Type.String({ pattern: ID_PATTERN, description: `The id of ${what}: ${ID_TEXT}.` });
const name = Type.String({ description: 'What people read: 1 to 128 characters in one line.' });
const role = Type.Union([Type.Literal('member'), Type.Literal('admin')], { description: 'The role in the workspace.' });

/** A mapping from ids to things. */
function byId<T extends TSchema>(what: T, description: string, options: { readonly minProperties?: number } = {}) {
  return Type.Record(Type.String({ pattern: ID_PATTERN }), what, { description, ...options });
}

/** Names that a member has instead of what their role gives. */
function instead(what: string) {
  return Type.Union([Type.Array(Type.String(), { maxItems: 1000, uniqueItems: true }), Type.Null()], {
    description: `Given: these ${what} instead of the role's. null: the role's. Left out: as it stands.`,
  });
}

const Member = section({
  name,
  role: Type.String({ minLength: 1, description: "One of the policy's organization roles." }),
  email: Type.Optional(
    Type.Union([Type.String(), Type.Null()], {
      description: 'An e-mail address. null: none. Left out: as it stands.',
    }),
  ),
  scopes: Type.Optional(instead('scopes')),
  actions: Type.Optional(instead('actions')),
});

const Team = section({
  name,
  members: Type.Array(id('a member'), { maxItems: 10_000, uniqueItems: true, description: 'All of its members.' }),
});

const Resource = section({
  owner: id('a member or service account'),
  collaborators: Type.Optional(
    Type.Array(id('a member or service account'), {
      maxItems: 10_000,
      uniqueItems: true,
      description: 'All of its collaborators. Left out: as it stands.',
    }),
  ),
});

const Workspace = section({
  name,
  owner: Type.String({
    pattern: ID_PATTERN,
    description: `The id of a member: ${ID_TEXT}. Another than before is a transfer, which may end tokens.`,
  }),
  environments: Type.Optional(
    byId(section({ name }), 'Environments by id; an id stands once in the whole organization.'),
  ),
  assignments: Type.Optional(
    section(
      {
        members: Type.Optional(byId(role, 'Roles of members, by member id.')),
        teams: Type.Optional(byId(role, 'Roles of teams, by team id.')),
        'service-accounts': Type.Optional(byId(role, 'Roles of service accounts, by client id.')),
      },
      { description: 'Who has which role in the workspace.' },
    ),
  ),
  resources: Type.Optional(
    byId(byId(Resource, 'Resources by id.'), 'Resources by type and id; both together stand once in the organization.'),
  ),
});

const Organization = section({
  name,
  edition: Type.Union([Type.Literal('personal'), Type.Literal('team'), Type.Literal('enterprise')], {
    description: 'Never changes once the organization exists.',
  }),
  enterprise: Type.Optional(
    Type.Union([id('an enterprise'), Type.Null()], {
      description: 'The enterprise that it belongs to. null: none. Left out: as it stands.',
    }),
  ),
  members: Type.Optional(byId(Member, 'Members by id.')),
  teams: Type.Optional(byId(Team, 'Teams by id.')),
  workspaces: Type.Optional(byId(Workspace, 'Workspaces by id.')),
});

export const DirectorySchema = section({
  enterprises: Type.Optional(
    byId(section({ name }), 'Enterprises by id. Those not named here are left alone, also by --prune.'),
  ),
  organizations: byId(Organization, 'Organizations by id. Those not named here are left alone.', { minProperties: 1 }),
});
