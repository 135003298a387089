/** A few requests a second through the demo's gateway, allowed and refused, so that there is something to see. Judges no answer. */
import { Pool } from 'undici';

export interface DemoCaller {
  /** A token, or an account that gets itself one. */
  readonly credential: string | { readonly id: string; readonly secret: string };
  readonly scopes: readonly string[];
  readonly environment: string;
  /** How often, compared with others. */
  readonly weight: number;
}

interface Call {
  readonly method: 'GET' | 'POST' | 'PUT' | 'DELETE';
  readonly path: string;
  readonly body?: string;
}

const PER_SECOND = 3;
/** It rises and falls, as days do. */
const WAVE_MS = 240_000;
/** Of a sequence that comes near every number and repeats none. */
const STEP = (Math.sqrt(5) - 1) / 2;
const STEP_OF_CALLS = Math.SQRT2 - 1;

const CALLS: Readonly<Record<string, (environment: string) => Call>> = {
  'workspace:read': () => ({ method: 'GET', path: '/v1/workspaces' }),
  'workflows:read': (environment) => ({ method: 'GET', path: `/api/v1/workflows?environmentId=${environment}` }),
  'workflows:write': (environment) => ({
    method: 'POST',
    path: `/api/v1/workflows/wf_report/runs?environmentId=${environment}`,
  }),
  'bot:read': () => ({ method: 'GET', path: '/v1/bots/bot_sales' }),
  'bot:write': () => ({ method: 'PUT', path: '/v1/bots/bot_sales', body: '{"name":"Sales assistant"}' }),
  'chat:write': () => ({ method: 'POST', path: '/v3/chat', body: '{"bot_id":"bot_sales","stream":true}' }),
  'knowledge:write': () => ({ method: 'POST', path: '/v1/files/upload', body: 'minutes of a meeting' }),
};
/** What nobody here may do, or nobody does. */
const MISTAKES: ReadonlyArray<(environment: string) => Call> = [
  (environment) => ({ method: 'DELETE', path: `/api/v1/workflows/wf_greet?environmentId=${environment}` }),
  () => ({ method: 'GET', path: '/api/v1/workflows?environmentId=env_legal' }),
  () => ({ method: 'GET', path: '/api/v1/workflows' }),
  () => ({ method: 'POST', path: '/v1/files/upload', body: 'x' }),
  () => ({ method: 'GET', path: '/v1/datasets' }),
];
const BOT_ENVIRONMENT = 'env_live';
const MISTAKEN = 0.12;
/** Few: of one address the gateway only answers so many. */
const UNKNOWN = 0.006;

/** What a caller asks for when nothing is wrong. The bot is known in one workspace alone. */
function callsOf({ scopes, environment }: DemoCaller) {
  const asked = scopes.filter(
    (scope) => scope in CALLS && (environment === BOT_ENVIRONMENT || !scope.startsWith('bot:')),
  );
  return asked.map((scope) => CALLS[scope]!);
}

/** Returns the way to stop. */
export function startTraffic(gatewayUrl: string, callers: readonly DemoCaller[]): () => Promise<void> {
  const traffic = new Traffic(new Pool(gatewayUrl, { connections: 4 }), callers);
  traffic.next();
  return () => traffic.stop();
}

class Traffic {
  readonly #pool: Pool;
  /** Each as often as it weighs. */
  readonly #callers: readonly DemoCaller[];
  readonly #tokens = new Map<DemoCaller, string>();
  #count = 0;
  #timer: NodeJS.Timeout | undefined;

  constructor(pool: Pool, callers: readonly DemoCaller[]) {
    this.#pool = pool;
    this.#callers = callers.flatMap((caller) => Array.from({ length: caller.weight }, () => caller));
  }

  next(): void {
    const height = 1 + 0.7 * Math.sin((2 * Math.PI * performance.now()) / WAVE_MS);
    const waitMs = (1000 / PER_SECOND / height) * (0.3 + 1.4 * this.#share(STEP_OF_CALLS));
    // What becomes of it is seen in the console.
    this.#timer = setTimeout(() => {
      this.#send().catch(() => undefined);
      this.next();
    }, waitMs);
  }

  async stop(): Promise<void> {
    clearTimeout(this.#timer);
    await this.#pool.destroy();
  }

  async #send(): Promise<void> {
    this.#count++;
    const chance = this.#share(STEP);
    const caller = this.#callers[Math.floor(this.#share(Math.SQRT2) * this.#callers.length)]!;
    const known = callsOf(caller);
    const mistake = MISTAKES[this.#count % MISTAKES.length]!;
    const isMistaken = chance < MISTAKEN || known.length === 0;
    const make = isMistaken ? mistake : known[this.#count % known.length]!;
    const { body = null, ...call } = make(caller.environment);
    const token = chance > 1 - UNKNOWN ? 'pat_neverissued' : await this.#tokenOf(caller);
    const answer = await this.#pool.request({ ...call, body, headers: { authorization: `Bearer ${token}` } });
    if (answer.statusCode === 401) this.#tokens.delete(caller);
    await answer.body.dump();
  }

  async #tokenOf(caller: DemoCaller): Promise<string> {
    const { credential } = caller;
    if (typeof credential === 'string') return credential;
    const known = this.#tokens.get(caller);
    if (known !== undefined) return known;
    const answer = await this.#pool.request({
      method: 'POST',
      path: '/api/auth/oauth2/token',
      headers: {
        authorization: `Basic ${Buffer.from(`${credential.id}:${credential.secret}`).toString('base64')}`,
        'content-type': 'application/x-www-form-urlencoded',
      },
      body: 'grant_type=client_credentials',
    });
    const { access_token: token } = (await answer.body.json()) as { access_token: string };
    this.#tokens.set(caller, token);
    return token;
  }

  #share(step: number): number {
    return (this.#count * step) % 1;
  }
}
