/**
 * What junk costs in memory: two million different tokens that nobody issued, half of them malformed, half right in form,
 * through a real gateway over sockets. Each must be refused with 401, and the process must not grow by what it was sent.
 * Reads the resident set as the kernel counts it.
 */
import { connect } from 'node:net';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { Owned } from '../src/owned.ts';
import { mintToken, randomText } from '../src/secret.ts';
import { SqliteStore } from '../src/store/sqlite/store.ts';
import { OTHER_CORE, startChild, startScopegate, temporaryFolder } from './children.ts';
import { buildDataset } from './dataset.ts';
import { residentMegabytes } from './measure.ts';
import type { BenchOptions, Section } from './report.ts';

const GROWTH_MAX = 50;
/** Once it has been quiet for so long, no more than that is left. */
const QUIET_MS = 60_000;
const LEFT_MAX = 32;
const LONG_TOKEN = randomText(8000);
const CONNECTIONS = 8;
/** Requests sent before their answers are waited for. */
const PIPELINED = 50;
/** A young process: what it loads for its first requests is loaded, no more. */
const WARM_UP = 1000;
const REFUSED = 'HTTP/1.1 401 ';

export async function benchMemory({ quick, say }: BenchOptions): Promise<Section> {
  const owned = new Owned();
  try {
    const folder = temporaryFolder(owned);
    const store = new SqliteStore(join(folder, 'scopegate.db'));
    await buildDataset(store, { tokens: 1000, keep: [], say });
    await store.close();
    const upstream = await startChild(owned, './processes/upstream.ts', OTHER_CORE);
    const gateway = await startScopegate(owned, folder, upstream.url);

    say(`warming up with ${WARM_UP.toLocaleString('en-US')} tokens`);
    await sendJunk(gateway.url, WARM_UP);
    const before = residentMegabytes(gateway.pid);
    let highest = before;
    const sampling = setInterval(() => {
      highest = Math.max(highest, residentMegabytes(gateway.pid));
    }, 100);
    const total = quick ? 100_000 : 2_000_000;
    const startedMs = performance.now();
    for (let sent = 0; sent < total; sent += total / 4) {
      await sendJunk(gateway.url, total / 4);
      const resident = residentMegabytes(gateway.pid);
      say(`${(sent + total / 4).toLocaleString('en-US')} tokens refused, ${resident.toFixed(1)} MB resident`);
    }
    const seconds = (performance.now() - startedMs) / 1000;
    clearInterval(sampling);
    const after = residentMegabytes(gateway.pid);
    const growth = Math.max(after, highest) - before;
    const quietMs = quick ? 1000 : QUIET_MS;
    await pause(quietMs);
    const left = residentMegabytes(gateway.pid) - before;
    const row = [total, before, after, highest, before + left, Math.round(total / seconds)];
    return {
      name: 'memory',
      tables: [
        {
          title: `memory of the gateway under junk tokens, after ${WARM_UP.toLocaleString('en-US')} to warm up`,
          columns: [
            'distinct tokens',
            'MB before',
            'MB after',
            'MB at most',
            `MB ${quietMs / 1000} s later`,
            'refused/s',
          ],
          rows: [row],
        },
      ],
      checks: [
        {
          promise: `${total.toLocaleString('en-US')} distinct junk tokens raise the resident set by less than ${GROWTH_MAX} MB`,
          measured: `${growth.toFixed(1)} MB`,
          kept: growth < GROWTH_MAX,
        },
        {
          promise: `${quietMs / 1000} s later less than ${LEFT_MAX} MB of it are left`,
          measured: `${left.toFixed(1)} MB`,
          kept: left < LEFT_MAX,
        },
      ],
    };
  } finally {
    await owned.release();
  }
}

async function sendJunk(url: string, total: number): Promise<void> {
  const { hostname, port } = new URL(url);
  const share = total / CONNECTIONS;
  await Promise.all(Array.from({ length: CONNECTIONS }, () => sendOver(hostname, Number(port), share)));
}

/** One connection: a burst of requests, then their answers, until `total` have been refused. */
function sendOver(host: string, port: number, total: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host, port });
    let refused = 0;
    let asked = 0;
    /** What is left of the last piece: the words looked for may be cut in two. */
    let tail = '';
    const ask = () => {
      let burst = '';
      for (const until = Math.min(total, asked + PIPELINED); asked < until; asked++)
        burst += request(host, port, asked);
      socket.write(burst, 'latin1');
    };
    socket.setEncoding('latin1').on('data', (piece: string) => {
      const text = tail + piece;
      let at = -1;
      for (let found = text.indexOf(REFUSED); found !== -1; found = text.indexOf(REFUSED, found + 1)) {
        refused++;
        at = found;
      }
      tail = text.slice(Math.max(at + 1, text.length - REFUSED.length + 1));
      if (refused === total) socket.end(resolve);
      else if (refused === asked) ask();
    });
    socket.once('error', reject);
    socket.once('close', () => reject(new Error(`the gateway hung up after ${refused} of ${total} refusals`)));
    ask();
  });
}

function request(host: string, port: number, index: number): string {
  return (
    `GET /api/v1/workflows?environmentId=env_${index % 100} HTTP/1.1\r\nHost: ${host}:${port}\r\n` +
    `Authorization: Bearer ${junk(index)}\r\n\r\n`
  );
}

/** Every other one is right in form; the rest are wrong in one of four ways. */
function junk(index: number): string {
  if (index % 2 === 0) return mintToken('pat_').reveal();
  switch ((index >> 1) % 4) {
    case 0:
      return `pat_${randomText(49)}`;
    case 1:
      return `key_${randomText(49)}`;
    case 2:
      // Some fill a head nearly to its limit.
      return index % 80 === 5 ? `pat_${randomText(12)}${LONG_TOKEN}` : `pat_${randomText(1 + (index % 80))}`;
    default:
      return `${mintToken('pat_').reveal()}"`;
  }
}
