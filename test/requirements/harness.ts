/**
 * A gateway under one policy with an organization in it, and the short words that the requirement tests speak: who
 * does what at the sidecar, and what a token then gets at the gateway.
 */
import { isAbsolute } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect } from 'vitest';
import { startExampleUpstream } from '../../src/demo/example-upstream.ts';
import type { Clock } from '../../src/observe/clock.ts';
import { type Settings, startTestGateway } from '../support/gateway.ts';

export const DAY_MS = 86_400_000;

export interface Answer {
  readonly status: number;
  // biome-ignore lint/suspicious/noExplicitAny: tests look into answers freely
  readonly body: any;
}

export interface Created {
  readonly id: string;
  readonly token: string;
}

export type Harness = Awaited<ReturnType<typeof startHarness>>;

/** `policy`: the name of a file in policies/, or the path of another one. Time stands where `aheadMs` puts it. */
export async function startHarness(policy: string, routes?: readonly Settings[]) {
  const upstream = await startExampleUpstream(0);
  let aheadMs = 0;
  const clock: Clock = { nowMs: () => Date.now() + aheadMs, monotonicMs: () => performance.now() };
  const gateway = await startTestGateway({
    upstreamUrl: upstream.url,
    policy: isAbsolute(policy) ? policy : fileURLToPath(new URL(`../../policies/${policy}.yaml`, import.meta.url)),
    seed: false,
    clock,
    ...(routes === undefined ? {} : { routes }),
  });

  /** A call below an organization; `actor`: the member on whose behalf, or the operator. */
  const call = async (org: string, method: string, path: string, body?: unknown, actor?: string): Promise<Answer> => {
    const headers = actor === undefined ? {} : { 'Scopegate-Actor': actor };
    return gateway.admin(method, `/v1/organizations/${org}${path}`, body, headers);
  };
  const must = async (org: string, method: string, path: string, body?: unknown, actor?: string) => {
    const answer = await call(org, method, path, body, actor);
    expect(answer.status, `${method} ${path}: ${JSON.stringify(answer.body)}`).toBeLessThan(300);
    return answer.body;
  };
  const request = (token: string, path: string, method = 'GET') =>
    fetch(`${gateway.url}${path}`, { method, headers: { authorization: `Bearer ${token}` } });

  return {
    gateway,
    call,
    must,
    request,
    status: async (token: string, path: string, method?: string) => (await request(token, path, method)).status,
    /** Move the clock; 0 brings it back. */
    ahead: (ms: number) => {
      aheadMs = ms;
    },
    now: () => Date.now() + aheadMs,
    organization: async (org: string, edition: string, members: Readonly<Record<string, string>>) => {
      await must(org, 'PUT', '', { name: org, edition });
      for (const [id, role] of Object.entries(members)) await must(org, 'PUT', `/members/${id}`, { name: id, role });
    },
    workspace: async (org: string, id: string, owner: string) => {
      await must(org, 'PUT', `/workspaces/${id}`, { name: id, owner });
      await must(org, 'PUT', `/workspaces/${id}/environments/env_${id}`, { name: 'live' });
    },
    join: (org: string, workspace: string, member: string, role = 'member') =>
      must(org, 'PUT', `/workspaces/${workspace}/assignments/members/${member}`, { role }),
    /** Creates a token as its owner would; returns the answer whatever it is. */
    ask: (org: string, owner: string, token: object) => call(org, 'POST', '/tokens', { name: 't', ...token }, owner),
    mint: async (org: string, owner: string, token: object): Promise<Created> =>
      must(org, 'POST', '/tokens', { name: 't', ...token }, owner) as Promise<Created>,
    stop: async () => {
      await gateway.stop();
      await upstream.close();
    },
  };
}

/** A request for the workflows of a workspace, by its environment. */
export const workflowsOf = (workspace: string): string => `/api/v1/workflows?environmentId=env_${workspace}`;
