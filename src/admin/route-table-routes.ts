/** The routes in force over HTTP, with what lint finds in them and how often they are used: for the operator. Asks; judges nothing. */

import type { LintFinding } from '../lint/finding.ts';
import type { LookedThrough } from '../lint/lint-in-thread.ts';
import { requireProcessOperator } from '../manage/actor.ts';
import type { RouteDay } from '../observe/route-ring.ts';
import { Type } from '../schema-type.ts';
import { readPage } from './paging.ts';
import { type AdminRoute, route, type Shaped } from './route.ts';
import { type BareRoute, RouteEntry, RouteFinding } from './route-entries.ts';
import { Nullable } from './schemas.ts';

/** What of the routes in force can be asked. */
export interface RouteBook {
  routes(): readonly BareRoute[];
  /** By what the rules in force are known. */
  configuration(): string;
  /** What their files say now; null: they are no good configuration now, or are no files. */
  files(): Promise<LookedThrough | null>;
  /** Of every process that answers; null: none does. Never rejects. */
  traffic(): Promise<(RouteDay & { readonly unanswered: readonly string[] | null }) | null>;
}

const word = (description: string) => Type.Optional(Type.String({ maxLength: 256, description }));

const RoutesQuery = Type.Object(
  {
    limit: Type.Optional(Type.String({ pattern: '^[0-9]{1,6}$', description: 'a whole number from 1 to 1000' })),
    cursor: Type.Optional(Type.String({ pattern: '^[0-9]{1,9}$', description: 'the nextCursor of an earlier page' })),
    path: word('a part of the path, of the id or of a host'),
    method: word('that it takes, such as GET'),
    scope: word('that it asks for'),
    only: Type.Optional(
      Type.Enum(['found', 'unused', 'public'], {
        description: 'found: where lint finds something; unused: nobody has asked for it; public: it asks for no token',
      }),
    ),
  },
  { additionalProperties: false },
);

const RouteListAnswer = Type.Object(
  {
    items: Type.Array(RouteEntry),
    nextCursor: Nullable(Type.String()),
    total: Type.Integer({ description: 'that fit, on all pages' }),
    configuration: Type.String({ description: 'in force: a digest of its files' }),
    files: Type.Enum(['inForce', 'changed', 'unreadable'], {
      description:
        'changed: places and findings are those of newer files, which are not in force; unreadable: there are none to tell',
    }),
    otherFindings: Type.Array(RouteFinding, { description: 'of lint, that are about no single route' }),
    countedSince: Nullable(
      Type.String({
        description: 'from when on requests are counted: a day ago, or since a process began; null: nobody counts',
      }),
    ),
    unanswered: Nullable(
      Type.Array(Type.String(), { description: 'processes that have not said in time what they counted' }),
    ),
  },
  { title: 'RouteList' },
);

type Entry = Shaped<typeof RouteEntry>;

const EXAMPLE: Entry = {
  ...{ order: 3, id: 'delete-bot', methods: ['DELETE'], hosts: null, path: '/v1/bots/{bot}' },
  asks: {
    scopes: { names: ['bot:write'], match: 'all' },
    workspace: { from: ['path.bot'], as: 'resource', type: 'bot', role: 'member' },
    ...{ environment: null, resource: null, apiVersions: null },
  },
  credentials: ['bearer'],
  limits: [{ name: 'burst', requests: 20, windowSeconds: 1, per: ['token'] }],
  ...{ upstream: 'platform', place: { file: 'gateway.yaml', line: 61, column: 9 }, requests: 12, refused: 1 },
  findings: [],
};

export function routeTableRoute(book: RouteBook): AdminRoute {
  return route({
    id: 'listRoutes',
    method: 'GET',
    path: '/v1/routes',
    tag: 'operations',
    summary: 'List the routes in force, in the order in which they are tried',
    description:
      'As gateway.yaml was compiled, with the line of each, what lint finds (SG104 to SG114), and how often it was asked for and refused within a day, as far as the processes that run now have counted. For the admin key alone, without an actor.',
    query: RoutesQuery,
    answer: RouteListAnswer,
    errors: { 400: ['invalid_field'], 403: ['forbidden'] },
    // The files are linted in a thread, once for each configuration.
    takesLong: true,
    example: {
      answer: {
        ...{ items: [EXAMPLE], nextCursor: null, total: 1, configuration: '9f86d081884c', files: 'inForce' },
        ...{ otherFindings: [], countedSince: '2030-01-01T09:00:00.000Z', unanswered: [] },
      },
    },
    async run({ manage, query }) {
      requireProcessOperator(manage.actor);
      const { limit } = readPage({ limit: query.limit });
      const [files, traffic] = await Promise.all([book.files(), book.traffic()]);
      const findings = Map.groupBy(files?.findings ?? [], (finding) => finding.route);
      const wanted = book
        .routes()
        .map((bare) => ({
          ...bare,
          place: files?.places[bare.id] ?? null,
          ...countsOf(bare, traffic),
          findings: (findings.get(bare.id) ?? []).map(findingView),
        }))
        .filter((each) => fits(each, query));
      const items = wanted.filter(({ order }) => order > Number(query.cursor ?? 0)).slice(0, limit);
      const last = items.at(-1);
      return {
        items,
        nextCursor: last === undefined || last === wanted.at(-1) ? null : String(last.order),
        total: wanted.length,
        configuration: book.configuration(),
        files: standingOf(files, book.configuration()),
        otherFindings: (findings.get(undefined) ?? []).map(findingView),
        countedSince: traffic === null ? null : new Date(traffic.sinceMs).toISOString(),
        unanswered: traffic?.unanswered ?? null,
      };
    },
  });
}

function standingOf(files: LookedThrough | null, configuration: string): 'inForce' | 'changed' | 'unreadable' {
  if (files === null) return 'unreadable';
  return files.digest === configuration ? 'inForce' : 'changed';
}

function countsOf({ id }: BareRoute, traffic: RouteDay | null): Pick<Entry, 'requests' | 'refused'> {
  if (traffic === null) return { requests: null, refused: null };
  const [requests, refused] = traffic.counts[id] ?? [0, 0];
  return { requests, refused };
}

function findingView({ code, severity, message, at }: LintFinding): Shaped<typeof RouteFinding> {
  return { code, severity, message, ...at };
}

interface Wanted {
  readonly path?: string;
  readonly method?: string;
  readonly scope?: string;
  readonly only?: 'found' | 'unused' | 'public';
}

function fits({ id, hosts, path, methods, asks, requests, findings }: Entry, wanted: Wanted): boolean {
  const part = wanted.path?.toLowerCase();
  return (
    (part === undefined || [id, path, ...(hosts ?? [])].some((text) => text.toLowerCase().includes(part))) &&
    (wanted.method === undefined || methods === null || methods.includes(wanted.method.toUpperCase())) &&
    (wanted.scope === undefined || (asks?.scopes?.names.includes(wanted.scope) ?? false)) &&
    (wanted.only !== 'found' || findings.length > 0) &&
    (wanted.only !== 'unused' || requests === 0) &&
    (wanted.only !== 'public' || asks === null)
  );
}
