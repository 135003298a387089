/**
 * What a request says of the hops behind it, and allows of those to come: one that has been here already is in a loop
 * (RFC 9110 section 7.6.3), and one that may go no further is answered here (section 7.6.2).
 */
import { hash, randomUUID } from 'node:crypto';
import { hostname } from 'node:os';
import { lowerName } from '../../core/framing.ts';
import { idPairs } from '../../core/request-ids.ts';
import type { Route } from '../../core/route.ts';
import type { RequestTarget } from '../../core/target.ts';
import type { Exchange } from '../../http/exchange.ts';
import type { Metrics } from '../../observe/metrics.ts';
import type { RequestContext } from '../request-context.ts';

export type NextHop =
  /** `headers`: raw pairs, where something was counted down in them. */
  | { readonly kind: 'on'; readonly headers?: readonly string[] }
  | { readonly kind: 'last' }
  | { readonly kind: 'refused'; readonly reason: 'bad_request' | 'loop_detected'; readonly detail: string };

const ON: NextHop = { kind: 'on' };
const LETTERS = 'abcdefghijklmnop';
const NUMBER = /^[0-9]+$/;
/** Longer ones are cut to what we can count. */
const DIGITS_MAX = 9;

/**
 * Our name in Via: alike for all processes that share a port, so that a loop is seen in its first round, and for nobody
 * else, so that gateways may stand behind each other. Upstreams see it; where we run cannot be read from it.
 */
export function nameInVia({ host, port }: { readonly host: string; readonly port: number }): string {
  const place = port === 0 ? randomUUID() : String(port);
  const digits = hash('sha256', `${hostname()}\n${host}\n${place}`).slice(0, 12);
  // As letters alone, it is never taken for an address or a port.
  return `scopegate.${digits.replace(/./g, (digit) => LETTERS[Number.parseInt(digit, 16)]!)}`;
}

/** `via`: every Via value of the request, joined. */
export function nextHop(exchange: Exchange, via: string, ownName: string): NextHop {
  if (via !== '' && passedBy(via, ownName))
    return { kind: 'refused', reason: 'loop_detected', detail: `Via names us already: ${via.slice(0, 500)}` };
  // TRACE, the other method that counts, is never forwarded. Others may leave it alone.
  return exchange.method === 'OPTIONS' ? countDown(exchange.headers) : ON;
}

/** What a server says of itself that is asked for no more than that. */
export function answerAsLast(request: RequestContext, target: RequestTarget, route: Route, metrics: Metrics): void {
  const { exchange, ruleset, reading } = request;
  metrics.requests.add(route.id, 'answered');
  // No template has this method, so this names those that it has.
  const known = ruleset.routes.match(reading.headerFacts.host, 'CONNECT', target.segments);
  const allow = known.kind === 'method' ? known.allow.join(', ') : '';
  exchange.answer(200, ['Allow', allow, ...idPairs(request), 'Content-Length', '0'], '');
}

/** `received-protocol received-by (comment)`, in a list. */
function passedBy(via: string, ownName: string): boolean {
  return via.split(',').some(
    (hop) =>
      hop
        .trim()
        .split(/[ \t]+/, 2)[1]
        ?.toLowerCase() === ownName,
  );
}

function countDown(headers: readonly string[]): NextHop {
  const places = headers.flatMap((name, index) =>
    index % 2 === 0 && lowerName(name) === 'max-forwards' ? [index + 1] : [],
  );
  const [place] = places;
  if (place === undefined) return ON;
  const value = headers[place]!;
  if (places.length > 1 || !NUMBER.test(value))
    return { kind: 'refused', reason: 'bad_request', detail: 'Max-Forwards is not one number' };
  const left = value.length > DIGITS_MAX ? 10 ** DIGITS_MAX : Number(value);
  return left === 0 ? { kind: 'last' } : { kind: 'on', headers: headers.with(place, String(left - 1)) };
}
