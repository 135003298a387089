/**
 * What every test here stands on: a whole gateway, a recorder behind it, and the two questions they ask of a request.
 * Nothing is mocked; requests go in as bytes and come out as bytes. With SCOPEGATE_CONFORMANCE_H2=1 each request that
 * HTTP/2 can say is asked over that, too, at a gateway of the same settings and the same store, and means the same there.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, expect } from 'vitest';
import { writePair } from '../http/harness.ts';
import { first } from '../support/certificates.ts';
import { type Settings, startTestGateway, type TestGateway, type TestGatewayOptions } from '../support/gateway.ts';
import { RawClient, type RawResponse, rawRequest } from '../support/raw.ts';
import { type RecordedRequest, Recorder } from '../support/recorder.ts';
import { scraped } from '../support/scrape.ts';
import { askOverH2, sayable } from './over-h2.ts';

const READ = { require: { scopes: ['workflows:read'] } };
const WRITE = { require: { scopes: ['workflows:write'] } };
/** The reader's token has workflows:read and nothing else, so these are closed to it. */
const CLOSED = { require: { scopes: ['knowledge:write'] } };

export const ROUTES: readonly Settings[] = [
  { id: 'public', match: { path: '/public/**' }, public: true },
  { id: 'read', match: { methods: ['GET'], path: '/files/**' }, ...READ },
  { id: 'write', match: { methods: ['POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'], path: '/files/**' }, ...WRITE },
  { id: 'item', match: { methods: ['GET'], path: '/items/{id}' }, ...READ },
  { id: 'any', match: { path: '/any/**' }, ...READ },
  { id: 'admin', match: { path: '/admin/**' }, ...CLOSED },
  {
    id: 'by-query',
    match: { methods: ['GET'], path: '/by-query' },
    require: {
      scopes: ['workflows:read'],
      workspace: { from: 'query.environmentId', as: 'environment', role: 'member' },
    },
  },
  {
    id: 'by-header',
    match: { path: '/by-header' },
    require: { scopes: ['workflows:read'], workspace: { from: 'header.X-Workspace', as: 'workspace', role: 'member' } },
  },
  {
    id: 'by-path',
    match: { methods: ['GET'], path: '/workspaces/{id}/things' },
    require: { scopes: ['workflows:read'], workspace: { from: 'path.id', as: 'workspace', role: 'member' } },
  },
  { id: 'own-auth', match: { path: '/own-auth' }, forwardAuthorization: true, ...READ },
  { id: 'bare', match: { path: '/bare' }, credentials: ['bearer', 'raw'], ...READ },
  { id: 'socket', match: { path: '/socket' }, credentials: ['bearer', 'query.authorization'], ...READ },
];

interface Passed {
  readonly response: RawResponse;
  readonly request: RecordedRequest;
}

export interface Harness {
  readonly gateway: TestGateway;
  readonly upstream: Recorder;
  /** `Authorization: Bearer …` of Bob, who may read workflows in ws_sales. */
  readonly reader: string;
  /** Bob again, who may also write them. */
  readonly writer: string;
  connect(): Promise<RawClient>;
  /** Another gateway before the same upstream. */
  start(options: Partial<TestGatewayOptions>): Promise<TestGateway>;
  /**
   * Send `bytes`: the client gets one answer, with one of `statuses`, or the connection is ended without; not a byte of
   * it reaches the upstream, and whatever stands behind it is not run.
   */
  refuses(bytes: string | Buffer, ...statuses: readonly number[]): Promise<RawResponse | undefined>;
  /** Send `bytes`: exactly one request reaches the upstream, and its answer the client. */
  passes(bytes: string | Buffer): Promise<Passed>;
  /** Ask for something public and wait for it: whatever was sent before has been dealt with. */
  sentinel(): Promise<void>;
}

const ALSO_H2 = process.env.SCOPEGATE_CONFORMANCE_H2 === '1';

const SENTINEL = 'GET /public/sentinel';

