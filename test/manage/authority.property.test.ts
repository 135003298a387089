/**
 * Whatever is done to a directory and its tokens, in whatever order and by whomever: no token reaches beyond its owner
 * (live) or what it was granted (frozen), what has ended stays ended, nobody makes more than they have, limits hold.
 * `SCOPEGATE_FUZZ=100 npx vitest run test/manage/authority` looks a hundred times as hard.
 */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { effort, seeds } from '../support/chance.ts';
import {
  AuthorityHarness,
  Broken,
  ENVIRONMENTS,
  MEMBERS,
  RESOURCES,
  type Step,
  TEAMS,
  WORKSPACES,
} from './authority-harness.ts';
import { type By, DAY_MS, MANAGE, type Operation, type Workspaces } from './authority-model.ts';
import { limited, POLICIES, type PolicyRules, tight } from './authority-policies.ts';

const PATIENCE_MS = 90_000 * effort;
const RUNS = 30 * effort;
const LENGTH_MAX = 45;

/** One after the other: some things matter only right after each other. */
type Sequence = Operation | readonly Operation[];
type Wishes = readonly fc.WeightedArbitrary<Sequence>[];

const member = fc.constantFrom(...MEMBERS);
const workspace = fc.constantFrom(...WORKSPACES);
const team = fc.constantFrom(...TEAMS);
const token = fc.nat({ max: 5 });
const maybe = (weight: number) => fc.integer({ min: 1, max: weight }).map((one) => one === weight);
const grant: fc.Arbitrary<Workspaces> = fc.oneof(
  { weight: 6, arbitrary: fc.constantFrom<Workspaces>('all', 'all', 'all-owned', 'all-joined', 'all-organization') },
  { weight: 4, arbitrary: fc.uniqueArray(workspace, { minLength: 1, maxLength: 2 }) },
);

/** By the operator, by members, by managing tokens: how often each. */
const by = (operator: number, members: number, tokens: number): fc.Arbitrary<By> =>
  fc.oneof(
    { weight: operator, arbitrary: fc.constant('operator') },
    { weight: members, arbitrary: member },
    { weight: tokens, arbitrary: fc.nat({ max: 7 }).map((number) => `#${number}`) },
  );

function directory(rules: PolicyRules, who: fc.Arbitrary<By>): fc.Arbitrary<Operation> {
  const role = fc.constantFrom(...Object.keys(rules.roles));
  // A member has the actions that the reserved scope goes with, and never the scope itself.
  const scopes = fc.option(fc.subarray([...rules.scopes], { minLength: 1 }), { freq: 3 });
  const actions = fc.option(fc.subarray([...rules.actions]), { freq: 3 });
  const workspaceRole = fc.constantFrom('member' as const, 'admin' as const);
  const assignee = fc.oneof(
    fc.record({ of: fc.constant('members' as const), id: member }),
    fc.record({ of: fc.constant('teams' as const), id: team }),
  );
  const environment = fc.constantFrom(...ENVIRONMENTS);
  const resource = fc.constantFrom(...RESOURCES);
  return fc.oneof(
    {
      weight: 4,
      arbitrary: fc.record({ do: fc.constant('member.put'), by: who, id: member, role, scopes, actions }),
    },
    {
      weight: 3,
      arbitrary: fc.record({
        do: fc.constant('member.patch'),
        by: who,
        id: member,
        change: fc.record({ role, scopes, actions }, { requiredKeys: [] }),
      }),
    },
    {
      weight: 3,
      arbitrary: fc.record({ do: fc.constant('member.delete'), by: who, id: member, dry: maybe(6) }),
    },
    {
      weight: 2,
      arbitrary: fc.record({ do: fc.constant('team.put'), by: who, id: team, members: fc.subarray([...MEMBERS]) }),
    },
    { weight: 1, arbitrary: fc.record({ do: fc.constant('team.delete'), by: who, id: team }) },
    {
      weight: 2,
      arbitrary: fc.record({ do: fc.constant('workspace.put'), by: who, id: workspace, owner: member }),
    },
    { weight: 1, arbitrary: fc.record({ do: fc.constant('workspace.delete'), by: who, id: workspace }) },
    {
      weight: 3,
      arbitrary: fc.record({
        do: fc.constant('workspace.transfer'),
        by: who,
        id: workspace,
        owner: member,
        dry: maybe(6),
      }),
    },
    {
      weight: 3,
      arbitrary: fc
        .tuple(fc.record({ do: fc.constant('assignment.put'), by: who, workspace, role: workspaceRole }), assignee)
        .map(([put, whom]) => ({ ...put, ...whom })),
    },
    {
      weight: 1,
      arbitrary: fc
        .tuple(fc.record({ do: fc.constant('assignment.delete'), by: who, workspace }), assignee)
        .map(([drop, whom]) => ({ ...drop, ...whom })),
    },
    { weight: 1, arbitrary: fc.record({ do: fc.constant('environment.put'), by: who, workspace, id: environment }) },
    { weight: 1, arbitrary: fc.record({ do: fc.constant('environment.delete'), by: who, workspace, id: environment }) },
    {
      weight: 2,
      arbitrary: fc.record({
        do: fc.constant('resource.put'),
        by: who,
        workspace,
        id: resource,
        owner: member,
        collaborators: fc.subarray([...MEMBERS]),
      }),
    },
    { weight: 1, arbitrary: fc.record({ do: fc.constant('resource.delete'), by: who, workspace, id: resource }) },
  ) as fc.Arbitrary<Operation>;
}

