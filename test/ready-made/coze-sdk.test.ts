/** `@coze/api`, Coze's own client, in front of an API that answers as Coze does, with the routes that policies/coze.routes.yaml ships. */
import { readFileSync } from 'node:fs';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { ChatEventType, CozeAPI, PermissionDeniedError, RoleType, WebsocketsEventType } from '@coze/api';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { WebSocketServer } from 'ws';
import { type Asked, ask, type Behind, catalogueOf, startBehind } from './shipped-routes.ts';
import { SYSTEMS } from './systems.ts';

const refused = (asked: Promise<unknown>) =>
  asked.then(
    () => 'was let through',
    (error: unknown) => error,
  );
const forbidden = expect.objectContaining({ status: 403, code: 4101, logid: expect.stringMatching(/^[0-9A-Z]{26}$/) });
const question = { role: RoleType.User, content: 'hello', content_type: 'text' } as const;

let behind: Behind;
let ann: CozeAPI;
/** Joined the workspace `in`, and may hold the same permissions there. */
let bee: CozeAPI;

beforeAll(async () => {
  behind = await startBehind(SYSTEMS.find(({ name }) => name === 'coze')!, asCozeDoes);
  speak(behind);
  const scopes = catalogueOf('coze').filter((scope) => !/^Enterprise|rganization|Benefit|Bill/.test(scope));
  const client = async (owner: string) =>
    new CozeAPI({
      baseURL: behind.gateway.url,
      baseWsURL: behind.gateway.url.replace('http:', 'ws:'),
      token: await behind.gateway.mint({ owner, workspaces: ['in'], scopes }),
    });
  [ann, bee] = [await client('ann'), await client('bee')];
});
afterEach(() => expect(behind.gateway.errorLines).toEqual([]));
afterAll(() => behind?.[Symbol.asyncDispose]());

describe('every endpoint that the SDK names', () => {
  const endpoints = endpointsOf(readFileSync(sdkFile(), 'utf8'));

  it('is found: none is written in a way that this test cannot read', () => {
    expect(endpoints.filter(({ target }) => !/^\/[a-z]/.test(target))).toEqual([]);
    expect(endpoints.length).toBeGreaterThan(60);
  });

  it('has a route, save the sign-in of Coze itself, whose tokens are not ours', async () => {
    const without: string[] = [];
    for (const asked of endpoints) if ((await ask(behind, asked, null)).status !== 401) without.push(asked.target);
    expect([...new Set(without)]).toEqual(['/api/permission/oauth2/token']);
  });
});

describe('the SDK', () => {
  it('COZE-PAT-2 COZE-SAT-3 chats and edits in the workspace of its token, and gets 4101 for another one', async () => {
    await ann.bots.update({ bot_id: 'bot-in', name: 'New name' });
    expect(await said(ann, 'bot-in')).toBe('Hello from bot-in.');
    // Of a stream that was refused the SDK reads the status alone.
    expect(await refused(said(ann, 'bot-out'))).toMatchObject({ status: 403 });
    const asked = [
      ann.chat.create({ bot_id: 'bot-out', user_id: 'u' }),
      ann.bots.update({ bot_id: 'bot-out', name: 'Mine now' }),
      ann.bots.publish({ bot_id: 'bot-out', connector_ids: ['1024'] }),
      ann.bots.create({ space_id: 'out', name: 'Spy' }),
      ann.bots.retrieve({ bot_id: 'bot-out' }),
      ann.bots.retrieveNew('bot-out'),
      ann.bots.list({ space_id: 'out' }),
      ann.bots.listNew({ workspace_id: 'out' }),
      ann.conversations.list({ bot_id: 'bot-out' }),
      ann.workflows.runs.create({ workflow_id: 'workflow-out' }),
      ann.workflows.runs.history('workflow-out', 'run_1'),
      ann.datasets.create({ space_id: 'out', name: 'Spy', format_type: 0 }),
      ann.datasets.list({ space_id: 'out' }),
      ann.datasets.delete('dataset-out'),
      ann.datasets.documents.list({ dataset_id: 'dataset-out' }),
      ann.knowledge.documents.list({ dataset_id: 'dataset-out' }),
      ann.variables.retrieve({ bot_id: 'bot-out' }),
      ann.variables.update({ bot_id: 'bot-out', data: [{ keyword: 'k', value: 'v' }] }),
      ann.audio.rooms.create({ bot_id: 'bot-out', connector_id: '1024' }),
      ann.templates.duplicate('template_1', { workspace_id: 'out' }),
    ];
    for (const error of await Promise.all(asked.map(refused))) {
      expect(error).toBeInstanceOf(PermissionDeniedError);
      expect(error).toEqual(forbidden);
    }
  });

  it('COZE-PAT-17 COZE-SAT-26 a bot is edited by whoever created it, at once, and by no stranger, who may chat with it', async () => {
    for (const make of [
      async () => (await bee.bots.create({ space_id: 'in', name: 'Helper' })).bot_id,
      async () => (await bee.templates.duplicate('template_1', { workspace_id: 'in' })).entity_id,
    ]) {
      const bot_id = await make();
      await bee.bots.update({ bot_id, name: 'Better helper' });
      expect(await refused(ann.bots.update({ bot_id, name: 'Mine now' }))).toEqual(forbidden);
      expect(await said(ann, bot_id)).toBe(`Hello from ${bot_id}.`);
    }
    expect(await refused(bee.bots.update({ bot_id: 'bot-in', name: 'Mine now' }))).toEqual(forbidden);
  });

  it('COZE-SAT-4 a knowledge base is edited by everybody in its workspace, deleted by its owner, and gone then', async () => {
    const { dataset_id } = await bee.datasets.create({ space_id: 'in', name: 'Papers', format_type: 0 });
    const document_bases = [{ name: 'a.txt', source_info: { file_base64: '', file_type: 'txt' } }];
    await ann.datasets.documents.create({ dataset_id, document_bases });
    await ann.datasets.update(dataset_id, { name: 'All papers' });
    expect(await refused(ann.datasets.delete(dataset_id))).toEqual(forbidden);
    await bee.datasets.delete(dataset_id);
    expect(await refused(bee.datasets.update(dataset_id, { name: 'Still there' }))).toEqual(forbidden);
  });

  it('runs workflows as a stream, asks for the variables of a bot or an app, and for what belongs to the account', async () => {
    const events: unknown[] = [];
    for await (const { event } of ann.workflows.runs.stream({ workflow_id: 'workflow-in' })) events.push(event);
    expect(events).toEqual(['Message', 'Done']);
    // Registered as a bot, as the file of routes says.
    expect(await ann.variables.retrieve({ app_id: 'bot-in' })).toEqual({ items: [] });
    expect(await refused(ann.variables.retrieve({ bot_id: 'bot-in', app_id: 'bot-out' }))).toMatchObject({
      code: 4000,
    });
    const { id } = await ann.conversations.create({ bot_id: 'bot-in' });
    await ann.conversations.messages.list(id);
    expect(await ann.users.me()).toMatchObject({ user_id: 'u_1' });
  });

  it('talks to a bot over a WebSocket, its token in header and query, and not to one of another workspace', async () => {
    const socket = await ann.websockets.chat.create({ bot_id: 'bot-in' });
    const created = await new Promise((resolve) => {
      socket.onmessage = (data) => resolve(data);
    });
    socket.close();
    expect(created).toMatchObject({ event_type: WebsocketsEventType.CHAT_CREATED, url: '/v1/chat?bot_id=bot-in' });
    const other = await ann.websockets.chat.create({ bot_id: 'bot-out' }, { maxRetries: 0 });
    const failed = await new Promise((resolve) => {
      other.onerror = (error) => resolve(error);
    });
    other.close();
    expect(JSON.stringify(failed)).toContain('403');
  });
});

