/**
 * Counts failed credentials per source address, in a table of fixed size. Only says that a further failure is one too
 * many: it is asked after a failure, never before, so that a right credential is never refused (contract: promise 6).
 */
import { isIPv6 } from 'node:net';
import { LRUCache } from 'lru-cache';
import { atMost } from '../../at-most.ts';

const ADDRESSES_MAX = 10_000;

export interface GuessLimits {
  /** Failures of one address within the window before further ones are turned away. 0: never. */
  readonly failuresMax: number;
  readonly windowMs: number;
}

interface Failures {
  count: number;
  readonly untilMs: number;
}

export class AuthFailureThrottle {
  readonly #limits: () => GuessLimits;
  readonly #monotonicMs: () => number;
  readonly #failures = new LRUCache<string, Failures>(atMost(ADDRESSES_MAX));

  constructor(limits: () => GuessLimits, monotonicMs: () => number) {
    this.#limits = limits;
    this.#monotonicMs = monotonicMs;
  }

  /** Notes one failure. Answers in how many seconds to come back, or null where this one may still be told why. */
  failed(address: string): number | null {
    const { failuresMax, windowMs } = this.#limits();
    if (failuresMax === 0) return null;
    const nowMs = this.#monotonicMs();
    const source = sourceOf(address);
    let failures = this.#failures.get(source);
    if (failures === undefined || failures.untilMs <= nowMs) {
      failures = { count: 0, untilMs: nowMs + windowMs };
      this.#failures.set(source, failures);
    }
    failures.count++;
    return failures.count > failuresMax ? Math.ceil((failures.untilMs - nowMs) / 1000) : null;
  }
}

/** Who counts as one: an IPv4 address; for IPv6 the /64, which is what one customer is given at least. */
export function sourceOf(address: string): string {
  const bare = address.replace(/^::ffff:(?=\d+\.)/i, '');
  if (!isIPv6(bare)) return bare;
  const [head = '', tail] = bare.split('::') as [string, string?];
  const groups = (text: string) => (text === '' ? [] : text.split(':'));
  const start = groups(head);
  const end = groups(tail ?? '');
  // A dotted end stands for two groups.
  const missing = 8 - start.length - end.length - (bare.includes('.') ? 1 : 0);
  const all = tail === undefined ? start : [...start, ...Array<string>(missing).fill('0'), ...end];
  const network = all.slice(0, 4).map((group) => Number.parseInt(group, 16).toString(16));
  return `${network.join(':')}::/64`;
}