/** A member asks for themselves, the operator for somebody; only now and then the wrong way round. */
function making(rules: PolicyRules, who: fc.Arbitrary<By>, days: fc.Arbitrary<number | 'never' | null>) {
  const kind = fc.constantFrom(...Object.keys(rules.kinds));
  const scopes = fc.option(fc.subarray([...rules.scopes, MANAGE], { minLength: 1 }), { freq: 12 });
  const asked = fc.record({ by: who, kind, scopes, workspaces: fc.option(grant, { freq: 12 }), days });
  return fc.tuple(asked, member, maybe(12)).map(([wish, id, odd]): Operation => {
    const owner = (wish.by === 'operator') === odd ? null : id;
    return { do: 'token.create', ...wish, owner };
  });
}

function changing(rules: PolicyRules, who: fc.Arbitrary<By>): fc.Arbitrary<Operation> {
  const change = fc.oneof(
    fc.record({ days: fc.constantFrom<number | 'never'>(1, 2, 20, 40, 'never') }),
    fc.record({ scopes: fc.subarray([...rules.scopes, MANAGE], { minLength: 1 }) }),
    fc.record({ workspaces: grant }),
    fc.record({ name: fc.constantFrom('x', 'y') }),
  );
  const simple = fc.constantFrom(
    'token.activate',
    'token.activate',
    'token.activate',
    'token.deactivate',
    'token.deactivate',
    'token.revoke',
    'token.delete',
  );
  return fc.oneof(
    { weight: 3, arbitrary: fc.record({ do: fc.constant('token.patch'), by: who, token, change }) },
    { weight: 4, arbitrary: fc.record({ do: simple, by: who, token }) },
    {
      weight: 3,
      arbitrary: fc.record({
        do: fc.constant('token.rotate'),
        by: who,
        token,
        graceSeconds: fc.constantFrom(0, 60, 3600, 86_400, 86_401),
      }),
    },
  ) as fc.Arbitrary<Operation>;
}

