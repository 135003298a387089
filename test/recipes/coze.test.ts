/** docs/recipes/coze: Coze's own client, pointed at the gateway instead of api.coze.com. */
import { AuthenticationError, COZE_CN_BASE_URL, CozeAPI, NotFoundError, PermissionDeniedError } from '@coze/api';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { type ExampleUpstream, startExampleUpstream } from '../../src/demo/example-upstream.ts';
import { bash, type Recipe, startRecipe } from './harness.ts';

let upstream: ExampleUpstream;
let recipe: Recipe;
/** Alice, who owns the workspace, may do all of it; Bob, who joined it, works on bots; the service chats; the reader reads workflows. */
let tokens: Readonly<Record<'owner' | 'reader' | 'writer' | 'service', string>>;
const client = (token: string) => new CozeAPI({ baseURL: recipe.url, token });

beforeAll(async () => {
  upstream = await startExampleUpstream(0);
  recipe = await startRecipe('coze', { COZE_URL: upstream.url }, 'coze');
  const { mint } = recipe.gateway;
  const bots = ['Workspace.createBot', 'Bot.edit', 'Bot.getMetadata', 'Connector.botChat'];
  tokens = {
    owner: await mint({ scopes: ['listWorkspace', 'listKnowledge', ...bots] }),
    reader: await mint({ owner: 'bob', scopes: ['listWorkflow'] }),
    writer: await mint({ owner: 'bob', scopes: bots }),
    service: await mint({ kind: 'service', neverExpires: true, scopes: ['Connector.botChat'] }),
  };
});
afterEach(() => expect(recipe.errors).toEqual([]));
afterAll(async () => {
  await recipe?.[Symbol.asyncDispose]();
  await upstream?.close();
});

describe('the Coze SDK behind scopegate', () => {
  it('is not talking to the real service', () => {
    expect(recipe.url).not.toBe(COZE_CN_BASE_URL);
    expect(recipe.url).toContain('127.0.0.1');
  });

  it('lists workspaces', async () => {
    const { workspaces } = await client(tokens.owner).workspaces.list();
    expect(workspaces.map((workspace) => workspace.id)).toEqual(['ws_sales']);
  });

  it('reads a bot', async () => {
    const bot = await client(tokens.owner).bots.retrieveNew('bot_sales');
    expect(bot).toMatchObject({ bot_id: 'bot_sales', name: 'Sales assistant' });
  });

  it('streams a chat over server-sent events, by the command of the recipe', async () => {
    const { code, output } = await bash(recipe.commands(1), { cwd: recipe.work, env: { TOKEN: tokens.service } });
    expect({ code, output }).toEqual({ code: 0, output: 'Hello from the upstream.\n' });
  });

  it('reports code 4100 as its own AuthenticationError', async () => {
    const unknown = `pat_${'0'.repeat(49)}`;
    const error = await client(unknown)
      .workspaces.list()
      .catch((caught: unknown) => caught);
    expect(error).toBeInstanceOf(AuthenticationError);
    expect(error).toMatchObject({ status: 401, code: 4100 });
  });

  it('COZE-PAT-12 reports code 4101 as its own PermissionDeniedError, with the log id', async () => {
    const error = await client(tokens.reader)
      .workspaces.list()
      .catch((caught: unknown) => caught);
    expect(error).toBeInstanceOf(PermissionDeniedError);
    expect(error).toMatchObject({ status: 403, code: 4101, logid: expect.stringMatching(/^[0-9A-Z]{26}$/) });
  });

  it('COZE-SAT-17 reports a missing permission of a service token the same way', async () => {
    const error = await client(tokens.service)
      .workspaces.list()
      .catch((caught: unknown) => caught);
    expect(error).toBeInstanceOf(PermissionDeniedError);
    expect(error).toMatchObject({ code: 4101 });
  });

  it('gets a refusal, not a stream, when it may not chat', async () => {
    const stream = client(tokens.reader).chat.stream({ bot_id: 'bot_sales' });
    const error = await (async () => {
      for await (const _ of stream) throw new Error('an event came through');
    })().catch((caught: unknown) => caught);
    expect(error).toBeInstanceOf(PermissionDeniedError);
  });

  it('COZE-PAT-17 a bot is changed by whoever created it, at once, and by no stranger', async () => {
    const maker = client(tokens.writer);
    const { bot_id } = await maker.bots.create({ space_id: 'ws_sales', name: 'Helper' });
    await maker.bots.update({ bot_id, name: 'Better helper' });
    const error = await client(tokens.owner)
      .bots.update({ bot_id, name: 'Mine now' })
      .catch((caught: unknown) => caught);
    expect(error).toBeInstanceOf(PermissionDeniedError);
    expect(error).toMatchObject({ status: 403, code: 4101 });
  });

  it('COZE-PAT-2 a chat with a bot of another workspace, and a bot made there, are refused with 4101', async () => {
    const path = '/workspaces/ws_legal/resources/bot/bot_legal';
    await recipe.gateway.admin('PUT', path, { owner: 'alice', collaborators: [] });
    const coze = client(tokens.owner);
    const asked = [
      () => coze.chat.create({ bot_id: 'bot_legal', user_id: 'u' }),
      () => coze.bots.create({ space_id: 'ws_legal', name: 'Spy' }),
      () => coze.bots.update({ bot_id: 'bot_legal', name: 'Mine now' }),
    ];
    for (const ask of asked) {
      const error = await ask().catch((caught: unknown) => caught);
      expect(error).toBeInstanceOf(PermissionDeniedError);
      expect(error).toMatchObject({ status: 403, code: 4101 });
    }
  });

  it('reports a path without a route as its own NotFoundError', async () => {
    const error = await client(tokens.owner)
      .get('/v1/nothing', {})
      .catch((caught: unknown) => caught);
    expect(error).toBeInstanceOf(NotFoundError);
  });
});
