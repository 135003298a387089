/** What the gateway answers itself instead of forwarding: a route like any other, up to the decision. Types only. */
import type { Allowed } from '../core/decide.ts';
import type { RequestIds } from '../core/request-ids.ts';
import type { Exchange } from '../http/exchange.ts';

/** A request that reached one of our own endpoints. */
export interface EndpointCall {
  readonly exchange: Exchange;
  /** For its answer. */
  readonly ids: RequestIds;
  /** Every Authorization header. */
  readonly authorization: readonly string[];
  /** The client's address, as far as trusted proxies tell it. */
  readonly address: string;
  /** Who is calling, on routes that ask for a token; null on public ones. */
  readonly allowed: Allowed | null;
  /** For its answer, beside its own: raw pairs. */
  readonly answerHeaders: readonly string[];
}

export type Endpoint = (call: EndpointCall) => void;
