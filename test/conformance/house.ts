/**
 * What every test here stands on: a whole gateway, a recorder behind it, and the two questions they ask of a request.
 * Nothing is mocked; requests go in as bytes and come out as bytes.
 */
import { afterAll, afterEach, beforeAll, beforeEach, expect } from 'vitest';
import { type Settings, startTestGateway, type TestGateway, type TestGatewayOptions } from '../support/gateway.ts';
import { RawClient, type RawResponse, rawRequest } from '../support/raw.ts';
import { type RecordedRequest, Recorder } from '../support/recorder.ts';

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

export interface Passed {
  readonly response: RawResponse;
  readonly request: RecordedRequest;
}

export interface House {
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

const SENTINEL = 'GET /public/sentinel';

/** Call at the top of a file; filled before its first test. */
export function house(options: Partial<TestGatewayOptions> = {}): House {
  let gateway: TestGateway;
  let upstream: Recorder;
  const started: TestGateway[] = [];
  const start = async (more: Partial<TestGatewayOptions>) => {
    const another = await startTestGateway({ upstreamUrl: upstream.url, routes: ROUTES, ...more });
    started.push(another);
    return another;
  };

  beforeAll(async () => {
    upstream = await Recorder.start();
    gateway = await start(options);
  });
  beforeEach(() => upstream.clear());
  afterEach(() => {
    expect(upstream.garbage, 'bytes written to the upstream that are no request').toBe('');
    expect(gateway.errorLines, 'a bug of the gateway, by its own log').toEqual([]);
  });
  afterAll(async () => {
    for (const token of Object.values(gateway.tokens))
      expect(gateway.logLines.join('').includes(token), 'a token in the log').toBe(false);
    await upstream.stop();
    // Over all that was sent: the upstream saw no request that was not decided on. Only a retry has the id of another.
    for (const id of upstream.requestIds) expect(id).toMatch(/^[0-9A-Z]{26}$/);
    const decided = await Promise.all(started.map((one) => counted(one, 'forwarded')));
    expect(new Set(upstream.requestIds).size).toBeLessThanOrEqual(decided.reduce((sum, count) => sum + count, 0));
    await gateway.stop();
  });

  const connect = () => RawClient.connect(gateway.url);
  const sentinel = async () => {
    using client = await connect();
    client.send(rawRequest(SENTINEL));
    expect((await client.response()).status).toBe(200);
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
      expect(upstream.text.length, 'a part of a request').toBe(
        upstream.requests.reduce((sum, { text }) => sum + text.length, 0),
      );
      expect(responses.length, client.received).toBeLessThanOrEqual(1);
      const [response] = responses;
      if (response !== undefined || client.ending !== 'reset')
        expect(statuses, client.received).toContain(response?.status);
      return response;
    },
    passes: async (bytes) => {
      const before = upstream.requests.length;
      using client = await connect();
      const response = await client.send(bytes).response();
      expect(upstream.requests.length, client.received).toBe(before + 1);
      return { response, request: upstream.requests[before]! };
    },
  };
}

/** The gateway's own count of requests by outcome: `forwarded`, or a reason. */
export async function counted({ running }: TestGateway, outcome: string): Promise<number> {
  const text = await running.metrics.registry.metrics();
  return text
    .split('\n')
    .filter((line) => line.startsWith('scopegate_requests_total') && line.includes(`"${outcome}"`))
    .reduce((sum, line) => sum + Number(line.split(' ').at(-1)), 0);
}
