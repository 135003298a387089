/**
 * Ten weeks in the life of the demo's organization, over the sidecar's HTTP API like any other client: people, teams,
 * workspaces, service accounts, and tokens that were made, used, replaced and ended. Its clock is the caller's to set back.
 */
import { type Dispatcher, request } from 'undici';
import { ENVIRONMENT_OF, PAST_TOKENS, type PastToken, type PastWorkspace } from './past-tokens.ts';
import type { DemoCaller } from './traffic.ts';

const DAY_MS = 86_400_000;
const GRACE_SECONDS = 86_400;
/** Of a sequence that comes near every share of a day. */
const HOURS = 0.618;
const ATTEMPTS = [
  { daysAgo: 18.3, member: 'jose', workspace: 'ws_sales' },
  { daysAgo: 3.2, member: 'wei', workspace: 'ws_support' },
] as const;
const SERVICE_ACCOUNTS = [
  { name: 'nightly evaluation', scopes: ['workflows:write', 'chat:write'], in: 'ws_research' },
  { name: '知识库索引', scopes: ['knowledge:write'], in: 'ws_support' },
  { name: 'partner portal', scopes: ['bot:read', 'chat:write'], in: 'ws_sales' },
] as const;

const MEMBERS: ReadonlyArray<readonly [id: string, name: string, role: string]> = [
  ['alice', 'Alice', 'admin'],
  ['bob', 'Bob', 'member'],
  ['carlos', 'Carlos Ferreira', 'super_admin'],
  ['mei', '王美玲', 'admin'],
  ['xiaomei', '林晓梅', 'member'],
  ['wei', 'Chen Wei 陈伟', 'member'],
  ['grace', 'Grace Okonkwo', 'member'],
  ['priya', 'Priya Raghunathan', 'member'],
  ['tomas', 'Tomás Ó Súilleabháin', 'member'],
  ['jose', 'José Álvarez', 'member'],
  ['amara', 'Amara Diallo', 'member'],
  ['maximiliana', 'Maximiliana von Hohenstein-Wittgenstein zu Oberbergen', 'member'],
];
const WORKSPACES: ReadonlyArray<readonly [id: PastWorkspace, name: string, owner: string]> = [
  ['ws_sales', 'Sales', 'alice'],
  ['ws_legal', 'Legal', 'alice'],
  ['ws_support', '客户支持', 'mei'],
  ['ws_research', 'Research and evaluation', 'grace'],
];
const TEAMS: ReadonlyArray<readonly [id: string, name: string, members: readonly string[]]> = [
  ['field', 'Field sales', ['tomas', 'jose', 'amara']],
  ['support', '客户支持组', ['xiaomei', 'wei']],
  ['research', 'Research', ['priya', 'grace']],
];
const ROLES: ReadonlyArray<readonly [workspace: PastWorkspace, who: string, role: string]> = [
  ['ws_sales', 'teams/field', 'member'],
  ['ws_sales', 'members/bob', 'member'],
  ['ws_sales', 'members/amara', 'admin'],
  ['ws_sales', 'members/carlos', 'admin'],
  ['ws_legal', 'members/maximiliana', 'member'],
  ['ws_legal', 'teams/field', 'member'],
  ['ws_support', 'teams/support', 'member'],
  ['ws_support', 'members/xiaomei', 'admin'],
  ['ws_research', 'teams/research', 'member'],
  ['ws_research', 'members/carlos', 'member'],
];

export interface PastParts {
  readonly adminUrl: string;
  readonly gatewayUrl: string;
  readonly adminKey: string;
  readonly organization: string;
  /** From now on it is so long before now. */
  readonly setBack: (ms: number) => void;
}

interface Act {
  readonly daysAgo: number;
  run(): Promise<unknown>;
}

/** Who goes on calling from here. */
export async function liveThrough(parts: PastParts): Promise<DemoCaller[]> {
  const past = new Past(parts);
  const [longest = 0] = PAST_TOKENS.map(({ made }) => made).toSorted((left, right) => right - left);
  parts.setBack((longest + 1) * DAY_MS);
  await past.found();
  const acts = [...PAST_TOKENS.flatMap((token, index) => past.actsOf(token, index)), ...past.attempts()];
  for (const { daysAgo, run } of acts.toSorted((left, right) => right.daysAgo - left.daysAgo)) {
    parts.setBack(daysAgo * DAY_MS);
    await run();
  }
  return past.callers;
}

class Past {
  readonly callers: DemoCaller[] = [];
  readonly #parts: PastParts;

  constructor(parts: PastParts) {
    this.#parts = parts;
  }

