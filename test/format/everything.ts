/**
 * A store with one of everything that records of format 1 could say, and what is asked of it: the same questions to the
 * gateway that made it and to the one that upgraded it. Runs in a checkout of either (see make-everything.ts).
 */
import { fileURLToPath } from 'node:url';
import { Agent, request } from 'undici';
import type { Clock } from '../../src/observe/clock.ts';
import type { Settings, TestGatewayOptions } from '../support/gateway.ts';

export const START_MS = Date.UTC(2030, 0, 1);
const POLICY = fileURLToPath(new URL('../../policies/default.yaml', import.meta.url));
/** When everything is asked: when it was made, when one grace is over, when every one is and some tokens have expired. */
export const LATER_MS = [0, 2 * 3_600_000, 3 * 86_400_000];

export interface Everything {
  /** When the last of it was made. */
  readonly nowMs: number;
  /** Texts, by what they are. */
  readonly tokens: Readonly<Record<string, string>>;
  /** By token: for each of LATER_MS, then for each of TARGETS, the status. */
  readonly answers: Readonly<Record<string, readonly number[]>>;
  /** What the sidecar shows: by path. */
  readonly views: Readonly<Record<string, unknown>>;
}

/** Stands still until it is told to move. */
export class StillClock implements Clock {
  #nowMs: number;

  constructor(nowMs: number) {
    this.#nowMs = nowMs;
  }

  /** Functions by themselves: whoever is handed one calls it without us. */
  readonly nowMs = (): number => this.#nowMs;
  readonly monotonicMs = (): number => performance.now();

  moveTo(nowMs: number): void {
    this.#nowMs = nowMs;
  }
}

const read = ['content:read'];
const inWorkspace = (role: string) => ({ from: 'query.ws', as: 'workspace', role });
const bot = (relation: string) => ({ type: 'bot', from: 'path.bot', relation });
const ROUTES: readonly Settings[] = [
  { id: 'read', match: { path: '/read' }, require: { scopes: read } },
  { id: 'write', match: { path: '/write' }, require: { scopes: ['content:write'] } },
  { id: 'member', match: { path: '/member' }, require: { scopes: read, workspace: inWorkspace('member') } },
  { id: 'admin', match: { path: '/admin' }, require: { scopes: read, workspace: inWorkspace('admin') } },
  {
    id: 'environment',
    match: { path: '/environment' },
    require: { scopes: read, workspace: { from: 'query.env', as: 'environment', role: 'member' } },
  },
  {
    id: 'collaborate',
    match: { path: '/collaborate/{bot}' },
    require: { scopes: read, workspace: inWorkspace('member'), resource: bot('collaborator') },
  },
  {
    id: 'own',
    match: { path: '/own/{bot}' },
    require: { scopes: read, workspace: inWorkspace('member'), resource: bot('owner') },
  },
];

const WORKSPACES = ['w1', 'w2', 'w3', 'w4', 'w5', 'w6', 'p1', 'p2', 'p3'] as const;
const TARGETS: readonly string[] = [
  '/read',
  '/write',
  ...WORKSPACES.flatMap((id) => [`/member?ws=${id}`, `/admin?ws=${id}`]),
  '/environment?env=e1',
  ...['r1', 'r2'].flatMap((id) => [`/collaborate/${id}?ws=w1`, `/own/${id}?ws=w1`]),
  '/own/r3?ws=p3',
];

export function options(upstreamUrl: string, clock: Clock, settings: Settings): TestGatewayOptions {
  return {
    upstreamUrl,
    clock,
    policy: POLICY,
    seed: false,
    routes: ROUTES,
    settings: {
      import: { patterns: [{ prefix: 'key-', minLength: 20, maxLength: 40 }] },
      // Nobody is to wait for having asked too often, and time that is told does not pass.
      gateway: { guesses: { tokenFailures: 1_000_000, clientFailures: 1_000_000 } },
      cache: { maxEntries: 100_000 },
      ...settings,
    },
  };
}

/** Every question about every token, at every moment. */
export async function askAll(
  url: string,
  tokens: Everything['tokens'],
  clock: StillClock,
): Promise<Record<string, number[]>> {
  const agent = new Agent({ connections: 8 });
  const startMs = clock.nowMs();
  const answers: Record<string, number[]> = {};
  for (const laterMs of LATER_MS) {
    clock.moveTo(startMs + laterMs);
    for (const [name, token] of Object.entries(tokens)) {
      const asked = TARGETS.map(async (target) => {
        const headers = { authorization: `Bearer ${token}` };
        const { statusCode, body } = await request(`${url}${target}`, { dispatcher: agent, headers });
        await body.dump();
        return statusCode;
      });
      answers[name] = [...(answers[name] ?? []), ...(await Promise.all(asked))];
    }
  }
  clock.moveTo(startMs);
  await agent.close();
  return answers;
}

/** What people see, and what must look the same. */
export const VIEWS: readonly string[] = ['acme', 'solo', 'again'].flatMap((org) => [
  `/v1/organizations/${org}`,
  ...['members', 'teams', 'workspaces', 'service-accounts'].map(
    (list) => `/v1/organizations/${org}/${list}?limit=1000`,
  ),
  `/v1/organizations/${org}/tokens?limit=1000`,
  ...(org === 'acme'
    ? ['environments', 'resources', 'assignments'].map((list) => `/v1/organizations/acme/workspaces/w1/${list}`)
    : []),
]);
