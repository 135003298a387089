/** docs/recipes/grpc: client and server of @grpc/grpc-js, by the recipe's own files, and the same over TLS. */
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as grpc from '@grpc/grpc-js';
import { loadSync } from '@grpc/proto-loader';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { writePair } from '../http/harness.ts';
import { first } from '../support/certificates.ts';
import { startTestGateway, type TestGateway } from '../support/gateway.ts';
import { ROOT } from '../support/process.ts';
import { bash, type Recipe, startRecipe } from './harness.ts';

interface Line {
  readonly text: string;
}
type Unary = (
  line: Line,
  metadata: grpc.Metadata,
  options: grpc.CallOptions,
  answered: (error: grpc.ServiceError | null, answer?: Line) => void,
) => grpc.ClientUnaryCall;
interface EchoClient extends grpc.Client {
  Say: Unary;
  Count(line: Line, metadata: grpc.Metadata): grpc.ClientReadableStream<Line>;
  Collect(
    metadata: grpc.Metadata,
    answered: (error: grpc.ServiceError | null, answer?: Line) => void,
  ): grpc.ClientWritableStream<Line>;
  Chat(metadata: grpc.Metadata): grpc.ClientDuplexStream<Line, Line>;
}

const definition = loadSync(join(ROOT, 'docs/recipes/grpc/echo.proto'));
const { Echo } = grpc.loadPackageDefinition(definition).demo as unknown as {
  Echo: Omit<grpc.ServiceClientConstructor, 'new'> & (new (to: string, by: grpc.ChannelCredentials) => EchoClient);
};
const PEM = [{ private_key: Buffer.from(first.key), cert_chain: Buffer.from(first.cert) }];
const { status } = grpc;

/** What the server saw of calls that were cancelled or ran out of time. */
interface EchoServer extends AsyncDisposable {
  readonly port: number;
  readonly cancelled: string[];
  readonly waiting: string[];
  readonly metadata: grpc.Metadata[];
}

/** `Say` never answers "wait"; `Count` counts to the number it is told, or for ever; `Chat` answers each line. */
async function serveEcho(credentials: grpc.ServerCredentials): Promise<EchoServer> {
  const cancelled: string[] = [];
  const waiting: string[] = [];
  const metadata: grpc.Metadata[] = [];
  const server = new grpc.Server();
  server.addService(Echo.service, {
    Say: (call: grpc.ServerUnaryCall<Line, Line>, answer: grpc.sendUnaryData<Line>) => {
      metadata.push(call.metadata);
      call.on('cancelled', () => cancelled.push(call.request.text));
      if (call.request.text === 'wait') return void waiting.push('wait');
      if (call.request.text === 'fail') return answer({ code: status.FAILED_PRECONDITION, details: 'nö, 100%' });
      const trailer = new grpc.Metadata();
      trailer.set('x-said', 'once');
      answer(null, { text: `you said ${call.request.text}` }, trailer);
    },
    Count: (call: grpc.ServerWritableStream<Line, Line>) => {
      call.on('cancelled', () => cancelled.push('Count'));
      const most = Number(call.request.text);
      for (let nth = 1; nth <= Math.min(most, 1000); nth += 1) call.write({ text: String(nth) });
      if (Number.isFinite(most)) call.end();
    },
    Collect: (call: grpc.ServerReadableStream<Line, Line>, answer: grpc.sendUnaryData<Line>) => {
      const texts: string[] = [];
      call.on('cancelled', () => cancelled.push('Collect'));
      call.on('data', ({ text }: Line) => texts.push(text));
      call.on('end', () => answer(null, { text: texts.join(' ') }));
    },
    Chat: (call: grpc.ServerDuplexStream<Line, Line>) => {
      call.on('cancelled', () => cancelled.push('Chat'));
      call.on('error', () => undefined);
      call.on('data', ({ text }: Line) => call.write({ text: `re: ${text}` }));
      call.on('end', () => call.end());
    },
  });
  const port = await new Promise<number>((resolve, reject) => {
    server.bindAsync('127.0.0.1:0', credentials, (error, bound) => (error === null ? resolve(bound) : reject(error)));
  });
  return { port, cancelled, waiting, metadata, [Symbol.asyncDispose]: async () => server.forceShutdown() };
}

