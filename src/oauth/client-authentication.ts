/**
 * Who a client is: id and secret by HTTP Basic (SCRYDON-8). Failures are counted per source address, and only further
 * failures are turned away: a right secret from that address is never refused (contract: promise 6).
 */
import type { EndpointCall } from '../edge/endpoint.ts';
import type { AuthFailureThrottle } from '../edge/throttles/auth-failure-throttle.ts';
import { type FoundAccount, findAccount } from '../manage/tokens/access-tokens.ts';
import { hashToken } from '../secret.ts';
import type { Store } from '../store/store.ts';
import { type EndpointAnswer, type Form, oauthError, type Recognised } from './endpoint.ts';

export class ClientAuthentication {
  readonly #store: Store;
  readonly #throttle: AuthFailureThrottle;

  constructor(store: Store, throttle: AuthFailureThrottle) {
    this.#store = store;
    this.#throttle = throttle;
  }

  /** Rejects with StoreUnavailable. A disabled account authenticates; whether it gets a token is decided elsewhere. */
  async authenticate(call: EndpointCall): Promise<Recognised<FoundAccount>> {
    const credentials = readBasic(call.authorization);
    const account = credentials === null ? null : await findAccount(this.#store, credentials.id);
    if (credentials !== null && account !== null && account.doc.secretHash === hashToken(credentials.secret)) {
      return { ok: true, caller: account };
    }
    return { ok: false, answer: this.#fail(call.address) };
  }

  #fail(address: string): EndpointAnswer {
    const retryAfter = this.#throttle.failed(address);
    if (retryAfter !== null) {
      return oauthError(429, 'slow_down', 'Too many failed attempts from this address.', [
        'Retry-After',
        String(retryAfter),
      ]);
    }
    return invalidClient();
  }
}

/** RFC 6749 section 2.3: one method per request, also where both say the same. null: it is so. */
export function secondMethod(form: Form): EndpointAnswer | null {
  if (form.get('client_secret') === null) return null;
  const detail = 'The client authenticates by HTTP Basic alone; leave client_secret out of the form.';
  return oauthError(400, 'invalid_request', detail);
}

/** One answer for an unknown id, a wrong secret and a disabled account. */
export function invalidClient(): EndpointAnswer {
  return oauthError(401, 'invalid_client', 'The client could not be authenticated.', [
    'WWW-Authenticate',
    'Basic realm="scopegate", charset="UTF-8"',
  ]);
}

/** RFC 7617, with RFC 6749 section 2.3.1: both parts are form-encoded before they are joined. */
function readBasic(authorization: readonly string[]): { readonly id: string; readonly secret: string } | null {
  if (authorization.length !== 1) return null;
  const encoded = /^basic +([A-Za-z0-9+/]+=*)$/i.exec(authorization[0]!)?.[1];
  if (encoded === undefined) return null;
  const text = Buffer.from(encoded, 'base64').toString('utf8');
  const colon = text.indexOf(':');
  if (colon === -1) return null;
  try {
    return { id: decodeURIComponent(text.slice(0, colon)), secret: decodeURIComponent(text.slice(colon + 1)) };
  } catch {
    return null;
  }
}