  async found(): Promise<void> {
    await this.#call('PUT', '', { name: 'Acme', edition: 'team' });
    await all(MEMBERS, ([id, name, role]) => this.#call('PUT', `/members/${id}`, { name, role }));
    await all(TEAMS, ([id, name, members]) => this.#call('PUT', `/teams/${id}`, { name, members }));
    await all(WORKSPACES, async ([id, name, owner]) => {
      await this.#call('PUT', `/workspaces/${id}`, { name, owner });
      await this.#call('PUT', `/workspaces/${id}/environments/${ENVIRONMENT_OF[id]}`, { name });
    });
    await this.#call('PUT', '/workspaces/ws_sales/resources/bot/bot_sales', { owner: 'alice', collaborators: [] });
    await all(ROLES, ([workspace, who, role]) =>
      this.#call('PUT', `/workspaces/${workspace}/assignments/${who}`, { role }),
    );
    await all(SERVICE_ACCOUNTS, async ({ name, scopes, in: workspace }) => {
      const roles = [{ workspace, role: 'member' }];
      const { id, clientId, clientSecret } = await this.#call('POST', '/service-accounts', { name, scopes, roles });
      const account = { id: clientId ?? id!, secret: clientSecret! };
      this.callers.push({ credential: account, scopes, environment: ENVIRONMENT_OF[workspace], weight: 2 });
    });
  }

  /** What the trail shows as refused. */
  attempts(): Act[] {
    const wish = { name: 'everything', kind: 'service', scopes: ['bot:write'], neverExpires: true };
    return ATTEMPTS.map(({ daysAgo, member, workspace }) => ({
      daysAgo,
      run: () => this.#ask('POST', '/tokens', { ...wish, owner: member, workspaces: [workspace] }, member),
    }));
  }

  actsOf(token: PastToken, index: number): Act[] {
    // Not everybody works at the same time of the day.
    const at = (daysAgo: number) => Math.max(0.01, daysAgo - ((0.3 * index * HOURS) % 0.3));
    const { made, owner, name, scopes, kind = 'personal', days, used, fate } = token;
    let [id, text] = ['', ''];
    const make = async () => {
      const about = token.description === undefined ? {} : { description: token.description };
      const end = days === null ? { neverExpires: true } : { expiresInDays: days };
      const wish = { name, owner, scopes, kind, ...about, ...end, workspaces: [token.in] };
      const created = await this.#call('POST', '/tokens', wish, owner);
      [id, text] = [created.id!, created.token!];
      const environment = ENVIRONMENT_OF[token.in];
      // A program that was given the new value shows it nowhere else.
      if (token.busy === undefined || fate?.act === 'rotate') return;
      this.callers.push({ credential: text, scopes, environment, weight: token.busy });
    };
    const acts: Act[] = [{ daysAgo: at(made), run: make }];
    if (used !== undefined) acts.push({ daysAgo: at(Math.min(used, made - 0.01)), run: () => this.#use(text) });
    if (fate === undefined) return acts;
    const end = async () => {
      const body = fate.act === 'rotate' ? { graceSeconds: GRACE_SECONDS } : undefined;
      await this.#call('POST', `/tokens/${id}/${fate.act}`, body, fate.by);
    };
    return [...acts, { daysAgo: at(fate.at), run: end }];
  }

  /** What it asks for is no matter: that it was shown is what is kept. */
  async #use(token: string): Promise<void> {
    const headers = { authorization: `Bearer ${token}` };
    await (await request(`${this.#parts.gatewayUrl}/v1/workspaces`, { headers })).body.dump();
  }

  /** `actor`: the member on whose behalf; absent: the operator. */
  async #call(
    method: Dispatcher.HttpMethod,
    path: string,
    body?: unknown,
    actor?: string,
  ): Promise<Record<string, string>> {
    const { status, text } = await this.#ask(method, path, body, actor);
    if (status >= 300) throw new Error(`the sidecar refused ${method} ${path}: ${text}`);
    return JSON.parse(text) as Record<string, string>;
  }

  async #ask(method: Dispatcher.HttpMethod, path: string, body?: unknown, actor?: string) {
    const { adminUrl, adminKey, organization } = this.#parts;
    const answer = await request(`${adminUrl}/v1/organizations/${organization}${path}`, {
      method,
      headers: {
        authorization: `Bearer ${adminKey}`,
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        ...(actor === undefined ? {} : { 'scopegate-actor': actor }),
      },
      body: body === undefined ? null : JSON.stringify(body),
    });
    return { status: answer.statusCode, text: await answer.body.text() };
  }
}

function all<T>(items: readonly T[], run: (item: T) => Promise<unknown>): Promise<unknown> {
  return Promise.all(items.map(run));
}