async function said(client: CozeAPI, bot_id: string): Promise<string> {
  let text = '';
  for await (const part of client.chat.stream({ bot_id, additional_messages: [question] }))
    if (part.event === ChatEventType.CONVERSATION_MESSAGE_DELTA) text += part.data.content;
  return text;
}

function sdkFile(): string {
  return join(dirname(createRequire(import.meta.url).resolve('@coze/api')), '../esm/index.mjs');
}

/** Each `const apiUrl = …` of the SDK, with the method that it is then asked with. */
function endpointsOf(sdk: string): readonly Asked[] {
  const [, ...pieces] = sdk.split('const apiUrl = ');
  return pieces.map((piece) => {
    const [written = ''] = /(?<=^(?:\w+\()?['`])[^'`?]*?(?=['`?]|\$\{\w+ \?)/.exec(piece) ?? [];
    const method = /_client\.(get|post|put|delete|makeWebsocket)\(/.exec(piece)?.[1] ?? '';
    return {
      method: method === 'makeWebsocket' ? 'GET' : method.toUpperCase(),
      target: written.replaceAll(/\$\{[^}]*\}/g, 'some'),
    };
  });
}

let made = 0;

/** In the shapes of Coze: `{code, msg, data}`, and events. */
function asCozeDoes(asked: IncomingMessage, response: ServerResponse): void {
  const chunks: Buffer[] = [];
  asked.on('data', (chunk: Buffer) => chunks.push(chunk));
  asked.on('end', () => {
    const text = Buffer.concat(chunks).toString();
    const body = text.startsWith('{') ? (JSON.parse(text) as { bot_id?: string; stream?: boolean }) : {};
    const path = asked.url!.split('?')[0]!;
    if (path === '/v3/chat' && body.stream === true)
      return events(response, [
        ['conversation.message.delta', { role: 'assistant', type: 'answer', content: `Hello from ${body.bot_id}.` }],
        ['done', '[DONE]'],
      ]);
    if (path === '/v1/workflow/stream_run')
      return events(response, [
        ['Message', { content: 'done', node_title: 'End', node_seq_id: '0', node_is_finish: true }],
        ['Done', {}],
      ]);
    const id = `made_${++made}`;
    const data: Readonly<Record<string, object>> = {
      '/v1/bot/create': { bot_id: id },
      '/v1/templates/template_1/duplicate': { entity_id: id, entity_type: 'agent' },
      '/v1/datasets': { dataset_id: id },
      '/v1/conversation/create': { id, created_at: 0, meta_data: {} },
      '/v1/variables': { items: [] },
      '/v1/users/me': { user_id: 'u_1' },
    };
    response.writeHead(200, { 'Content-Type': 'application/json', 'x-tt-logid': id });
    response.end(JSON.stringify({ code: 0, msg: '', data: data[path] ?? {}, detail: { logid: id } }));
  });
}

function events(response: ServerResponse, said: ReadonlyArray<readonly [string, unknown]>): void {
  response.writeHead(200, { 'Content-Type': 'text/event-stream' });
  for (const [index, [event, data]] of said.entries())
    response.write(`id: ${index}\nevent: ${event}\ndata: ${JSON.stringify(data)}\n\n`);
  response.end();
}

/** Its WebSockets begin with an event of the server's. */
function speak({ upstream }: Behind): void {
  new WebSocketServer({ server: upstream.server }).on('connection', (socket, { url }) =>
    socket.send(JSON.stringify({ event_type: WebsocketsEventType.CHAT_CREATED, url })),
  );
}