const DAYS = fc.constantFrom<number | 'never' | null>(30, 30, 30, 30, 30, 30, 7, 2, 1, 31, 'never', null);
const waiting: fc.Arbitrary<Operation> = fc.record({
  do: fc.constant('wait' as const),
  by: fc.constant('time'),
  ms: fc.constantFrom(1000, 60_000, 3_600_000, 80_000_000, DAY_MS, 2 * DAY_MS, 31 * DAY_MS),
  until: fc.option(fc.nat({ max: 5 }), { freq: 2, nil: null }),
});
/** Somebody leaves, and somebody of the same name comes; so with a workspace. */
const newcomer = (rules: PolicyRules): fc.Arbitrary<Sequence> =>
  fc.record({ id: member, role: fc.constantFrom(...Object.keys(rules.roles)) }).map(({ id, role }) => [
    { do: 'member.delete', by: 'operator', id, dry: false },
    { do: 'member.put', by: 'operator', id, role, scopes: null, actions: null },
  ]);
/** Somebody had a workspace, made a token that lists it, and has it no more. */
const sold = (rules: PolicyRules): fc.Arbitrary<Sequence> =>
  fc
    .record({ id: workspace, owner: member, next: member, kind: fc.constantFrom(...Object.keys(rules.kinds)) })
    .map(({ id, owner, next, kind }) => [
      { do: 'workspace.transfer', by: 'operator', id, owner, dry: false },
      { do: 'token.create', by: 'operator', kind, owner, scopes: [rules.scopes[0]], workspaces: [id], days: 30 },
      { do: 'workspace.transfer', by: 'operator', id, owner: next, dry: false },
    ]);
/** A team with a token of one of its members, and then with other members, or founded anew under the same id. */
const regrouped = (rules: PolicyRules): fc.Arbitrary<Sequence> =>
  fc
    .record({ id: team, at: workspace, owner: member, after: fc.subarray([...MEMBERS]), anew: fc.boolean() })
    .map(({ id, at, owner, after, anew }): Operation[] => {
      const who = 'operator';
      const assigned = { do: 'assignment.put', by: who, workspace: at, of: 'teams', id, role: 'admin' } as const;
      const asked = { scopes: [rules.scopes[0]], workspaces: 'all', days: 30 } as const;
      return [
        { do: 'team.put', by: who, id, members: [owner] },
        assigned,
        { do: 'token.create', by: who, kind: Object.keys(rules.kinds)[0]!, owner, ...asked },
        ...(anew ? [{ do: 'team.delete', by: who, id } as const] : []),
        { do: 'team.put', by: who, id, members: after },
        assigned,
      ];
    });
const rebuilt: fc.Arbitrary<Sequence> = fc.record({ id: workspace, owner: member }).map(({ id, owner }) => [
  { do: 'workspace.delete', by: 'operator', id },
  { do: 'workspace.put', by: 'operator', id, owner },
]);
/** What somebody was given lately, and a token of theirs that makes another. */
const handler = (rules: PolicyRules): fc.Arbitrary<Sequence> =>
  fc
    .record({
      id: workspace,
      owner: member,
      maker: fc.nat({ max: 7 }),
      kind: fc.constantFrom(...Object.keys(rules.kinds)),
    })
    .map(({ id, owner, maker, kind }) => [
      { do: 'workspace.transfer', by: 'operator', id, owner, dry: false },
      { do: 'token.create', by: `#${maker}`, kind, owner: null, scopes: [MANAGE], workspaces: 'all-owned', days: 1 },
    ]);
const renewal: fc.Arbitrary<Operation> = by(3, 1, 0).map((who) => ({ do: 'organization.renew', by: who }));

const everybody = by(6, 5, 2);
const anything = (rules: PolicyRules): Wishes => [
  { weight: 40, arbitrary: directory(rules, everybody) },
  { weight: 24, arbitrary: making(rules, everybody, DAYS) },
  { weight: 28, arbitrary: changing(rules, everybody) },
  { weight: 7, arbitrary: waiting },
  { weight: 5, arbitrary: newcomer(rules) },
  { weight: 3, arbitrary: sold(rules) },
  { weight: 3, arbitrary: regrouped(rules) },
  { weight: 2, arbitrary: rebuilt },
  { weight: 1, arbitrary: renewal },
];

