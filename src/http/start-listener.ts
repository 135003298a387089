/**
 * The one place that says on which server a listener runs: our own HTTP/1.1 (`http1/`). Whoever opens a port comes through
 * here and knows `listener.ts` and `exchange.ts` alone.
 */

import { Http1Listener } from './http1/http1-listener.ts';
import type { Listener, ListenerOptions } from './listener.ts';

/** Resolves once connections are accepted. Rejects with SetupError when the port cannot be had. */
export function startListener(options: ListenerOptions): Promise<Listener> {
  return Http1Listener.start(options);
}
