/** A request as the checks of more than facts see it, and what such a check is; check-request.ts lists them. Types only. */
import type { TokenFacts } from './facts.ts';
import type { Reason } from './reason.ts';
import type { Route } from './route-table.ts';
import type { SelectorSource } from './selector.ts';

/** A request that has been read, as far as a verdict may rest on it. */
export interface RequestSource extends SelectorSource {
  /** The client's address, by whoever may be believed about it; null: unknown. */
  readonly address: string | null;
}

/** Each half answers null where nothing speaks against the request. Pure; asked again when an open stream is judged again. */
export interface RequestCheck {
  /** After check 2, on public routes too. */
  readonly ofRoute: (route: Route, request: RequestSource) => Reason | null;
  /** After check 6: the token is known, active and unexpired. */
  readonly ofToken: (token: TokenFacts, request: RequestSource) => Reason | null;
}