/** The operator hardly does anything: members and managing tokens strive for more. */
const climbers = by(1, 6, 8);
const climbing = (rules: PolicyRules): Wishes => [
  { weight: 20, arbitrary: directory(rules, by(2, 6, 1)) },
  { weight: 4, arbitrary: making(rules, fc.constant('operator'), DAYS).map(withManagement(rules)) },
  { weight: 20, arbitrary: making(rules, climbers, DAYS).map(withManagement(rules)) },
  { weight: 25, arbitrary: changing(rules, climbers) },
  { weight: 4, arbitrary: newcomer(rules) },
  { weight: 4, arbitrary: handler(rules) },
  { weight: 3, arbitrary: waiting },
];

/** Nothing but tokens, most of them ann's, and time; some that had ended are prolonged. */
const crowding = (rules: PolicyRules): Wishes => {
  const kind = fc.constantFrom(...Object.keys(rules.kinds));
  const asked = { scopes: [rules.scopes[0]], workspaces: 'all' } as const;
  const made: fc.Arbitrary<Operation> = fc
    .record({
      kind,
      owner: fc.constantFrom('ann', 'ann', 'bob'),
      days: fc.constantFrom<number | 'never'>(1, 2, 30, 'never'),
    })
    .map((wish) => ({ do: 'token.create', by: 'operator', ...asked, ...wish }));
  const longer: fc.Arbitrary<Operation> = fc
    .record({ token, change: fc.record({ days: fc.constantFrom<number | 'never'>(7, 40, 'never') }) })
    .map((wish) => ({ do: 'token.patch', by: 'operator', ...wish }));
  return [
    { weight: 10, arbitrary: made },
    { weight: 6, arbitrary: changing(rules, by(4, 1, 0)) },
    { weight: 4, arbitrary: longer },
    { weight: 4, arbitrary: waiting },
    { weight: 1, arbitrary: directory(rules, by(1, 0, 0)) },
  ];
};

/** Only what follows its owner manages for them. */
function withManagement(rules: PolicyRules) {
  return (operation: Operation): Operation => {
    if (operation.do !== 'token.create' || operation.scopes === null) return operation;
    if (!rules.kinds[operation.kind]!.follows) return operation;
    return { ...operation, scopes: [...new Set([...operation.scopes, MANAGE])] };
  };
}

async function play(rules: PolicyRules, operations: readonly Operation[]): Promise<readonly Step[]> {
  const harness = new AuthorityHarness(rules);
  try {
    await harness.open();
    for (const [index, operation] of operations.entries()) await harness.act(operation, operations[index + 1]);
    return harness.history;
  } catch (error) {
    if (!(error instanceof Broken)) throw error;
    throw new Broken(`${harness.history.map(tell).join('\n')}\n=> ${error.message}`);
  } finally {
    await harness.close();
  }
}

function tell({ operation: { do: what, by: who, ...rest }, outcome }: Step, index: number): string {
  const details = Object.entries(rest).map(([name, value]) => `${name}=${JSON.stringify(value)}`);
  return `${String(index + 1).padStart(3)}. ${who}: ${[what, ...details].join(' ')} (${outcome})`;
}

async function explore(rules: PolicyRules, wishes: Wishes, runs: number): Promise<void> {
  const histories = fc.noBias(fc.array(fc.oneof(...wishes), { maxLength: LENGTH_MAX, size: 'max' }));
  const property = fc.asyncProperty(histories, async (sequences) => {
    await play(rules, sequences.flat());
  });
  for (const seed of seeds())
    expectNone(
      rules,
      await fc.check(property, {
        seed,
        numRuns: Math.ceil(runs / seeds().length),
        // So that a long search for the shortest history still ends with the shortest so far.
        interruptAfterTimeLimit: PATIENCE_MS / 2,
        markInterruptAsFailure: true,
      }),
    );
}

function expectNone(
  rules: PolicyRules,
  { failed, seed, counterexamplePath, errorInstance }: fc.RunDetails<[Sequence[]]>,
): void {
  const told =
    errorInstance instanceof Broken ? errorInstance.message : ((errorInstance as Error)?.stack ?? 'ran out of time');
  const where = `${rules.policy}, edition ${rules.edition} (seed ${seed}, path ${counterexamplePath})`;
  expect(failed, `${where}\n${told}`).toBe(false);
}

