/**
 * The load over HTTP/2: node:http2's client, in a process of its own, with a fixed number of streams on a few
 * connections. Reads what to send from standard input, writes one line of JSON, both as load.ts does.
 */
import { once } from 'node:events';
import { type ClientHttp2Session, connect } from 'node:http2';
import { text } from 'node:stream/consumers';
import { percentile } from '../measure.ts';
import type { LoadPlan, LoadResult } from './load.ts';

/** Browsers open one connection, proxies a few. */
const SESSIONS = 8;

const plan = JSON.parse(await text(process.stdin)) as LoadPlan;
const latencies: number[] = [];
let wrong = 0;
let next = 0;

const sessions = Array.from({ length: SESSIONS }, () => connect(plan.url, { rejectUnauthorized: false }));
await Promise.all(sessions.map((session) => once(session, 'connect')));
const startedMs = performance.now();
const untilMs = startedMs + plan.seconds * 1000;
const lanes = Array.from({ length: plan.connections }, (_, lane) => run(sessions[lane % SESSIONS]!));
await Promise.all(lanes);
const seconds = (performance.now() - startedMs) / 1000;
for (const session of sessions) session.close();

const sorted = latencies.sort((left, right) => left - right);
const result: LoadResult = {
  answered: latencies.length,
  wrong,
  perSecond: latencies.length / seconds,
  p50Ms: latencies.length === 0 ? 0 : percentile(sorted, 0.5),
  p99Ms: latencies.length === 0 ? 0 : percentile(sorted, 0.99),
};
process.stdout.write(`${JSON.stringify(result)}\n`);

/** One request after the other. */
async function run(session: ClientHttp2Session): Promise<void> {
  while (performance.now() < untilMs) {
    const { path, headers } = plan.requests[next++ % plan.requests.length]!;
    const beganMs = performance.now();
    const status = await ask(session, { ...headers, ':path': path });
    if (status >= 200 && status < 300) latencies.push(performance.now() - beganMs);
    else wrong++;
  }
}

function ask(session: ClientHttp2Session, headers: Record<string, string>): Promise<number> {
  return new Promise((resolve) => {
    let status = 0;
    const stream = session.request(headers, { endStream: true });
    stream.on('response', (fields) => {
      status = fields[':status'] ?? 0;
    });
    stream.on('error', () => {});
    stream.on('close', () => resolve(stream.rstCode === 0 ? status : 0));
    stream.resume();
  });
}
