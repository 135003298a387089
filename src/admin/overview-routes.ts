/** What an organization has of tokens and refusals, in numbers, over HTTP: everybody's, or for members their own. */
import type { RefusalCountQuery } from '../edge/refusal-ring.ts';
import { maySeeTokenOf } from '../manage/actor.ts';
import { enter, type ManageContext, reader } from '../manage/context.ts';
import { FINDINGS, type TokenFinding } from '../manage/tokens/findings.ts';
import { countLiveTokens, type TokenTally, tallyTokens } from '../manage/tokens/token-tally.ts';
import { Type } from '../schema-type.ts';
import { SlowFacts } from '../slow-facts.ts';
import { type AdminRoute, route } from './route.ts';
import { FindingCounts, OrganizationParams } from './schemas.ts';

/** The refusals of every process, by reason. Never rejects. */
export type CountRefusals = (query: RefusalCountQuery) => Promise<CountedRefusals>;

interface CountedRefusals {
  readonly byReason: ReadonlyMap<string, number>;
  /** As far back as all remember. */
  readonly sinceMs: number;
  readonly unanswered: readonly string[] | null;
}

const HOUR_MS = 3_600_000;
/** An answer comes at once, with what is known by then. */
const PATIENCE_MS = 100;

const OverviewAnswer = Type.Object(
  {
    of: Type.Enum(['everybody', 'oneself'], {
      description: 'whose tokens: oneself where the caller may see no others',
    }),
    tokens: Type.Object(
      {
        total: Type.Integer({ description: 'all that are kept, whatever their state' }),
        live: Type.Array(Type.Object({ kind: Type.String(), count: Type.Integer() }), {
          description: 'neither ended nor expired, by kind; counted now',
        }),
        counted: Type.Union(
          [
            Type.Object(
              {
                at: Type.String({ description: 'when; the more there are, the longer this stays' }),
                kinds: Type.Array(
                  Type.Object({
                    kind: Type.String(),
                    active: Type.Integer(),
                    inactive: Type.Integer(),
                    expired: Type.Integer(),
                    revoked: Type.Integer(),
                  }),
                ),
                expiring: Type.Integer({ description: 'active ones that end within a week' }),
                findings: FindingCounts,
              },
              { title: 'CountedTokens' },
            ),
            Type.Null(),
          ],
          { description: 'what takes a walk over all of them; null: it has begun, ask again' },
        ),
      },
      { title: 'TokenNumbers' },
    ),
    refusals: Type.Union(
      [
        Type.Object(
          {
            since: Type.String({ description: 'an hour ago, or as far back as all processes remember' }),
            refused: Type.Integer(),
            reasons: Type.Array(Type.Object({ reason: Type.String(), refused: Type.Integer() }), {
              description: 'the most frequent first',
            }),
            unanswered: Type.Union([Type.Array(Type.String()), Type.Null()], {
              description: 'processes that have not answered in time; null: only this one could be asked',
            }),
          },
          { title: 'RefusalNumbers' },
        ),
        Type.Null(),
      ],
      { description: 'null: the processes have been asked, ask again' },
    ),
  },
  { title: 'Overview' },
);

const NOTHING_FOUND = Object.fromEntries(FINDINGS.map((finding) => [finding, 0])) as Record<TokenFinding, number>;

export function overviewRoute(countRefusals: CountRefusals): AdminRoute {
  // A twentieth of the time, at most, goes into counting again.
  const tallies = new SlowFacts<TokenTally>({ patienceMs: PATIENCE_MS, restFactor: 20, max: 200 });
  const refusals = new SlowFacts<CountedRefusals>({ patienceMs: PATIENCE_MS, restFactor: 2, max: 200 });
  return route({
    id: 'getOverview',
    method: 'GET',
    path: '/v1/organizations/:org/overview',
    tag: 'organizations',
    summary: 'Read how many tokens there are, of which state, what of their use is worth a look, and what was refused',
    description:
      "Everybody's for administrators and whoever has the policy's listAction; for others their own. Answers at once: what takes longer is told as it was last counted.",
    params: OrganizationParams,
    answer: OverviewAnswer,
    example: {
      answer: {
        of: 'everybody',
        tokens: {
          total: 61,
          live: [{ kind: 'personal', count: 42 }],
          counted: {
            at: '2030-01-01T09:00:00.000Z',
            kinds: [{ kind: 'personal', active: 40, inactive: 2, expired: 12, revoked: 7 }],
            expiring: 3,
            findings: { ...NOTHING_FOUND, never_used: 1, dormant: 5, expires_soon_in_use: 2 },
          },
        },
        refusals: {
          since: '2030-01-01T08:00:00.000Z',
          refused: 12,
          reasons: [{ reason: 'scope_missing', refused: 12 }],
          unanswered: [],
        },
      },
    },
    async run({ manage, params }) {
      const owner = await ownerSeen(manage, params.org);
      const of = { org: params.org, owner: owner?.id ?? null };
      const key = JSON.stringify([params.org, owner]);
      const query = { organization: params.org, owner, sinceMs: manage.nowMs() - HOUR_MS };
      const [live, tally, counted] = await Promise.all([
        countLiveTokens(manage, of),
        tallies.get(key, () => tallyTokens(manage, of)),
        refusals.get(key, () => countRefusals(query)),
      ]);
      return {
        of: owner === null ? ('everybody' as const) : ('oneself' as const),
        tokens: { ...live, counted: tally === null ? null : tallyView(tally) },
        refusals: counted === null ? null : refusalsView(counted),
      };
    },
  });
}

/** null: everybody. */
async function ownerSeen(manage: ManageContext, org: string) {
  const { rights } = await enter(manage, reader(manage.store), org);
  const { member } = rights;
  if (member === null || maySeeTokenOf(rights, manage.policy(), null)) return null;
  return { id: member.id, generation: member.generation };
}

function tallyView({ countedAtMs, kinds, expiring, findings }: TokenTally) {
  const byKind = Array.from(kinds, ([kind, states]) => ({ kind, ...states }));
  return { at: new Date(countedAtMs).toISOString(), kinds: byKind, expiring, findings };
}

function refusalsView({ byReason, sinceMs, unanswered }: CountedRefusals) {
  const reasons = Array.from(byReason, ([reason, refused]) => ({ reason, refused }));
  return {
    since: new Date(sinceMs).toISOString(),
    refused: reasons.reduce((sum, { refused }) => sum + refused, 0),
    reasons: reasons.sort((left, right) => right.refused - left.refused || (left.reason < right.reason ? -1 : 1)),
    unanswered,
  };
}
