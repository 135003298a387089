/** A request as the checks of more than facts see it, and what such a check is; request-checks.ts lists them. Types only. */
import type { TokenFacts } from './facts.ts';
import type { Reason } from './reason.ts';
import type { Route } from './route.ts';
import type { SelectorSource } from './selector.ts';

/** A request that has been read, as far as a verdict may rest on it. */
export interface RequestSource extends SelectorSource {
  /** The client's address, by whoever may be believed about it; null: unknown. */
  readonly address: string | null;
}

/** Each half answers null where nothing speaks against the request. Pure. */
export interface RequestCheck {
  /** After check 2, on public routes too. Asked again for an open stream when the rules are replaced. */
  readonly ofRoute: (route: Route, request: RequestSource) => Reason | null;
  /** After check 6: the token is known, active and unexpired. Asked again whenever an open stream is judged again. */
  readonly ofToken: (token: TokenFacts, request: RequestSource) => Reason | null;
}
