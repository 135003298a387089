/**
 * What one service account may ask in a window, whatever its address: of each endpoint by itself, so that one who looks
 * too often still gets a token. Revocation is not counted. Counts where all other limits are counted.
 */
import { type RateLimit, type RouteLimits, routeLimits } from '../core/rate-limit.ts';
import type { RateLimiter } from '../edge/throttles/rate-limiter.ts';
import { type EndpointAnswer, oauthError } from './endpoint.ts';

export type LimitedEndpoint = 'token' | 'introspect' | 'whoami';

export class AccountLimit {
  readonly #limits: RouteLimits;
  readonly #limiter: () => RateLimiter;
  readonly #monotonicMs: () => number;

  constructor(limit: RateLimit, limiter: () => RateLimiter, monotonicMs: () => number) {
    this.#limits = routeLimits([limit])!;
    this.#limiter = limiter;
    this.#monotonicMs = monotonicMs;
  }

  /** `compute`'s answer with the fields that tell of the limit; or the refusal. */
  admit(
    endpoint: LimitedEndpoint,
    clientId: string,
    compute: () => EndpointAnswer | Promise<EndpointAnswer>,
  ): EndpointAnswer | Promise<EndpointAnswer> {
    const [limit] = this.#limits.limits;
    const uses = [{ limit: limit!, subject: `${clientId} ${endpoint}` }];
    const admission = this.#limiter().take(this.#limits, uses, this.#monotonicMs());
    const obey = async ({ headers, refused }: Awaited<typeof admission>): Promise<EndpointAnswer> => {
      const answer = refused === null ? await compute() : tooMany(refused.retryAfterSeconds);
      return { ...answer, headers: [...headers, ...(answer.headers ?? [])] };
    };
    return admission instanceof Promise ? admission.then(obey) : obey(admission);
  }
}

/** RFC 6585 section 4; the word is that of RFC 8628 section 3.5, as no other one fits. */
function tooMany(retryAfterSeconds: number): EndpointAnswer {
  const detail = 'This client asks too often; it may use a token until it expires.';
  return oauthError(429, 'slow_down', detail, ['Retry-After', String(retryAfterSeconds)]);
}
