/** Bodies that are read before their verdict: what becomes of those that do not come, and of bytes that are let go. */
import { describe, expect, it } from 'vitest';
import { NO_BODY } from '../../src/core/framing.ts';
import { ReceivedBody } from '../../src/edge/bodies/received-body.ts';
import { WaitingBodies } from '../../src/edge/bodies/waiting-bodies.ts';
import type { BodySink, Exchange, ExchangeListener } from '../../src/http/exchange.ts';
import { PlainExchange } from './harness.ts';

const FACTS = { host: 'h', body: NO_BODY, authorization: [], via: '', expectContinue: false, upgrade: false };
const CHUNKED = { ...FACTS, body: { kind: 'chunked' } } as const;

class Upload extends PlainExchange implements Exchange {
  sink!: BodySink;
  client!: ExchangeListener;
  paused = false;

  constructor(lines: readonly string[] = ['Content-Type: application/json']) {
    super('POST /x', lines);
  }

  override readBody(sink?: BodySink): void {
    this.sink = sink!;
  }
  override listen(listener?: ExchangeListener): void {
    this.client = listener!;
  }
  override pauseBody(): void {
    this.paused = true;
  }
}

const bodiesOf = (completeMs = 60_000) => new WaitingBodies({ bytes: 100, totalBytes: 800, completeMs });
const read = (bodies: WaitingBodies, upload: Upload) => bodies.read(upload, CHUNKED, 'tok_1');

describe('a body that waits', () => {
  it('is refused with 408 where it is not complete in time', async () => {
    const bodies = bodiesOf(20);
    const upload = new Upload();
    const reading = read(bodies, upload);
    upload.sink.bodyChunk(Buffer.from('{'));
    expect(await reading).toMatchObject({ kind: 'refused', reason: 'body_timeout' });
    expect([bodies.bytes, upload.paused]).toEqual([0, true]);
    upload.sink.bodyChunk(Buffer.from('}'));
    expect(bodies.bytes).toBe(0);
  });

  it('is given up where its client leaves', async () => {
    const bodies = bodiesOf();
    const upload = new Upload();
    const reading = read(bodies, upload);
    upload.sink.bodyChunk(Buffer.from('{'));
    upload.client.clientClosed(false);
    expect(await reading).toMatchObject({ kind: 'refused' });
    expect(bodies.bytes).toBe(0);
  });

  it('counts until it is let go, once', async () => {
    const bodies = bodiesOf();
    const upload = new Upload();
    const reading = read(bodies, upload);
    for (const char of '{"ws":"w1"}') upload.sink.bodyChunk(Buffer.from(char));
    upload.sink.bodyEnd(['X-Sum', '1']);
    const received = await reading;
    if (!(received instanceof ReceivedBody)) throw new Error('it was refused');
    expect([received.bytes.toString(), received.trailers, bodies.bytes]).toEqual(['{"ws":"w1"}', ['X-Sum', '1'], 11]);
    received.letGo();
    received.letGo();
    expect(bodies.bytes).toBe(0);
  });

  it('takes no more memory than twice what has come, in however small chunks', async () => {
    const bodies = new WaitingBodies({ bytes: 100_000, totalBytes: 800_000, completeMs: 60_000 });
    const upload = new Upload();
    const reading = read(bodies, upload);
    const byte = Buffer.from(' ');
    for (let at = 0; at < 70_000; at++) upload.sink.bodyChunk(byte);
    upload.sink.bodyEnd([]);
    const received = await reading;
    expect(received instanceof ReceivedBody && received.bytes.buffer.byteLength).toBeLessThanOrEqual(140_000);
  });

  it('is not well formed where it is empty, though one was announced', async () => {
    const upload = new Upload(['Content-Type: application/x-www-form-urlencoded']);
    const reading = read(bodiesOf(), upload);
    upload.sink.bodyEnd([]);
    const received = await reading;
    expect(received instanceof ReceivedBody && received.inspection([]).goOn(1)).toBeNull();
  });

  it('is none where the request has none, and cannot be had of a request that is elsewhere', () => {
    expect(bodiesOf().read(new Upload(), FACTS, 'tok_1')).toBeNull();
    const elsewhere = Object.assign(new Upload(), { isElsewhere: true });
    expect(bodiesOf().read(elsewhere, FACTS, 'tok_1')).toMatchObject({ reason: 'bad_request' });
  });
});
