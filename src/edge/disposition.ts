/** What becomes of a request: every kind of end that the request path knows. Types only. */
import type { Preflight } from '../core/cors.ts';
import type { Reason } from '../core/reason.ts';
import type { Route } from '../core/route.ts';
import type { DecisionHandler } from './decision-handler.ts';
import type { Endpoint } from './endpoint.ts';
import type { UpstreamBinding } from './ruleset.ts';

/** It ends here, in the words of the policy's dialect. */
export interface Refused {
  readonly kind: 'refused';
  readonly reason: Reason;
  /** Where the reason has several. */
  readonly status?: number | undefined;
  /** For the Allow header; with `method_not_allowed`. */
  readonly allow?: readonly string[] | undefined;
  /** For the log, never for the client. */
  readonly detail?: string | undefined;
  /** How long its upstream was waited for; absent: it was not. */
  readonly upstreamMs?: number | undefined;
  /** For Retry-After, where it is known better than by the reason. */
  readonly retryAfterSeconds?: number | undefined;
}

/** Where an allowed request goes. */
export type Destination =
  /** The gateway answers itself. */
  | { readonly kind: 'endpoint'; readonly route: Route; readonly endpoint: Endpoint }
  /** A browser asks whether a script of another origin may ask; the gateway says. */
  | { readonly kind: 'preflight'; readonly route: Route; readonly preflight: Preflight }
  /** Another program takes it from here. */
  | { readonly kind: 'handler'; readonly route: Route; readonly handler: DecisionHandler }
  /** `target`: path and query as they are sent. */
  | {
      readonly kind: 'upstream';
      readonly route: Route;
      readonly binding: UpstreamBinding;
      readonly target: string;
    };

export type Disposition = Refused | Destination;