describe.each(POLICIES.map((rules) => ({ name: `${rules.policy} ${rules.edition}`, rules })))('$name', ({ rules }) => {
  it(
    'no history yields a token beyond its owner or its grant, and what has ended stays ended',
    async () => {
      await explore(rules, anything(rules), RUNS);
    },
    PATIENCE_MS,
  );

  it(
    'members and managing tokens end up with nothing beyond their own',
    async () => {
      await explore(rules, climbing(rules), RUNS);
    },
    PATIENCE_MS,
  );

  // Policies without limits have nothing to hold here.
  if (limited(rules))
    it(
      'limits hold',
      async () => {
        await explore(tight(rules), crowding(rules), RUNS);
      },
      PATIENCE_MS,
    );
});

describe('histories that once went wrong', () => {
  const within = (policy: string, edition: string) =>
    POLICIES.find((rules) => rules.policy === policy && rules.edition === edition)!;
  const make = (who: By, more: object): Operation => {
    const usual = { kind: 'personal', owner: null, scopes: [MANAGE], workspaces: 'all', days: 30 } as const;
    return { do: 'token.create', by: who, ...usual, ...more };
  };
  const renamed = (id: string, role: string): Operation[] => [
    { do: 'member.delete', by: 'operator', id, dry: false },
    { do: 'member.put', by: 'operator', id, role, scopes: null, actions: null },
  ];
  const given: Operation = { do: 'workspace.transfer', by: 'operator', id: 'w1', owner: 'ann', dry: false };
  const service = { kind: 'service', scopes: ['bot:read'], workspaces: ['w1'] };

  it.each<[string, PolicyRules, Operation[], string]>([
    [
      "the next bearer of an id does not get at the predecessor's service token by rotating it",
      within('coze', 'personal'),
      [make('cat', service), ...renamed('cat', 'member'), { do: 'token.rotate', by: 'cat', token: 0, graceSeconds: 0 }],
      'refused, not_allowed',
    ],
    [
      'nor does that token get at what the newcomer owns',
      within('coze', 'team'),
      [make('operator', { ...service, owner: 'ann', workspaces: ['w2'] }), ...renamed('ann', 'member')],
      'done',
    ],
    [
      'nor is it granted scopes that only the newcomer has',
      within('impact', 'enterprise'),
      [
        make('ann', { kind: 'service', scopes: ['reports:read'] }),
        ...renamed('ann', 'admin'),
        { do: 'token.patch', by: 'operator', token: 0, change: { scopes: ['actions:write'] } },
      ],
      'refused, owner_removed',
    ],
    [
      'a managing token does not switch on a token that is beyond it',
      within('coze', 'personal'),
      [
        make('cat', { days: 1 }),
        make('cat', { scopes: ['bot:write'] }),
        { do: 'token.deactivate', by: 'cat', token: 1 },
        { do: 'token.activate', by: '#0', token: 1 },
      ],
      'refused, not_allowed',
    ],
    [
      'a managing token does not reach, by making a younger one, what its owner was handed after it was made',
      within('coze', 'team'),
      [make('ann', { workspaces: 'all-owned' }), given, make('#0', { workspaces: 'all-owned', days: 1 })],
      'refused, not_allowed',
    ],
    [
      'in edition personal nobody makes tokens for the workspaces of strangers, whatever the policy',
      within('featbit', 'personal'),
      [make('ann', { workspaces: 'all-organization' })],
      'refused, workspaces_too_wide',
    ],
    [
      'a call that waited while its token was revoked makes none',
      within('default', 'team'),
      [make('ann', {}), { do: 'token.revoke', by: 'operator', token: 0 }, make('#0', { days: 1 })],
      'refused, not_allowed',
    ],
  ])('%s', async (_name, rules, operations, outcome) => {
    expect((await play(rules, operations)).at(-1)?.outcome).toBe(outcome);
  });
});
