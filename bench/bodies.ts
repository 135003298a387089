/**
 * What a large body costs in memory: 2 GiB up and 2 GiB down through a real gateway, one after the other, with the
 * resident set sampled as the kernel counts it. Every byte has to arrive.
 */
import { request as httpRequest, type IncomingMessage } from 'node:http';
import { join } from 'node:path';
import { Owned } from '../src/owned.ts';
import { OTHER_CORE, startChild, startScopegate, temporaryFolder } from './children.ts';
import { residentMegabytes } from './measure.ts';
import type { BenchOptions, Section } from './report.ts';
import { fillStore } from './traffic.ts';

const GROWTH_MAX = 64;
const GIB = 1024 ** 3;
const WARM_UP = 256 * 1024 * 1024;
const BLOCK = Buffer.alloc(64 * 1024, 'x');

export async function benchBodies({ quick, say }: BenchOptions): Promise<Section> {
  const owned = new Owned();
  try {
    const folder = temporaryFolder(owned);
    const dataset = await fillStore(join(folder, 'scopegate.db'), say, 1);
    const upstream = await startChild(owned, './processes/bodies-upstream.ts', OTHER_CORE);
    const gateway = await startScopegate(owned, folder, upstream.url);
    const token = dataset.holders[0]!.text;
    const total = quick ? GIB / 4 : 2 * GIB;
    const rows: Array<readonly (string | number)[]> = [];
    let worst = 0;
    for (const [name, carry] of [
      ['up', upload],
      ['down', download],
    ] as const) {
      await carry(gateway.url, token, WARM_UP);
      const before = residentMegabytes(gateway.pid);
      let highest = before;
      const sampling = setInterval(() => {
        highest = Math.max(highest, residentMegabytes(gateway.pid));
      }, 50);
      const startedMs = performance.now();
      await carry(gateway.url, token, total);
      const seconds = (performance.now() - startedMs) / 1000;
      clearInterval(sampling);
      worst = Math.max(worst, highest - before);
      rows.push([name, total / 1024 ** 2, before, highest, Math.round(total / 1e6 / seconds)]);
      say(`${total / GIB} GiB ${name}, ${highest.toFixed(1)} MB resident at most`);
    }
    return {
      name: 'bodies',
      tables: [
        {
          title: `memory of the gateway under one large body, after ${WARM_UP / 1024 ** 2} MiB to warm up`,
          columns: ['', 'MiB', 'MB before', 'MB at most', 'MB/s'],
          rows,
        },
      ],
      checks: [
        {
          promise: `${total / GIB} GiB up and ${total / GIB} GiB down raise the resident set by less than ${GROWTH_MAX} MB`,
          measured: `${worst.toFixed(1)} MB`,
          kept: worst < GROWTH_MAX,
        },
      ],
    };
  } finally {
    await owned.release();
  }
}

async function upload(url: string, token: string, total: number): Promise<void> {
  const response = await new Promise<IncomingMessage>((resolve, reject) => {
    const headers = { authorization: `Bearer ${token}`, 'content-length': total };
    const request = httpRequest(`${url}/bodies/up`, { method: 'PUT', headers, agent: false });
    request.once('response', resolve).once('error', reject);
    let sent = 0;
    const push = () => {
      while (sent < total) {
        const block = BLOCK.subarray(0, Math.min(BLOCK.length, total - sent));
        sent += block.length;
        if (!request.write(block)) return;
      }
      request.off('drain', push).end();
    };
    request.on('drain', push);
    push();
  });
  let text = '';
  for await (const chunk of response) text += chunk;
  if (text !== String(total)) throw new Error(`the upstream counted ${text} of ${total} bytes`);
}

async function download(url: string, token: string, total: number): Promise<void> {
  const response = await new Promise<IncomingMessage>((resolve, reject) => {
    const headers = { authorization: `Bearer ${token}` };
    httpRequest(`${url}/bodies/${total}`, { headers, agent: false }, resolve).once('error', reject).end();
  });
  let bytes = 0;
  for await (const chunk of response) bytes += (chunk as Buffer).length;
  if (bytes !== total) throw new Error(`${bytes} of ${total} bytes arrived`);
}
