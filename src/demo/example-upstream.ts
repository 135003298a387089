/**
 * The API behind the demo: workspaces, bots, workflows, an upload and a chat that streams, in the shapes of a well-known
 * agent platform's API.
 * It trusts the gateway's identity headers and checks nothing itself: that is the point.
 */
import { createHash } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';

export interface ExampleUpstream {
  readonly url: string;
  close(): Promise<void>;
}

const WORKFLOWS = [
  { id: 'wf_greet', name: 'Greet a visitor' },
  { id: 'wf_report', name: 'Weekly report' },
];

/** `port` 0: any free one. */
export async function startExampleUpstream(port: number, host = '127.0.0.1'): Promise<ExampleUpstream> {
  const server = createServer((request, response) => {
    answer(request, response).catch(() => response.destroy());
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, host, resolve);
  });
  return {
    url: `http://${host}:${(server.address() as AddressInfo).port}`,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const url = new URL(request.url ?? '/', 'http://upstream');
  const [, version, collection, id, action] = url.pathname.split('/');
  if (url.pathname === '/healthz') return json(response, { ok: true });
  if (url.pathname === '/v1/workspaces') return data(request, response, workspaces());
  if (version === 'v1' && collection === 'bots' && id !== undefined) return bot(request, response, id);
  if (version === 'v1' && collection === 'bot') return madeBot(request, response, id);
  if (url.pathname === '/v1/files/upload') return upload(request, response);
  if (url.pathname === '/v3/chat') return chat(request, response);
  if (url.pathname.startsWith('/api/v1/workflows'))
    return workflows(request, response, action, url.pathname.split('/')[5]);
  return json(response, { code: 4200, msg: 'not found' }, 404);
}

function workspaces(): unknown {
  const list = [{ id: 'ws_sales', name: 'Sales', icon_url: '', role_type: 'owner', workspace_type: 'team' }];
  return { total_count: list.length, workspaces: list };
}

async function bot(request: IncomingMessage, response: ServerResponse, id: string): Promise<void> {
  const body = await readText(request);
  const changed = request.method === 'PUT' ? (JSON.parse(body || '{}') as object) : {};
  data(request, response, {
    bot_id: id,
    name: 'Sales assistant',
    description: 'Answers customers',
    version: '1',
    ...changed,
  });
}

/** Newer calls name the bot in the body, and `create` a new one in its answer. */
async function madeBot(request: IncomingMessage, response: ServerResponse, action: string | undefined): Promise<void> {
  const digest = createHash('sha256')
    .update(await readText(request))
    .update(String(performance.now()));
  data(request, response, action === 'create' ? { bot_id: `bot_${digest.digest('hex').slice(0, 12)}` } : {});
}

async function workflows(
  request: IncomingMessage,
  response: ServerResponse,
  id: string | undefined,
  action: string | undefined,
): Promise<void> {
  await readText(request);
  if (id === undefined) return data(request, response, { items: WORKFLOWS });
  const workflow = WORKFLOWS.find((candidate) => candidate.id === id) ?? { id, name: 'Unnamed' };
  data(request, response, action === 'runs' ? { runId: `run_${Date.now()}`, workflow: workflow.id } : workflow);
}

async function upload(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const hash = createHash('sha256');
  let bytes = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    hash.update(chunk);
    bytes += chunk.length;
  }
  data(request, response, { id: `file_${hash.digest('hex').slice(0, 12)}`, bytes, file_name: 'upload', created_at: 0 });
}

/** Server-sent events, as `POST /v3/chat` with `stream: true` answers them. */
async function chat(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const asked = JSON.parse((await readText(request)) || '{}') as { bot_id?: string; stream?: boolean };
  const base = { id: 'chat_1', conversation_id: 'conv_1', bot_id: asked.bot_id ?? 'bot_sales' };
  if (asked.stream === false) return data(request, response, { ...base, status: 'in_progress' });
  response.writeHead(200, { 'Content-Type': 'text/event-stream', 'Cache-Control': 'no-cache' });
  const send = (event: string, value: unknown) =>
    response.write(`event:${event}\ndata:${typeof value === 'string' ? value : JSON.stringify(value)}\n\n`);
  send('conversation.chat.created', { ...base, status: 'created' });
  for (const word of ['Hello', ' from', ' the', ' upstream', '.']) {
    if (response.destroyed) return;
    send('conversation.message.delta', {
      ...base,
      role: 'assistant',
      type: 'answer',
      content: word,
      content_type: 'text',
    });
    await sleep(50);
  }
  send('conversation.chat.completed', {
    ...base,
    status: 'completed',
    usage: { token_count: 5, input_count: 1, output_count: 4 },
  });
  send('done', '"[DONE]"');
  response.end();
}

/** Shows what the gateway said about the caller, so that a reader sees the identity headers at work. */
function data(request: IncomingMessage, response: ServerResponse, value: unknown): void {
  const caller = Object.fromEntries(
    Object.entries(request.headers)
      .filter(([name]) => name.startsWith('x-scopegate-'))
      .map(([name, text]) => [name.slice('x-scopegate-'.length), text]),
  );
  json(response, { code: 0, msg: '', data: value, caller });
}

function json(response: ServerResponse, value: unknown, status = 200): void {
  const body = JSON.stringify(value);
  response.writeHead(status, { 'Content-Type': 'application/json', 'Content-Length': Buffer.byteLength(body) });
  response.end(body);
}

async function readText(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of request as AsyncIterable<Buffer>) chunks.push(chunk);
  return Buffer.concat(chunks).toString('utf8');
}
