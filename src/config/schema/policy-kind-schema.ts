/** The shape of one kind of token in a policy file. Every rule that differs between token systems is a setting here. */

import { section } from '../../schema-parts.ts';
import { Type } from '../../schema-type.ts';

const EditionName = Type.Enum(['personal', 'team', 'enterprise']);
const Editions = (description: string) => Type.Array(EditionName, { minItems: 1, uniqueItems: true, description });
const AllGrantName = Type.Enum(['all-owned', 'all-joined', 'all-organization'], {
  description:
    'The widest all-grant that may be selected: a rule, judged on every request. allCoversLater says whether a frozen one reaches workspaces to come.',
});

const DurationDays = Type.Number({ exclusiveMinimum: 0, maximum: 36_500 });
const Count = (description: string) => Type.Optional(Type.Integer({ minimum: 1, maximum: 1_000_000, description }));

const Selectable = section({
  editions: Type.Optional(Editions('Editions that the rule is for; absent: every one.')),
  roles: Type.Optional(
    Type.Array(Type.String(), {
      minItems: 1,
      description: 'Organization roles that the rule is for; absent: every one.',
    }),
  ),
  listed: Type.Enum(['owned', 'joined', 'organization', 'none'], {
    description: 'Workspaces that may be listed by id: owned, joined (or owned), all of the organization, none.',
  }),
  listedMax: Type.Integer({
    default: 100,
    minimum: 1,
    maximum: 100,
    description: 'How many workspaces one token may list.',
  }),
  all: Type.Optional(AllGrantName),
});

const Expiry = section(
  {
    required: Type.Boolean({
      default: true,
      description: 'Creation must say when the token ends (or never, where allowed).',
    }),
    minDays: Type.Optional(DurationDays),
    maxDays: Type.Optional(DurationDays),
    presetsDays: Type.Array(DurationDays, { default: [], description: 'Choices that a console offers first.' }),
    never: Type.Boolean({ default: false, description: 'A token may live for ever.' }),
    editable: Type.Boolean({ default: false, description: 'The expiry may be changed after creation.' }),
    announceDays: Type.Optional({
      ...DurationDays,
      description:
        'So long before a token ends, answers to its requests say when: X-Token-Expires-At. Absent: they never do.',
    }),
  },
  { description: 'When a token of this kind ends; a day is 86,400,000 ms and bounds are inclusive.' },
);

const Limit = section({
  editions: Type.Optional(Editions('Editions that the limit is for; absent: every one.')),
  perOwner: Count('Of one member. Absent: no limit.'),
  perOrganization: Count('Of one organization. Absent: no limit.'),
  perEnterprise: Count(
    'Of all organizations of an enterprise together; an organization that belongs to none is not concerned. Absent: no limit.',
  ),
});

const Rotation = section(
  {
    allowed: Type.Boolean({ default: true, description: 'The value may be replaced by a new one.' }),
    maxGraceSeconds: Type.Integer({
      default: 0,
      minimum: 0,
      maximum: 2_592_000,
      description: 'How long the old value may go on working when asked to; 0: it ends at once. Never past its expiry.',
    }),
  },
  { default: {}, description: "Replacing a token's value while everything else about it stays." },
);

export const KindSchema = section({
  description: Type.String({ description: 'What this kind of token is for.' }),
  prefix: Type.String({
    pattern: '^[a-z][a-z0-9]{1,15}$',
    description: 'First characters of every token of this kind, before the underscore.',
  }),
  authority: Type.Enum(['live', 'frozen'], {
    description: 'live: follows its owner on every request. frozen: keeps what it was granted at creation.',
  }),
  manageAction: Type.Optional(
    Type.String({
      description: 'The action a member needs to create and manage such tokens; absent: every member may.',
    }),
  ),
  holders: Type.Optional(
    Type.Array(Type.String(), {
      minItems: 1,
      uniqueItems: true,
      description:
        'Organization roles whose members alone may, whatever actions they were given; absent: the action decides.',
    }),
  ),
  everyoneInEditions: Type.Array(EditionName, {
    default: [],
    uniqueItems: true,
    description: 'Editions in which every member may, whatever manageAction and holders say.',
  }),
  limits: Type.Array(Limit, {
    default: [],
    description:
      'How many active and inactive tokens there may be; the first rule that fits the edition counts, no rule means no limit.',
  }),
  scopes: Type.Enum(['required', 'optional'], {
    default: 'required',
    description: 'optional: a token created without scopes may do whatever its owner may.',
  }),
  workspaces: Type.Enum(['required', 'optional'], {
    default: 'required',
    description: 'optional: a token created without workspaces reaches all that its owner may select.',
  }),
  environments: Type.Enum(['optional', 'none'], {
    default: 'optional',
    description:
      'optional: a token may be limited to some environments of its workspaces; one that names none reaches every one. none: no token is.',
  }),
  contact: Type.Enum(['required', 'optional'], {
    default: 'optional',
    description: 'required: a token has a primary contact, a member who is told of changes.',
  }),
  selectable: Type.Array(Selectable, {
    minItems: 1,
    description: 'What an owner may select. The first rule that fits edition and organization role counts.',
  }),
  allCoversLater: Type.Boolean({
    default: false,
    description:
      "Frozen all-grants: true: workspaces that come later, too, with the role of the owner's organization role there, as owner in all-owned, else as member. false: those that there are at creation, with the roles that the owner has then. Live ones always follow their owner.",
  }),
  expiry: Expiry,
  mutable: Type.Array(
    Type.Enum(['name', 'description', 'contacts', 'scopes', 'workspaces', 'environments', 'allowedAddresses']),
    {
      default: ['name', 'description', 'contacts'],
      uniqueItems: true,
      description: 'Fields that may be edited after creation.',
    },
  ),
  rotation: Rotation,
  revokedByTransferInEditions: Type.Array(EditionName, {
    default: [],
    uniqueItems: true,
    description:
      'Editions in which a transfer of ownership of a workspace revokes the tokens that list it, and takes it from all-grants until they are made anew.',
  }),
});
