/** What two sets of rules decide differently, against asking both about every request of a small world. */
import { join } from 'node:path';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { checkGateway, type Found } from '../../src/config/load/check-gateway.ts';
import { satisfies } from '../../src/core/scope.ts';
import { compareRules } from '../../src/diff/compare-rules.ts';
import { assertForSeeds } from '../support/chance.ts';
import { ROOT } from '../support/process.ts';

const SCOPES = ['content:read', 'content:write', 'workflows:read', 'workflows:write'];
const HELD = Array.from(
  { length: 2 ** SCOPES.length },
  (_, bits) => new Set(SCOPES.filter((_, at) => bits & (1 << at))),
);
const METHODS = ['GET', 'HEAD', 'POST', 'DELETE', 'PURGE'];
const HOSTS = ['a.example.com', 'deep.b.example.com', 'b.example.com', 'localhost'];
const WORDS = ['a', 'b', 'A', 'B', 'other'];
const PATHS = [
  [''],
  ...WORDS.flatMap((one) => [
    [one],
    [one, ''],
    ...WORDS.flatMap((two) => [
      [one, two],
      [one, two, ''],
      ...WORDS.flatMap((three) => [
        [one, two, three],
        [one, two, three, ''],
      ]),
    ]),
  ]),
];

const segment = fc.constantFrom('a', 'b', '{x}');
const path = fc
  .tuple(fc.array(segment, { minLength: 1, maxLength: 2 }), fc.boolean())
  .map(
    ([pieces, rest]) =>
      `/${pieces.map((piece, at) => (piece === '{x}' ? `{x${at}}` : piece)).join('/')}${rest ? '/**' : ''}`,
  );
const scopes = fc.subarray(SCOPES, { minLength: 1, maxLength: 2 });
const asks = fc.oneof(
  fc.constant({ public: true }),
  fc.constant({ require: {} }),
  scopes.map((named) => ({ require: { scopes: named } })),
  scopes.map((named) => ({ require: { anyOf: named } })),
);
const route = fc
  .record({
    path,
    methods: fc.option(fc.subarray(['GET', 'POST', 'DELETE'], { minLength: 1 }), { nil: undefined }),
    hosts: fc.option(fc.constantFrom(['a.example.com'], ['*.b.example.com']), { nil: undefined, freq: 3 }),
  })
  .chain((match) => asks.map((rest) => ({ match: JSON.parse(JSON.stringify(match)), ...rest })));
const gateway = fc.record({
  routes: fc.array(route, { minLength: 1, maxLength: 5 }),
  caseSensitive: fc.boolean(),
  ignoreTrailingSlash: fc.boolean(),
});

/** null: two of its routes are one. */
function load({ routes, ...routing }: { readonly routes: readonly object[] }): Found | null {
  const named = routes.map((each, at) => ({ id: `r${at}`, upstream: 'api', ...each }));
  const upstreams = { api: { targets: ['http://127.0.0.1:9'] } };
  const settings = { policy: join(ROOT, 'policies/default.yaml'), routing, upstreams, routes: named };
  try {
    return checkGateway('gateway.yaml', {}, { contents: { text: JSON.stringify(settings), folder: ROOT } });
  } catch {
    return null;
  }
}

function gateOf({ compiled }: Found, host: string, method: string, at: readonly string[]) {
  const match = compiled.routes.match(host, method, at);
  return match.kind === 'route' ? match.route : null;
}

type Gate = ReturnType<typeof gateOf>;

const known = new WeakMap<object, ReadonlySet<string>>();

/** Who passes: nobody, holders of these scopes, and whoever comes without a token. */
function passing(gate: Gate): ReadonlySet<string> {
  if (gate === null) return new Set();
  const { requirement } = gate;
  if (requirement === null) return new Set(['nobody', ...HELD.map((held) => [...held].join())]);
  const { scopes: asked } = requirement;
  const before = known.get(gate);
  if (before !== undefined) return before;
  const passers = HELD.filter((held) => asked === null || satisfies(asked, held, 'all'));
  const passing = new Set(passers.map((held) => [...held].join()));
  known.set(gate, passing);
  return passing;
}

it('is exactly what asking both about every request shows: nothing is left out, and nothing is made up', async () => {
  let compared = 0;
  await assertForSeeds(
    fc.property(gateway, gateway, (one, other) => {
      const [before, after] = [load(one), load(other)];
      if (before === null || after === null) return;
      compared++;
      // The gateway's own stand in none of these paths.
      const { routes } = compareRules(before, after);
      const isOwn = (change: (typeof routes)[number]) =>
        [change.before, change.after].some((gate) => gate?.endpoint !== undefined);
      const written = routes.filter((change) => !isOwn(change));
      const told = new Map(written.map((change) => [`${change.before?.id} ${change.after?.id}`, change.direction]));
      const seen = new Map<string, { lost: boolean; won: boolean }>();
      for (const host of HOSTS) {
        for (const method of METHODS) {
          for (const at of PATHS) {
            const [was, is] = [gateOf(before, host, method, at), gateOf(after, host, method, at)];
            const [could, can] = [passing(was), passing(is)];
            const lost = [...could].some((who) => !can.has(who));
            const won = [...can].some((who) => !could.has(who));
            if (lost || won) seen.set(`${was?.id} ${is?.id}`, { lost, won });
          }
        }
      }
      const direction = ({ lost, won }: { lost: boolean; won: boolean }) =>
        lost && won ? 'both' : lost ? 'narrower' : 'wider';
      const expected = [...seen].map(([pair, each]) => `${pair}: ${direction(each)}`).toSorted();
      const found = [...told].map(([pair, each]) => `${pair}: ${each}`).toSorted();
      if (expected.join('\n') !== found.join('\n'))
        throw new Error(`asked:\n${expected.join('\n')}\ntold:\n${found.join('\n')}`);
    }),
    { numRuns: 25 },
  );
  expect(compared).toBeGreaterThan(10);
});
