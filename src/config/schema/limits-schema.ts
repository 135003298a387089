/** The shape of `limits` in gateway.yaml, and of a route's part in it. That names resolve is checked elsewhere. */
import type { Static } from 'typebox';
import { DAY_MS } from '../../core/policy.ts';
import { LIMIT_SUBJECTS } from '../../core/rate-limit.ts';
import { section } from '../../schema-parts.ts';
import { Type } from '../../schema-type.ts';

/** What the words stand for. A month is 30 days: windows open with a first request, not with a date. */
export const WINDOWS_MS = {
  second: 1000,
  minute: 60_000,
  hour: 3_600_000,
  day: DAY_MS,
  week: 7 * DAY_MS,
  month: 30 * DAY_MS,
} as const;

const Name = Type.String({
  pattern: '^[A-Za-z][A-Za-z0-9_-]{0,63}$',
  errorMessage: 'must be a letter, then letters, digits, _ and -, at most 64',
});

const Subject = Type.Enum([...LIMIT_SUBJECTS], {
  description: 'token, organization: of the caller. address: of the client (IPv6: its /64). route: by its id.',
});

const LimitSchema = section(
  {
    requests: Type.Integer({
      minimum: 1,
      maximum: 1_000_000_000_000,
      description: 'Most requests in one window; further ones get 429.',
    }),
    window: Type.Optional(
      Type.Enum(Object.keys(WINDOWS_MS) as (keyof typeof WINDOWS_MS)[], {
        description: 'How long a window is. It opens with the first request. A month is 30 days.',
      }),
    ),
    windowMs: Type.Optional(
      Type.Integer({
        minimum: 1000,
        maximum: 366 * DAY_MS,
        multipleOf: 1000,
        description: 'Instead of window; whole seconds, since clients are told in seconds.',
      }),
    ),
    per: Type.Union([Subject, Type.Array(Subject, { minItems: 1, uniqueItems: true })], {
      description: 'What is counted by itself. A list: each combination, such as [token, route].',
    }),
    everywhere: Type.Boolean({
      default: false,
      description: 'true: for every route, beside what the route names. What needs a token skips public routes.',
    }),
  },
  {
    not: { required: ['window', 'windowMs'], errorMessage: 'either "window" or "windowMs", not both' },
    description: 'At most so many requests in each window. A quota is a limit with a long window.',
  },
);

export const LimitsSchema = Type.Record(Type.String(), LimitSchema, {
  propertyNames: Name,
  default: {},
  description: 'Rate limits and quotas, by a name that clients see in RateLimit headers. Absent: none.',
});

/** On a route. */
export const RouteLimitsSchema = Type.Union(
  [Type.Literal('none'), Type.Array(Type.String({ minLength: 1 }), { minItems: 1, uniqueItems: true })],
  {
    description:
      'Names of limits that the route counts for, together with other routes. none: not even those of everywhere.',
  },
);

export type LimitsFile = Static<typeof LimitsSchema>;
export type RouteLimitsFile = Static<typeof RouteLimitsSchema>;
