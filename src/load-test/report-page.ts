/** The report of a load test: one HTML file without script, which opens from anywhere and asks nobody for anything. */
import type { LatencySummary } from './latencies.ts';
import { type PlottedSeries, percentilePlot, timePlot } from './plots.ts';
import { STYLE } from './report-style.ts';
import { errorShare, type LoadResult, type Verdict } from './result.ts';
import { figureMs, figureText } from './verdict.ts';

const VERDICTS: Readonly<Record<Verdict, string>> = {
  kept: 'Kept',
  missed: 'Threshold missed',
  invalid: 'Not valid',
  unsafe: 'Unsafe',
};

const NAMES: Readonly<Record<string, string>> = {
  total: 'all requests',
  hit: 'hit: token known',
  miss: 'miss: first use',
  unknown: 'unknown token',
  refused: 'refused token',
  direct: 'direct, no gateway',
  auth: 'auth alone, all',
  'auth.hit': 'auth alone, hit',
  'auth.miss': 'auth alone, miss',
  'auth.unknown': 'auth alone, unknown',
  'auth.refused': 'auth alone, refused',
};

/** The order is that of the colours. */
const PLOTTED = ['hit', 'miss', 'unknown', 'refused', 'direct'];

export function reportPage(result: LoadResult): string {
  const { setup, verdict, startedAt } = result;
  const title = `Load test of ${new URL(setup.urls[0]!).host}`;
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<meta name="viewport" content="width=device-width, initial-scale=1"><meta name="color-scheme" content="light dark">
<title>${text(title)}</title><style>${STYLE}</style></head><body><main>
<header><h1>${text(title)}</h1><span class="verdict ${verdict}">${VERDICTS[verdict]}</span>
<p>${text(sentence(result))}</p><p class="quiet">${text(startedAt.slice(0, 16).replace('T', ' '))} UTC · scopegate ${text(result.client.scopegate)}</p></header>
${findings(result)}${cards(result)}
${thresholds(result)}
<section><h2>Latency by percentile</h2>${legend(plotted(result))}${percentilePlot(plotted(result))}
<p class="quiet">Further right is rarer: 99 % is one request in a hundred. A step in a line is a pause that this share of requests met.
Time runs from the start that was intended, so whoever had to wait behind a pause counts as well.</p></section>
<section><h2>Latency over time</h2>${timeLegend(result)}${timePlot(result.overTime)}</section>
<section><h2>Figures</h2>${latencyTable(result)}</section>
<section><h2>Mix and answers</h2>${outcomeTable(result)}</section>
${revocations(result)}${saturation(result)}
<section><h2>How it was measured</h2>${setupTable(result)}${caveats(result)}</section>
</main></body></html>
`;
}

function sentence({ setup, generator, complete }: LoadResult): string {
  const what = setup.urls.length === 1 ? setup.urls[0]! : `${setup.urls.length} URLs`;
  const rate = `${setup.perSecond.toLocaleString('en-US')} requests a second (${setup.arrivals})`;
  const whole = complete ? '' : ', interrupted';
  return `${setup.method} ${what}: ${rate} for ${setup.seconds} s, ${generator.started.toLocaleString('en-US')} requests${whole}.`;
}

function findings({ findings: found, verdict }: LoadResult): string {
  if (found.length === 0) return '';
  return `<ul class="findings ${verdict}">${found.map((each) => `<li>${text(each)}</li>`).join('')}</ul>`;
}

function cards(result: LoadResult): string {
  const { series, revocations: revoked } = result;
  const { total, hit, direct, auth } = series;
  const added = hit !== undefined && direct !== undefined ? [hit.p50Ms - direct.p50Ms, hit.p99Ms - direct.p99Ms] : null;
  const shown: Array<readonly [string, string]> = [];
  if (total !== undefined)
    shown.push(['all requests, p50', figureMs(total.p50Ms)], ['all requests, p99', figureMs(total.p99Ms)]);
  if (added !== null)
    shown.push(['added by the gateway, p50', signed(added[0]!)], ['added by the gateway, p99', signed(added[1]!)]);
  if (auth !== undefined) shown.push(['auth alone, p99', figureMs(auth.p99Ms)]);
  shown.push(['failed', `${Math.round(errorShare(result) * 10_000) / 100} %`]);
  if (revoked !== null) shown.push(['served behind a receipt', String(revoked.allowedAfterReceipt)]);
  return `<dl class="cards">${shown.map(([name, figure]) => `<div><dt>${name}</dt><dd>${figure}</dd></div>`).join('')}</dl>`;
}

function thresholds({ thresholds: checked }: LoadResult): string {
  if (checked.length === 0) return '';
  const rows = checked.map(({ text: wanted, measured, kept }) => [
    `<code>${text(wanted)}</code>`,
    measured === null ? 'not measured' : figureText(wanted, measured),
    `<span class="mark ${kept ? 'kept' : 'missed'}">${kept ? 'kept' : 'missed'}</span>`,
  ]);
  return `<section><h2>Thresholds</h2>${table(['', 'measured', ''], rows)}</section>`;
}

function plotted({ series }: LoadResult): PlottedSeries[] {
  return PLOTTED.flatMap((name, nth) =>
    series[name] === undefined ? [] : [{ name: NAMES[name]!, colour: nth + 1, series: series[name] }],
  );
}

function legend(shown: readonly PlottedSeries[]): string {
  const keys = shown.map(({ name, colour }) => `<li><i class="key c${colour}"></i>${name}</li>`);
  return `<ul class="legend">${keys.join('')}</ul>`;
}

function timeLegend({ overTime }: LoadResult): string {
  const direct = overTime.some(({ place }) => place === 'direct');
  return `<ul class="legend"><li><i class="key c1"></i>p50</li><li><i class="key c2"></i>p99</li><li><i class="key dot"></i>longest</li>${
    direct ? '<li><i class="key band"></i>upstream alone</li>' : ''
  }</ul>`;
}

function latencyTable({ series }: LoadResult): string {
  const rows = Object.entries(series).map(([name, each]) => figures(NAMES[name] ?? name, each));
  const { hit, direct } = series;
  if (hit !== undefined && direct !== undefined)
    rows.push([
      '<strong>added: hit − direct</strong>',
      '',
      ...(['p50Ms', 'p90Ms', 'p99Ms', 'p999Ms'] as const).map((name) => signed(hit[name] - direct[name])),
      '',
    ]);
  return table(['', 'requests', 'p50', 'p90', 'p99', 'p99.9', 'longest'], rows);
}

function figures(name: string, { count, p50Ms, p90Ms, p99Ms, p999Ms, maxMs }: LatencySummary): string[] {
  return [name, count.toLocaleString('en-US'), ...[p50Ms, p90Ms, p99Ms, p999Ms, maxMs].map(figureMs)];
}

function outcomeTable({ setup, tallies }: LoadResult): string {
  const rows = Object.entries(tallies.outcomes).map(([use, counts]) => [
    NAMES[use] ?? use,
    use in setup.mix ? `${setup.mix[use as keyof typeof setup.mix]} %` : '',
    Object.entries(counts)
      .map(
        ([outcome, count]) =>
          `<span class="outcome"><code>${text(outcome)}</code> ${count.toLocaleString('en-US')}</span>`,
      )
      .join(' '),
  ]);
  const throttled = Object.values(tallies.outcomes).some((counts) => counts['429'] !== undefined);
  const note = throttled
    ? '<p class="quiet">429: a limit. Many unknown tokens from one address meet the guard against guessing, which is meant to be so.</p>'
    : '';
  return `${table(['', 'of all', 'answers'], rows)}${note}`;
}

function revocations({ revocations: revoked }: LoadResult): string {
  if (revoked === null) return '';
  const rows = [
    figures('from the call to the last request served', revoked.lag),
    figures('from the call to the receipt', revoked.receipt),
  ];
  const wrong = revoked.allowedAfterReceipt;
  return `<section><h2>Revocations under load</h2>
<p>${revoked.count} tokens were revoked while they were used (${revoked.probes.toLocaleString('en-US')} requests beside the load).
<span class="mark ${wrong === 0 ? 'kept' : 'missed'}">${wrong} served behind a receipt</span>${
    revoked.withoutReceipt === 0 ? '' : ` ${revoked.withoutReceipt} got no receipt in time.`
  }</p>${table(['', 'tokens', 'p50', 'p90', 'p99', 'p99.9', 'longest'], rows)}</section>`;
}

function saturation({ saturation: most }: LoadResult): string {
  if (most === null) return '';
  return `<section><h2>Saturation</h2><p><strong>${most.perSecond.toLocaleString('en-US')}</strong> requests a second over
${most.connections} connections, for ${Math.round(most.seconds)} s; ${most.failed} failed.</p>
<p class="quiet">A closed loop (autocannon): each connection sends when it was answered, so the load slows down with what it
measures. Read it as a throughput of hits; its latencies would hide every pause, and none are given.</p></section>`;
}

function setupTable({ setup, client, generator }: LoadResult): string {
  const { late } = generator;
  const rows: ReadonlyArray<readonly [string, string]> = [
    ['requests', setup.urls.map((url) => `${setup.method} ${url}`).join(', ')],
    ...(setup.direct === null
      ? []
      : [
          [
            'upstream alone',
            `${setup.direct.join(', ')}, in turns of ${setup.turnSeconds} s, without a token`,
          ] as const,
        ]),
    [
      'load',
      `open loop, ${setup.perSecond} a second, ${setup.arrivals} arrivals, ${setup.seconds} s behind ${setup.warmUpSeconds} s of warm-up that do not count`,
    ],
    ['connections', `${setup.connections} at most, kept; time-out ${setup.timeoutSeconds} s`],
    ['tokens', `${setup.tokens} for hits`],
    ['revocations', setup.revocationsPerSecond === 0 ? 'none' : `${setup.revocationsPerSecond} a second`],
    [
      'generator',
      `Node ${client.node}, ${client.processors} processors; started its requests late by p50 ${figureMs(late.p50Ms)}, p99 ${figureMs(late.p99Ms)}, at most ${figureMs(late.maxMs)}`,
    ],
  ];
  return `<table class="setup"><tbody>${rows.map(([name, value]) => `<tr><th scope="row">${name}</th><td>${text(value)}</td></tr>`).join('')}</tbody></table>`;
}

function caveats({ setup, series }: LoadResult): string {
  const local = /^https?:\/\/(?:127\.|\[::1\]|localhost)/.test(setup.urls[0]!);
  const few = (series.total?.count ?? 0) < 10_000;
  const all = [
    'Latency runs from the intended start of a request to the end of its answer; what the generator was late by is in it.',
    ...(local ? ['Gateway and generator ran on one machine and shared its processors.'] : []),
    ...(few ? ['Fewer than 10,000 requests: p99.9 stands on fewer than ten of them.'] : []),
    ...(setup.direct === null
      ? ['The time of the upstream is in it. --direct measures that alone, in turns.']
      : ['Added is the difference of two percentiles, not a percentile of differences.']),
  ];
  return `<ul class="quiet">${all.map((each) => `<li>${text(each)}</li>`).join('')}</ul>`;
}

function table(titles: readonly string[], rows: ReadonlyArray<readonly string[]>): string {
  const head = titles.map((title) => `<th scope="col">${title}</th>`).join('');
  const body = rows.map(
    ([name, ...cells]) => `<tr><th scope="row">${name}</th>${cells.map((cell) => `<td>${cell}</td>`).join('')}</tr>`,
  );
  return `<div class="wide"><table><thead><tr>${head}</tr></thead><tbody>${body.join('')}</tbody></table></div>`;
}

function signed(ms: number): string {
  return `${ms < 0 ? '−' : '+'}${figureMs(Math.abs(ms))}`;
}

const ENTITIES: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' };

function text(raw: string): string {
  return raw.replace(/[&<>"]/g, (character) => ENTITIES[character]!);
}
