/** Sends one request of a load and reads its whole answer. Never follows a redirect, never tries again, keeps no time. */
import { Agent } from 'undici';
import { systemAuthorities } from '../authorities.ts';

export interface LoadTarget {
  readonly origin: string;
  /** With its query. */
  readonly path: string;
}

export interface LoadAnswer {
  /** A status, or why there was none. */
  readonly outcome: number | string;
  /** What the gateway says that the token cost it (Server-Timing); null: it does not say. */
  readonly authMs: number | null;
}

export interface LoadClientOptions {
  readonly method: string;
  readonly headers: Readonly<Record<string, string>>;
  /** To each origin, at most; what finds none waits, and the wait counts. */
  readonly connections: number;
  readonly timeoutMs: number;
}

export const TIMED_OUT = 'timeout';
const TIMEOUTS = new Set(['UND_ERR_HEADERS_TIMEOUT', 'UND_ERR_BODY_TIMEOUT', 'UND_ERR_CONNECT_TIMEOUT', 'ABORT_ERR']);

export class LoadClient {
  readonly #agent: Agent;
  readonly #options: LoadClientOptions;

  constructor(options: LoadClientOptions, isSecure: boolean) {
    const { connections, timeoutMs } = options;
    this.#options = options;
    this.#agent = new Agent({
      connections,
      headersTimeout: timeoutMs,
      bodyTimeout: timeoutMs,
      connect: { timeout: timeoutMs, ...(isSecure ? { ca: [...systemAuthorities()] } : {}) },
    });
  }

  /** `token` null: without one. Never rejects. */
  async send(target: LoadTarget, token: string | null): Promise<LoadAnswer> {
    try {
      const { statusCode, headers, body } = await this.#ask(target, token);
      for await (const _ of body);
      return { outcome: statusCode, authMs: authMsOf(headers['server-timing']) };
    } catch (error) {
      const { code, name } = error as NodeJS.ErrnoException;
      return { outcome: TIMEOUTS.has(code ?? '') ? TIMED_OUT : (code ?? name), authMs: null };
    }
  }

  /** For what is looked at once. Rejects where nobody answers. */
  async read(target: LoadTarget, token: string | null): Promise<{ readonly status: number; readonly text: string }> {
    const { statusCode, body } = await this.#ask(target, token);
    return { status: statusCode, text: await body.text() };
  }

  #ask({ origin, path }: LoadTarget, token: string | null) {
    const { method, headers } = this.#options;
    return this.#agent.request({
      ...{ origin, path, method: method as 'GET' },
      headers: token === null ? headers : { ...headers, authorization: `Bearer ${token}` },
    });
  }

  close(): Promise<void> {
    return this.#agent.destroy();
  }
}

function authMsOf(header: string | string[] | undefined): number | null {
  const found = /(?:^|[\s,])auth;dur=([\d.]+)/.exec(String(header ?? ''));
  return found === null ? null : Number(found[1]);
}
