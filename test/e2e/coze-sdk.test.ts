/** A real client: the Coze SDK, pointed at the gateway instead of api.coze.com. */
import {
  AuthenticationError,
  ChatEventType,
  COZE_CN_BASE_URL,
  CozeAPI,
  NotFoundError,
  PermissionDeniedError,
  RoleType,
} from '@coze/api';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Started, scopegate } from '../support/process.ts';

let demo: Started;
let printed: { gateway: string; admin: string; adminKey: string; tokens: Record<string, string> };
const client = (token: string) => new CozeAPI({ baseURL: printed.gateway, token });

beforeAll(async () => {
  demo = scopegate(['demo', '--json']);
  printed = JSON.parse(await demo.until('}}\n'));
});
afterAll(() => demo.stop());

describe('the Coze SDK behind scopegate', () => {
  it('is not talking to the real service', () => {
    expect(printed.gateway).not.toBe(COZE_CN_BASE_URL);
    expect(printed.gateway).toContain('127.0.0.1');
  });

  it('lists workspaces', async () => {
    const { workspaces } = await client(printed.tokens.owner!).workspaces.list();
    expect(workspaces.map((workspace) => workspace.id)).toEqual(['ws_sales']);
  });

  it('reads a bot', async () => {
    const bot = await client(printed.tokens.owner!).bots.retrieveNew('bot_sales');
    expect(bot).toMatchObject({ bot_id: 'bot_sales', name: 'Sales assistant' });
  });

  it('streams a chat over server-sent events, piece by piece', async () => {
    const stream = client(printed.tokens.service!).chat.stream({
      bot_id: 'bot_sales',
      additional_messages: [{ role: RoleType.User, content: 'hello', content_type: 'text' }],
    });
    let text = '';
    const events: string[] = [];
    for await (const part of stream) {
      events.push(part.event);
      if (part.event === ChatEventType.CONVERSATION_MESSAGE_DELTA) text += part.data.content;
    }
    expect(text).toBe('Hello from the upstream.');
    expect(events.at(0)).toBe(ChatEventType.CONVERSATION_CHAT_CREATED);
    expect(events.at(-1)).toBe(ChatEventType.DONE);
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
    const error = await client(printed.tokens.reader!)
      .workspaces.list()
      .catch((caught: unknown) => caught);
    expect(error).toBeInstanceOf(PermissionDeniedError);
    expect(error).toMatchObject({ status: 403, code: 4101, logid: expect.stringMatching(/^[0-9A-Z]{26}$/) });
  });

  it('COZE-SAT-17 reports a missing permission of a service token the same way', async () => {
    const error = await client(printed.tokens.service!)
      .workspaces.list()
      .catch((caught: unknown) => caught);
    expect(error).toBeInstanceOf(PermissionDeniedError);
    expect(error).toMatchObject({ code: 4101 });
  });

  it('gets a refusal, not a stream, when it may not chat', async () => {
    const stream = client(printed.tokens.reader!).chat.stream({ bot_id: 'bot_sales' });
    const error = await (async () => {
      for await (const _ of stream) throw new Error('an event came through');
    })().catch((caught: unknown) => caught);
    expect(error).toBeInstanceOf(PermissionDeniedError);
  });

  it('reports a path without a route as its own NotFoundError', async () => {
    const error = await client(printed.tokens.owner!)
      .datasets.list({ space_id: 'ws_sales' })
      .catch((caught: unknown) => caught);
    expect(error).toBeInstanceOf(NotFoundError);
  });
});