/** Call at the top of a file; filled before its first test. */
export function harness(options: Partial<TestGatewayOptions> = {}): Harness {
  let gateway: TestGateway;
  let upstream: Recorder;
  /** The same over HTTP/2; null: not asked for. */
  let twin: TestGateway | null = null;
  const certificates = mkdtempSync(join(tmpdir(), 'scopegate-twin-'));
  const started: TestGateway[] = [];
  const start = async (more: Partial<TestGatewayOptions>) => {
    const another = await startTestGateway({ upstreamUrl: upstream.url, routes: ROUTES, ...more });
    started.push(another);
    return another;
  };

  beforeAll(async () => {
    upstream = await Recorder.start();
    gateway = await start(options);
    if (ALSO_H2) twin = await start(twinOf(gateway, options, certificates));
  });
  beforeEach(() => upstream.clear());
  afterEach(() => {
    expect(upstream.garbage, 'bytes written to the upstream that are no request').toBe('');
    for (const one of twin === null ? [gateway] : [gateway, twin])
      expect(one.errorLines, 'a bug of the gateway, by its own log').toEqual([]);
  });
  afterAll(async () => {
    for (const token of Object.values(gateway.tokens))
      for (const one of twin === null ? [gateway] : [gateway, twin])
        expect(one.logLines.join('').includes(token), 'a token in the log').toBe(false);
    await upstream.stop();
    // Over all that was sent: the upstream saw no request that was not decided on. Only a retry has the id of another.
    for (const id of upstream.decisionIds) expect(id).toMatch(/^[0-9A-Z]{26}$/);
    const decided = await Promise.all(started.map((one) => counted(one, 'forwarded')));
    expect(new Set(upstream.decisionIds).size).toBeLessThanOrEqual(decided.reduce((sum, count) => sum + count, 0));
    // The twin first: the store is in the other's folder.
    await twin?.stop();
    await gateway.stop();
    rmSync(certificates, { recursive: true, force: true });
  });

  const connect = () => RawClient.connect(gateway.url);
  const sentinel = async () => {
    using client = await connect();
    client.send(rawRequest(SENTINEL));
    expect((await client.response()).status).toBe(200);
  };
  const refusesOverH2 = async (bytes: string | Buffer, statuses: readonly number[]) => {
    const request = twin === null ? null : sayable(bytes);
    if (request === null) return;
    const before = upstream.lines;
    const { status } = await askOverH2(twin!.url, request);
    await sentinel();
    expect(upstream.lines, `answered ${status} over HTTP/2`).toEqual([...before, SENTINEL]);
    // 0: a stream that the protocol itself refuses.
    expect([...statuses, 0], 'over HTTP/2').toContain(status);
    upstream.forget(before.length);
  };
  const passesOverH2 = async (bytes: string | Buffer, response: RawResponse, seen: RecordedRequest) => {
    const request = twin === null ? null : sayable(bytes);
    if (request === null) return;
    const before = upstream.requests.length;
    const { status, body } = await askOverH2(twin!.url, request);
    // Node's HTTP/2 has no words for it: see same-answer.test.ts.
    if (response.status > 599) return upstream.forget(before);
    expect({ status, body: withoutIds(body) }, 'over HTTP/2').toEqual({
      status: response.status,
      body: withoutIds(response.body),
    });
    expect(upstream.requests.length, 'over HTTP/2').toBe(before + 1);
    expect(meaning(upstream.requests[before]!), 'over HTTP/2').toEqual(meaning(seen));
    // What the test looks at is what it sent itself.
    upstream.forget(before);
  };
  return {
    get gateway() {
      return gateway;
    },
    get upstream() {
      return upstream;
    },
    get reader() {
      return `Authorization: Bearer ${gateway.tokens.reader}`;
    },
    get writer() {
      return `Authorization: Bearer ${gateway.tokens.writer}`;
    },
    connect,
    start,
    sentinel,
    refuses: async (bytes, ...statuses) => {
      const before = upstream.lines;
      using client = await connect();
      client.send(bytes);
      await client.until(({ responses, ending }) => responses[0]?.complete === true || ending !== 'open', 'refusal');
      await client.finish().untilEnded();
      await sentinel();
      const { responses } = client;
      expect(upstream.lines, `answered ${responses[0]?.status}`).toEqual([...before, SENTINEL]);
      expect(upstream.text.length - upstream.forgottenBytes, 'a part of a request').toBe(
        upstream.requests.reduce((sum, { text }) => sum + text.length, 0),
      );
      expect(responses.length, client.received).toBeLessThanOrEqual(1);
      const [response] = responses;
      if (response !== undefined || client.ending !== 'reset')
        expect(statuses, client.received).toContain(response?.status);
      await refusesOverH2(bytes, statuses);
      return response;
    },
    passes: async (bytes) => {
      const before = upstream.requests.length;
      using client = await connect();
      const response = await client.send(bytes).response();
      expect(upstream.requests.length, client.received).toBe(before + 1);
      const request = upstream.requests[before]!;
      await passesOverH2(bytes, response, request);
      return { response, request };
    },
  };
}

/** Another of the same settings, over the same store, that speaks HTTP/2. */
function twinOf({ folder }: TestGateway, options: Partial<TestGatewayOptions>, certificates: string) {
  const { gateway, ...settings } = (options.settings ?? {}) as Record<string, Settings>;
  return {
    ...options,
    seed: false,
    settings: {
      store: { driver: 'sqlite', path: join(folder, 'data/scopegate.db') },
      ...settings,
      gateway: { ...gateway, tls: writePair(certificates, first) },
    },
  };
}

/** A refusal names the request. */
const withoutIds = (text: string) => text.replace(/01[0-9A-Z]{24}/g, 'ID');

/** Of a hop, new with each request, or looked at by itself. Which protocol the client spoke is no part of what it said. */
const OF_ITS_HOP =
  /^(?:cookie|via|x-request-id|x-scopegate-decision-id|x-forwarded-proto|forwarded|connection|x-forwarded-port)$/;

/** What one request says to the upstream, however it came to us. */
function meaning({ method, target, headers, body }: RecordedRequest) {
  const fields = headers
    .map(([name, value]) => `${name.toLowerCase()}: ${value}`)
    .filter((line) => !OF_ITS_HOP.test(line.split(':', 1)[0]!));
  // HTTP/2 may say them one by one, and HTTP/1.1 may not (RFC 9113 section 8.2.3).
  const cookies = headers.filter(([name]) => name.toLowerCase() === 'cookie').map(([, value]) => value);
  return { method, target, fields: fields.sort(), cookies: cookies.join('; '), body };
}

/** The gateway's own count of requests by outcome: `forwarded`, or a reason. */
export async function counted({ running }: TestGateway, outcome: string): Promise<number> {
  const text = await scraped(running.metrics);
  return text
    .split('\n')
    .filter((line) => line.startsWith('scopegate_requests_total') && line.includes(`"${outcome}"`))
    .reduce((sum, line) => sum + Number(line.split(' ').at(-1)), 0);
}
