/**
 * What the settings of a route cost, each for all routes of a gateway of its own, against a gateway without any in the same
 * run; and that who does not use them pays nothing: one gateway has them all, on another route. Judges no setting.
 */
import { Owned } from '../src/owned.ts';
import { BENCH_ROUTES, MEASURED_CORE, OTHER_CORE, startChild, startScopegate, temporaryFolder } from './children.ts';
import { median } from './measure.ts';
import type { BenchOptions, Section } from './report.ts';
import { CONNECTIONS, fillStore, measureInTurn, proxySetup, type Target, TOKENS } from './traffic.ts';

/** Of the same path where nobody uses a setting; what machines do to a run is about as much. */
const UNUSED_MAX = 1.05;

const SETTINGS: Readonly<Record<string, Readonly<Record<string, unknown>>>> = {
  'credentials: four places': { credentials: ['bearer', 'basic', 'header.X-API-Key', 'query.access_token'] },
  'headers and answerHeaders': {
    headers: { set: { 'X-Provider-Key': 'secret' }, remove: ['Cookie'] },
    answerHeaders: { set: { 'Strict-Transport-Security': 'max-age=31536000' }, remove: ['Server'] },
  },
  'cors, of a request without Origin': { cors: { origins: ['https://app.example.com'] } },
  'timeouts, encodedSlashes, allowFrom': {
    timeouts: { headersMs: 30_000 },
    encodedSlashes: 'keep',
    allowFrom: ['127.0.0.0/8'],
  },
};
const ALL = Object.assign({}, ...Object.values(SETTINGS)) as Readonly<Record<string, unknown>>;

export async function benchRouteSettings({ quick, say }: BenchOptions): Promise<Section> {
  const owned = new Owned();
  try {
    const folder = temporaryFolder(owned);
    const dataset = await fillStore(`${folder}/scopegate.db`, say);
    const upstream = await startChild(owned, './processes/upstream.ts', OTHER_CORE);
    const target = async (name: string, sections = {}): Promise<Target> => ({
      ...(await startScopegate(owned, folder, upstream.url, {}, sections)),
      name,
      checksTokens: true,
      rounds: [],
    });
    const other = { id: 'other', match: { path: '/other/**' }, public: true, upstream: 'platform', ...ALL };
    const hosts = BENCH_ROUTES.map((route) => ({ ...route, match: { ...route.match, hosts: ['127.0.0.1'] } }));
    const proxy = await startChild(owned, './processes/http-proxy-3.ts', MEASURED_CORE, {
      input: JSON.stringify(proxySetup(dataset, upstream.url)),
    });
    const targets = [
      { ...proxy, name: 'http-proxy-3', checksTokens: true, rounds: [] } as Target,
      await target('plain'),
      await target('all of them, on another route', { routes: [...BENCH_ROUTES, other] }),
      await target('match.hosts', { routes: hosts }),
      await target('log.decisions: 1 of 100 allowed', {
        log: { level: 'info', access: 'none', decisions: { refused: 1, allowed: 0.01 } },
      }),
    ];
    for (const [name, defaults] of Object.entries(SETTINGS)) targets.push(await target(name, { defaults }));
    await measureInTurn(targets, dataset, { quick, say });
    return report(targets);
  } finally {
    await owned.release();
  }
}

function report(targets: readonly Target[]): Section {
  const [, plain, unused] = targets as readonly [Target, Target, Target];
  // Neighbours in time met the same machine, so they are compared round by round.
  const share = (target: Target) =>
    median(target.rounds.map((each, index) => each.cpuMicroseconds / plain.rounds[index]!.cpuMicroseconds));
  return {
    name: 'settings',
    tables: [
      {
        title: `settings of routes, ${CONNECTIONS} requests at a time, ${TOKENS} tokens, medians of ${plain.rounds.length} rounds`,
        columns: ['', 'CPU µs / request', 'against plain'],
        rows: targets.map((target) => [
          target.name,
          median(target.rounds.map((round) => round.cpuMicroseconds)).toFixed(1),
          share(target).toFixed(2),
        ]),
      },
    ],
    checks: [
      {
        promise: `a route without settings costs at most ${UNUSED_MAX} of itself where another route has them all`,
        measured: share(unused).toFixed(2),
        kept: share(unused) <= UNUSED_MAX,
      },
    ],
  };
}
