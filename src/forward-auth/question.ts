/**
 * What a proxy asks about, read from the headers in which it describes the request that it holds. Never believes a
 * description that is missing, comes twice, or comes from elsewhere; whoever asks is judged by the caller.
 */

import { isForgery } from '../core/field-names.ts';
import { lowerName } from '../core/framing.ts';
import type { Exchange } from '../http/exchange.ts';
import { isKnownMethod } from '../http/known-method.ts';

export type ProxyName = 'nginx' | 'caddy' | 'traefik' | 'envoy';

export interface Described {
  readonly ok: true;
  readonly method: string;
  readonly target: string;
  /** The request's headers, without those that only describe it. */
  readonly headers: readonly string[];
}
export interface Unreadable {
  readonly ok: false;
  /** For the log. */
  readonly problem: string;
}

/** The headers that carry method, target and host; null: the question's own Host. */
interface Description {
  readonly method: string;
  readonly target: string;
  readonly host: string | null;
}

const FORWARDED: Description = { method: 'x-forwarded-method', target: 'x-forwarded-uri', host: 'x-forwarded-host' };
/** null: the question is the request itself, without its body. */
const DESCRIPTIONS: Readonly<Record<ProxyName, Description | null>> = {
  nginx: { method: 'x-original-method', target: 'x-original-uri', host: null },
  caddy: FORWARDED,
  traefik: FORWARDED,
  envoy: null,
};

export function readQuestion(proxy: ProxyName, exchange: Exchange): Described | Unreadable {
  // The gateway would have removed it; here the proxy is going to send it on.
  const forged = exchange.headers.find((name, index) => index % 2 === 0 && isForgery(name));
  if (forged !== undefined) return unreadable(`the client sent ${forged}`);
  const description = DESCRIPTIONS[proxy];
  if (description === null)
    return { ok: true, method: exchange.method, target: exchange.target, headers: exchange.headers };

  const values = new Map<string, string>();
  const headers: string[] = [];
  const described = [description.method, description.target, description.host];
  for (let index = 0; index < exchange.headers.length; index += 2) {
    const name = exchange.headers[index]!;
    const value = exchange.headers[index + 1]!;
    const lower = lowerName(name);
    if (!described.includes(lower)) {
      if (lower !== 'host' || description.host === null) headers.push(name, value);
    } else if (values.has(lower)) return unreadable(`${lower} came twice`);
    else values.set(lower, value);
  }
  for (const name of described) {
    if (name !== null && (values.get(name) ?? '') === '') return unreadable(`${name} is missing`);
  }
  const method = values.get(description.method)!;
  if (!isKnownMethod(method)) return unreadable(`${description.method} is no method`);
  if (description.host !== null) headers.push('Host', values.get(description.host)!);
  return { ok: true, method, target: values.get(description.target)!, headers };
}

function unreadable(problem: string): Unreadable {
  return { ok: false, problem };
}