describe.each([false, true])('gRPC through the gateway, over TLS: %s', (overTls) => {
  let server: EchoServer;
  let recipe: Recipe | null = null;
  let gateway: TestGateway;
  let folder: string;
  let url: string;
  let client: EchoClient;
  let token: string;
  let reader: string;
  let old: grpc.ClientDuplexStream<Line, Line>;
  let unanswered: grpc.ClientWritableStream<Line>;
  const ended = {
    old: Promise.withResolvers<grpc.ServiceError>(),
    unanswered: Promise.withResolvers<grpc.ServiceError | null>(),
  };

  const bearer = (text = token) => {
    const metadata = new grpc.Metadata();
    metadata.set('authorization', `Bearer ${text}`);
    return metadata;
  };
  const say = (text: string, metadata = bearer(), options: grpc.CallOptions = {}) =>
    new Promise<Line>((resolve, reject) => {
      client.Say({ text }, metadata, options, (error, answer) => (error === null ? resolve(answer!) : reject(error)));
    });

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'scopegate-grpc-'));
    server = await serveEcho(
      overTls ? grpc.ServerCredentials.createSsl(null, PEM) : grpc.ServerCredentials.createInsecure(),
    );
    if (overTls) {
      const paths = writePair(folder, first);
      gateway = await startTestGateway({
        upstreamUrl: `https://127.0.0.1:${server.port}`,
        upstream: { protocol: 'h2', tls: { ca: paths.cert } },
        routes: [
          {
            id: 'write',
            match: { methods: ['POST'], path: '/demo.Echo/Collect' },
            require: { scopes: ['workflows:write'] },
          },
          {
            id: 'read',
            match: { methods: ['POST'], path: '/demo.Echo/{method}' },
            require: { scopes: ['workflows:read'] },
          },
        ],
        settings: { gateway: { tls: paths } },
      });
      url = gateway.url;
      token = await gateway.mint({ scopes: ['workflows:write'] });
      reader = await gateway.mint({ scopes: ['workflows:read'] });
    } else {
      recipe = await startRecipe('grpc', { GRPC_URL: `http://127.0.0.1:${server.port}` });
      ({ gateway, url } = recipe);
      token = await recipe.token();
      reader = await recipe.token(['content:read']);
    }
    const root = Buffer.from(first.cert);
    client = new Echo(
      new URL(url).host,
      overTls ? grpc.credentials.createSsl(root) : grpc.credentials.createInsecure(),
    );
    // Whoever is to end once its right has ended is a stream only when it is 5 s old.
    old = client.Chat(bearer(reader));
    old.on('error', (error: grpc.ServiceError) => ended.old.resolve(error));
    old.on('data', () => undefined);
    old.write({ text: 'begin' });
    unanswered = client.Collect(bearer(), (error) => ended.unanswered.resolve(error));
    unanswered.write({ text: 'begin' });
  });
  afterEach(() => expect(gateway.errorLines).toEqual([]));
  afterAll(async () => {
    client?.close();
    await server?.[Symbol.asyncDispose]();
    await gateway?.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  it('a unary call is answered, with its metadata in both directions', async () => {
    const metadata = bearer();
    metadata.set('x-mine', 'kept');
    metadata.set('x-bytes-bin', Buffer.from([0, 255]));
    const trailer = new Promise<grpc.Metadata>((resolve, reject) => {
      const call = client.Say({ text: 'hello' }, metadata, {}, (error, answer) => {
        if (error !== null) reject(error);
        else expect(answer?.text).toBe('you said hello');
      });
      call.on('status', ({ metadata: trailers }) => resolve(trailers));
    });
    expect((await trailer).get('x-said')).toEqual(['once']);
    const seen = server.metadata.at(-1)!;
    expect(seen.get('x-mine')).toEqual(['kept']);
    expect(seen.get('x-bytes-bin')).toEqual([Buffer.from([0, 255])]);
    expect(seen.get('authorization')).toEqual([]);
    expect(seen.get('x-scopegate-kind')).toEqual(['personal']);
  });

  it('what the server says no to reaches the client in its own words', async () => {
    await expect(say('fail')).rejects.toMatchObject({ code: status.FAILED_PRECONDITION, details: 'nö, 100%' });
  });

  it('streams go through in each direction and in both, as they come', async () => {
    const counted: string[] = [];
    for await (const { text } of client.Count({ text: '1000' }, bearer())) counted.push(text as string);
    expect(counted.length).toBe(1000);
    expect(counted.at(-1)).toBe('1000');

    const collected = new Promise<string | undefined>((resolve, reject) => {
      const call = client.Collect(bearer(), (error, answer) =>
        error === null ? resolve(answer?.text) : reject(error),
      );
      for (let nth = 0; nth < 300; nth += 1) call.write({ text: 'x'.repeat(1000) });
      call.end();
    });
    expect((await collected)?.length).toBe(300 * 1001 - 1);

    const chat = client.Chat(bearer());
    for (const text of ['one', 'two', 'three']) {
      chat.write({ text });
      const [line] = (await once(chat, 'data')) as [Line];
      expect(line.text).toBe(`re: ${text}`);
    }
    chat.end();
    const [{ code }] = (await once(chat.resume(), 'status')) as [grpc.StatusObject];
    expect(code).toBe(status.OK);
  });

  it('a deadline ends a call on both sides', async () => {
    const before = server.cancelled.length;
    await expect(say('wait', bearer(), { deadline: Date.now() + 300 })).rejects.toMatchObject({
      code: status.DEADLINE_EXCEEDED,
    });
    await expect.poll(() => server.cancelled.length).toBeGreaterThan(before);
  });

  it('a call that its client cancels is cancelled at the server', async () => {
    const call = client.Count({ text: 'Infinity' }, bearer());
    call.on('error', () => undefined);
    await once(call, 'metadata').catch(() => undefined);
    call.cancel();
    await expect.poll(() => server.cancelled).toContain('Count');
  });

  it('a refusal comes as gRPC knows it', async () => {
    await expect(say('x', new grpc.Metadata())).rejects.toMatchObject({ code: status.UNAUTHENTICATED });
    await expect(say('x', bearer('nonsense'))).rejects.toMatchObject({ code: status.UNAUTHENTICATED });
    const denied = new Promise((resolve) => {
      const call = client.Collect(bearer(reader), (error) => resolve(error));
      call.on('error', () => undefined);
      call.write({ text: 'more' });
    });
    expect(await denied).toMatchObject({
      code: status.PERMISSION_DENIED,
      details: expect.stringMatching(/scope|permission/),
    });
    const missing = new Promise((resolve) => {
      client.makeUnaryRequest(
        '/demo.Other/None',
        () => Buffer.alloc(0),
        (bytes) => bytes,
        {},
        bearer(),
        {},
        resolve,
      );
    });
    expect(await missing).toMatchObject({ code: status.NOT_FOUND });
  });

  it.skipIf(overTls)('the recipe’s own client runs as it stands', async () => {
    const script = recipe!.commands(0);
    const run = (TOKEN: string) => bash(script, { cwd: recipe!.work, env: { TOKEN } });
    expect(await run(token)).toEqual({ code: 0, output: 'you said hello\n' });
    expect((await run('nonsense')).output).toMatch(/^16 /);
  });

  it('a call that is open when its right ends is told so, answered or not', async () => {
    const { body } = await gateway.admin('GET', '/tokens');
    const tokens = (body as { items: ReadonlyArray<{ id: string }> }).items;
    for (const { id } of tokens) await gateway.admin('POST', `/tokens/${id}/revoke`);
    expect(await ended.old.promise).toMatchObject({ code: status.UNAUTHENTICATED });
    expect(await ended.unanswered.promise).toMatchObject({ code: status.UNAUTHENTICATED });
    await expect.poll(() => server.cancelled).toEqual(expect.arrayContaining(['Chat', 'Collect']));
  });
});

it('a server that cannot be reached is UNAVAILABLE, one that does not answer DEADLINE_EXCEEDED', async () => {
  await using server = await serveEcho(grpc.ServerCredentials.createInsecure());
  await using gateway = await startTestGateway({
    upstreamUrl: `http://127.0.0.1:${server.port}`,
    upstream: { protocol: 'h2c', timeouts: { headersMs: 200 } },
    routes: [{ id: 'echo', match: { path: '/demo.Echo/{method}' }, public: true }],
    settings: { gateway: { h2c: true } },
    seed: false,
  });
  const client = new Echo(new URL(gateway.url).host, grpc.credentials.createInsecure());
  const say = (text: string) =>
    new Promise<grpc.ServiceError | null>((resolve) => client.Say({ text }, new grpc.Metadata(), {}, resolve));
  expect(await say('wait')).toMatchObject({ code: status.DEADLINE_EXCEEDED });
  await server[Symbol.asyncDispose]();
  expect(await say('x')).toMatchObject({ code: status.UNAVAILABLE });
  client.close();
});
