/** A sidecar over real HTTP on a real SQLite file, with a clock that the test sets, and the way to call it. */

import { type AdminAnswer, startTestGateway, type TestGateway, type TestGatewayOptions } from '../support/gateway.ts';
import { Refusals } from './refusals.ts';

export type Json = Record<string, unknown>;

interface Answer {
  readonly status: number;
  readonly body: Json;
  readonly headers: AdminAnswer['headers'];
}

export interface Sidecar {
  readonly gateway: TestGateway;
  readonly url: string;
  readonly key: string;
  /** What the sidecar takes for now. */
  nowMs: number;
  /** `path` starts with `/v1`, or is below organization `acme`. */
  call(method: string, path: string, body?: unknown, headers?: Record<string, string>): Promise<Answer>;
  /** Exactly these bytes and headers, with the key unless `authorization` is given. */
  send(method: string, path: string, init: { body?: string; headers?: Record<string, string> }): Promise<Answer>;
  /** Calls and expects success: returns the body. */
  ok(method: string, path: string, body?: unknown): Promise<Json>;
  stop(): Promise<void>;
}

/** 2030-01-01T00:00:00.123Z: a moment that no rounding leaves as it is. */
export const NOW = Date.UTC(2030, 0, 1, 0, 0, 0, 123);
export const DAY = 86_400_000;

export async function startSidecar(
  env: Record<string, string> = {},
  more: Partial<TestGatewayOptions> = {},
): Promise<Sidecar> {
  const time = { nowMs: NOW };
  const clock = { nowMs: () => time.nowMs, monotonicMs: () => performance.now() };
  const gateway = await startTestGateway({ upstreamUrl: 'http://127.0.0.1:9', seed: false, clock, env, ...more });
  const { adminUrl: url, adminKey: key } = gateway;
  const described = Refusals.of(url);
  const send: Sidecar['send'] = async (method, path, { body, headers = {} }) => {
    const init = { method, headers: { authorization: `Bearer ${key}`, ...headers } };
    const answer = await fetch(url + path, body === undefined ? init : { ...init, body });
    const text = await answer.text();
    let parsed: Json;
    try {
      parsed = JSON.parse(text) as Json;
    } catch {
      parsed = { text };
    }
    if (answer.status >= 400) (await described).expectDeclared(method, path, answer.status, parsed);
    return { status: answer.status, body: parsed, headers: Object.fromEntries(answer.headers) };
  };
  const call: Sidecar['call'] = (method, below, body, headers = {}) => {
    const path = below.startsWith('/v1') ? below : `/v1/organizations/acme${below}`;
    if (body === undefined) return send(method, path, { headers });
    return send(method, path, {
      body: JSON.stringify(body),
      headers: { 'content-type': 'application/json', ...headers },
    });
  };
  return {
    gateway,
    url,
    key,
    get nowMs() {
      return time.nowMs;
    },
    set nowMs(value) {
      time.nowMs = value;
    },
    call,
    send,
    ok: async (method, path, body) => {
      const answer = await call(method, path, body);
      if (answer.status >= 300) throw new Error(`${method} ${path}: ${answer.status} ${JSON.stringify(answer.body)}`);
      return answer.body;
    },
    stop: () => gateway.stop(),
  };
}

/**
 * acme (edition team): root and ada administer it, ann and bob are members. ann owns w1 and w3; bob owns w2, where ann
 * and ada are members; nobody but bob is in w4; ada owns a1 and a2. solo (edition personal): sam owns s1, tom owns s2
 * with sam assigned.
 */
export async function settle({ ok }: Sidecar): Promise<void> {
  await ok('PUT', '', { name: 'Acme', edition: 'team' });
  await ok('PUT', '/members/root', { name: 'Root', role: 'super_admin' });
  await ok('PUT', '/members/ada', { name: 'Ada', role: 'admin' });
  await ok('PUT', '/members/ann', { name: 'Ann', role: 'member' });
  await ok('PUT', '/members/bob', { name: 'Bob', role: 'member' });
  for (const [id, owner] of [
    ['w1', 'ann'],
    ['w2', 'bob'],
    ['w3', 'ann'],
    ['w4', 'bob'],
    ['a1', 'ada'],
    ['a2', 'ada'],
  ])
    await ok('PUT', `/workspaces/${id}`, { name: id, owner });
  for (const id of ['ann', 'ada']) await ok('PUT', `/workspaces/w2/assignments/members/${id}`, { role: 'member' });
  const solo = '/v1/organizations/solo';
  await ok('PUT', solo, { name: 'Solo', edition: 'personal' });
  await ok('PUT', `${solo}/members/sam`, { name: 'Sam', role: 'admin' });
  await ok('PUT', `${solo}/members/tom`, { name: 'Tom', role: 'member' });
  await ok('PUT', `${solo}/workspaces/s1`, { name: 's1', owner: 'sam' });
  await ok('PUT', `${solo}/workspaces/s2`, { name: 's2', owner: 'tom' });
  await ok('PUT', `${solo}/workspaces/s2/assignments/members/sam`, { role: 'admin' });
}

export const PERSONAL = { name: 'p', owner: 'ann', scopes: ['bot:read'], workspaces: ['w1'], expiresInDays: 1 };
export const SERVICE = { ...PERSONAL, kind: 'service', name: 's', owner: 'ada', workspaces: ['a1'] };
