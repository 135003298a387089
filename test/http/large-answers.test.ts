/** Memory of large answers is used again once it has left: nobody is ever sent what was another's. */
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { type IncomingMessage, request } from 'node:http';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { copyToPiece, giveBack } from '../../src/chunk-pool.ts';
import { startTestGateway, type TestGateway } from '../support/gateway.ts';
import { type HttpUpstream, startHttpUpstream } from '../support/recorder.ts';

const BYTES = 6 * 1024 * 1024;
const CLIENTS = 12;

/** Of each client another pattern, at every place another byte. */
function bodyOf(who: number): Buffer {
  const body = Buffer.alloc(BYTES);
  for (let at = 0; at < BYTES; at += 4) body.writeUInt32LE((Math.imul(at, 2654435761) ^ (who << 24)) >>> 0, at);
  return body;
}

let upstream: HttpUpstream;
let gateway: TestGateway;
beforeAll(async () => {
  upstream = await startHttpUpstream((asked, response) => {
    const who = Number(asked.url!.split('/').at(-1));
    // Every third in chunks.
    if (who % 3 !== 0) response.setHeader('Content-Length', BYTES);
    response.end(bodyOf(who));
  });
  gateway = await startTestGateway({
    upstreamUrl: upstream.url,
    routes: [{ id: 'public', match: { path: '/public/**' }, public: true }],
  });
});
afterAll(async () => {
  await gateway.stop();
  await upstream.stop();
});

it('clients that read at different paces at once each get their own, byte for byte', async () => {
  const got = await Promise.all(Array.from({ length: CLIENTS }, (_, who) => fetched(who)));
  expect(got).toEqual(Array.from({ length: CLIENTS }, (_, who) => digestOf([bodyOf(who)])));
});

/** The digest of what this client got. Every second one stops again and again, so that what is on its way to it waits. */
async function fetched(who: number): Promise<string> {
  const asked = request(`${gateway.url}/public/${who}`, { agent: false }).end();
  const [answer] = (await once(asked, 'response')) as [IncomingMessage];
  const pieces: Buffer[] = [];
  for await (const piece of answer) {
    pieces.push(piece as Buffer);
    if (who % 2 === 1) await new Promise((resolve) => setImmediate(resolve));
  }
  return digestOf(pieces);
}

function digestOf(pieces: readonly Buffer[]): string {
  const hash = createHash('sha256');
  for (const piece of pieces) hash.update(piece);
  return hash.digest('hex');
}

describe('a piece', () => {
  const source = Buffer.alloc(64 * 1024, 'a');

  it('that was given back is the memory of a later one, and only once', () => {
    const first = copyToPiece(source, 0, 40_000);
    giveBack(first);
    giveBack(first);
    const second = copyToPiece(source, 0, 50_000);
    const third = copyToPiece(source, 0, 50_000);
    expect(second.buffer).toBe(first.buffer);
    expect(third.buffer).not.toBe(first.buffer);
  });

  it('is not given back by a part of it, nor is what is small or not ours', () => {
    const piece = copyToPiece(source, 0, 40_000);
    giveBack(piece.subarray(0, 20_000));
    giveBack(Buffer.alloc(40_000));
    expect(copyToPiece(source, 0, 40_000).buffer).not.toBe(piece.buffer);
    const small = copyToPiece(source, 0, 100);
    giveBack(small);
    expect(copyToPiece(source, 0, 40_000).buffer).not.toBe(small.buffer);
    expect(small.equals(source.subarray(0, 100))).toBe(true);
  });
});
