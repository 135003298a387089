/**
 * What the ways in and rate limits cost: TLS, HTTP/2, Server-Timing and two limits counted in memory, each on a gateway of its own, against the plain path of the same
 * run. Beside them http-proxy-3, so that one can see that what is there and switched off has not slowed the plain path.
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Owned } from '../src/owned.ts';
import { first } from '../test/support/certificates.ts';
import { MEASURED_CORE, OTHER_CORE, startChild, startScopegate, temporaryFolder } from './children.ts';
import { median } from './measure.ts';
import type { BenchOptions, Section } from './report.ts';
import { CONNECTIONS, fillStore, measureInTurn, proxySetup, SHARE_MAX, type Target, TOKENS } from './traffic.ts';

/** Never full: what counting costs, not what refusing saves. */
export const LIMITS = {
  burst: { requests: 1_000_000_000, window: 'second', per: 'token', everywhere: true },
  quota: { requests: 1_000_000_000, window: 'month', per: 'organization', everywhere: true },
};

export async function benchFeatures({ quick, say }: BenchOptions): Promise<Section> {
  const owned = new Owned();
  try {
    const folder = temporaryFolder(owned);
    const tls = { cert: join(folder, 'gateway.crt'), key: join(folder, 'gateway.key') };
    writeFileSync(tls.cert, first.cert);
    writeFileSync(tls.key, first.key);
    const dataset = await fillStore(join(folder, 'scopegate.db'), say);
    const upstream = await startChild(owned, './processes/upstream.ts', OTHER_CORE);
    const proxy = await startChild(owned, './processes/http-proxy-3.ts', MEASURED_CORE, {
      input: JSON.stringify(proxySetup(dataset, upstream.url)),
    });
    const scopegate = (settings = {}, sections = {}) => startScopegate(owned, folder, upstream.url, settings, sections);
    const plain = await scopegate();
    const timed = await scopegate({ serverTiming: true });
    const limited = await scopegate({}, { limits: LIMITS });
    const secured = await scopegate({ tls });
    const targets: Target[] = [
      { ...proxy, name: 'http-proxy-3', checksTokens: true, rounds: [] },
      { ...plain, name: 'plain', checksTokens: true, rounds: [] },
      { ...timed, name: 'Server-Timing', checksTokens: true, rounds: [] },
      { ...limited, name: 'two rate limits', checksTokens: true, rounds: [] },
      { ...secured, name: 'TLS, HTTP/1.1', checksTokens: true, rounds: [] },
      { ...secured, name: 'TLS, HTTP/2', checksTokens: true, http2: true, rounds: [] },
    ];
    await measureInTurn(targets, dataset, { quick, say });
    return report(targets);
  } finally {
    await owned.release();
  }
}

function report(targets: readonly Target[]): Section {
  const [proxy, plain] = targets as [Target, Target];
  // Neighbours in time met the same machine, so they are compared round by round.
  const against = (target: Target, other: Target) =>
    median(target.rounds.map((each, index) => each.cpuMicroseconds / other.rounds[index]!.cpuMicroseconds)).toFixed(2);
  return {
    name: 'features',
    tables: [
      {
        title: `the ways in, ${CONNECTIONS} requests at a time, ${TOKENS} tokens, medians of ${plain.rounds.length} rounds`,
        columns: ['', 'CPU µs / request', 'against plain', 'against http-proxy-3'],
        rows: targets.map((target) => [
          target.name,
          median(target.rounds.map((round) => round.cpuMicroseconds)).toFixed(1),
          against(target, plain),
          against(target, proxy),
        ]),
      },
    ],
    checks: [
      {
        promise: `with all of it switched off, at most ${SHARE_MAX} of the CPU time per request of a bare http-proxy-3`,
        measured: against(plain, proxy),
        kept: Number(against(plain, proxy)) <= SHARE_MAX,
      },
    ],
  };
}
