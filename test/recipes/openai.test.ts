/** docs/recipes/openai: the real openai client, and a small provider that answers as OpenAI's API does. */
import { once } from 'node:events';
import type { IncomingMessage, ServerResponse } from 'node:http';
import OpenAI, {
  AuthenticationError,
  InternalServerError,
  NotFoundError,
  PermissionDeniedError,
  RateLimitError,
  toFile,
} from 'openai';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { timePasses } from '../support/time.ts';
import { bash, type Recipe, type ServedApp, serveApp, startRecipe } from './harness.ts';

/** What the recipe's 60 s and the provider's 90 s are here. */
const HEADERS_MS = 400;
const LONG_MS = 600;
const UPLOAD_BYTES = 5 << 20;
const PROVIDER_KEY = 'sk-the-key-of-the-provider';
const WORDS = ['Hello', ' from', ' the', ' provider', '.'];

interface Question {
  readonly model: string;
  readonly stream?: boolean;
}

async function bytesOf(request: IncomingMessage): Promise<Buffer> {
  const pieces: Buffer[] = [];
  for await (const piece of request as AsyncIterable<Buffer>) pieces.push(piece);
  return Buffer.concat(pieces);
}

/** Each further word waits until the caller has had the one before; `endless` never comes to an end by itself. */
async function stream(response: ServerResponse, model: string): Promise<void> {
  response.writeHead(200, { 'content-type': 'text/event-stream' });
  for (let at = 0; model === 'endless' || at < WORDS.length; at++) {
    const delta = { content: WORDS[at % WORDS.length] };
    const part = { id: 'c', object: 'chat.completion.chunk', created: 0, model, choices: [{ index: 0, delta }] };
    if (!response.write(`data: ${JSON.stringify(part)}\n\n`))
      await Promise.race(['drain', 'close'].map((name) => once(response, name)));
    await new Promise((resolve) => setImmediate(resolve));
    if (response.destroyed) return;
  }
  response.end('data: [DONE]\n\n');
}

describe('the openai client behind scopegate', () => {
  let provider: ServedApp;
  let recipe: Recipe;
  let token: string;
  let gone: Promise<unknown>;
  let isKeyRight = true;

  const answer = async (request: IncomingMessage, response: ServerResponse) => {
    isKeyRight &&= request.headers.authorization === `Bearer ${PROVIDER_KEY}`;
    gone = once(response, 'close');
    const body = await bytesOf(request);
    const json = (value: unknown) => response.setHeader('content-type', 'application/json').end(JSON.stringify(value));
    if (request.url === '/v1/models') {
      await timePasses(LONG_MS, 'an answer that takes longer than this route allows');
      return json({ object: 'list', data: [] });
    }
    if (request.url === '/v1/files')
      return json({ id: 'file-1', object: 'file', bytes: body.length, purpose: 'batch' });
    const { model, stream: streams } = JSON.parse(body.toString()) as Question;
    if (streams === true) return await stream(response, model);
    if (model === 'slow') await timePasses(LONG_MS, 'an answer that takes longer than other routes allow');
    const message = { role: 'assistant', content: WORDS.join('') };
    return json({ id: 'c', object: 'chat.completion', created: 0, model, choices: [{ index: 0, message }] });
  };

  beforeAll(async () => {
    provider = await serveApp((request, response) => void answer(request, response));
    const env = { PROVIDER_URL: provider.url, PROVIDER_KEY, HEADERS_MS: String(HEADERS_MS) };
    recipe = await startRecipe('openai', env);
    token = await recipe.token();
  });
  beforeEach(() => provider.seen.splice(0));
  afterEach(() => {
    expect(isKeyRight, 'the key of the provider, and never ours').toBe(true);
    expect(recipe.errors).toEqual([]);
  });
  afterAll(async () => {
    await recipe?.[Symbol.asyncDispose]();
    await provider?.[Symbol.asyncDispose]();
  });

  const client = (apiKey = token) => new OpenAI({ baseURL: `${recipe.url}/v1`, apiKey });
  const question = (model = 'small') => ({ model, messages: [{ role: 'user' as const, content: 'hello' }] });
  const errorOf = (promise: Promise<unknown>) =>
    promise.then(
      () => null,
      (error: unknown) => error,
    );

  it('chats, in one piece and as a stream, by the commands of the recipe', async () => {
    const { code, output } = await bash(recipe.commands(1), { cwd: recipe.work, env: { TOKEN: token } });
    expect({ code, output }).toEqual({ code: 0, output: 'Hello from the provider.\nHello from the provider.\n' });
    expect(provider.seen).toHaveLength(2);
  });

  it('uploads a file', async () => {
    const file = await toFile(Buffer.alloc(UPLOAD_BYTES, 'x'), 'large.jsonl');
    const made = await client().files.create({ file, purpose: 'batch' });
    expect(made.bytes).toBeGreaterThan(UPLOAD_BYTES);
    expect(provider.seen).toEqual(['POST /v1/files']);
  });

  it('ends a stream at the provider when its own user ends it', async () => {
    const answered = await client().chat.completions.create({ ...question('endless'), stream: true });
    for await (const part of answered) {
      expect(part.choices[0]!.delta.content).toBe('Hello');
      answered.controller.abort();
      break;
    }
    await gone;
    expect(provider.seen).toEqual(['POST /v1/chat/completions']);
  });

  it('waits for an answer without stream for as long as the route allows, and asks the provider once', async () => {
    const answered = await client().chat.completions.create(question('slow'));
    expect(answered.choices[0]!.message.content).toBe('Hello from the provider.');
    expect(provider.seen).toHaveLength(1);
  });

  it('is told 504 where a route waits for less, and does not pay for the same answer again', async () => {
    const error = await errorOf(client().models.list());
    expect(error).toBeInstanceOf(InternalServerError);
    expect(error).toMatchObject({ status: 504, code: 'upstream_timeout', type: 'server_error' });
    expect(provider.seen).toEqual(['GET /v1/models']);
  });

  it('reports our refusals as its own errors, and none of them reaches the provider', async () => {
    const unknown = await errorOf(client(`pat_${'0'.repeat(49)}`).models.list());
    expect(unknown).toBeInstanceOf(AuthenticationError);
    expect(unknown).toMatchObject({ status: 401, code: 'invalid_api_key', type: 'authentication_error' });
    const reader = await recipe.token(['content:read']);
    const forbidden = await errorOf(client(reader).chat.completions.create(question()));
    expect(forbidden).toBeInstanceOf(PermissionDeniedError);
    expect(forbidden).toMatchObject({ status: 403, code: 'scope_missing', type: 'permission_error' });
    const nowhere = await errorOf(client().embeddings.create({ model: 'small', input: 'x' }));
    expect(nowhere).toBeInstanceOf(NotFoundError);
    expect(provider.seen).toEqual([]);
  });

  it('reports a limit that is used up as its own RateLimitError, with the time to come back', async () => {
    const busy = client(await recipe.token());
    let error: unknown = null;
    for (let asked = 0; asked <= 60 && error === null; asked++)
      error = await errorOf(busy.chat.completions.create(question(), { maxRetries: 0 }));
    expect(error).toBeInstanceOf(RateLimitError);
    expect(error).toMatchObject({ status: 429, code: 'rate_limit_exceeded', type: 'rate_limit_error' });
    expect(Number((error as RateLimitError).headers.get('retry-after'))).toBeGreaterThan(0);
    expect(provider.seen).toHaveLength(60);
  });
});
