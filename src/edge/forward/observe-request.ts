/** What is told of a forwarded request: its stream to the register, its end to metrics and log, a failure to its client. */
import { statusClass } from '../../observe/metrics.ts';
import type { Destination, Refused } from '../disposition.ts';
import type { PipelineParts } from '../pipeline-parts.ts';
import type { RequestContext } from '../request-context.ts';
import type { ForwardObserver } from './forward-observer.ts';

/** `refuse`: says so to the client, whose answer has not begun. */
export function observerOf(
  request: RequestContext,
  { route, binding }: Extract<Destination, { readonly kind: 'upstream' }>,
  { streams, metrics, clock, onForwarded }: PipelineParts,
  refuse: (refused: Refused) => void,
): ForwardObserver {
  const { exchange, requestId, tokenId, allowed, monotonicMs } = request;
  let leave: (() => void) | null = null;
  return {
    timing: request.timing,
    answerHeaders: request.answerHeaders,
    refused: (reason, { detail }) => refuse({ kind: 'refused', reason, detail }),
    opened: (stream) => {
      leave = streams.add({ requestId, tokenId, incoming: asItCame(exchange) }, stream);
    },
    finished: (status, complete) => {
      leave?.();
      metrics.total.observe((clock.monotonicMs() - monotonicMs) / 1000);
      metrics.answers.add(binding.name, complete ? statusClass(status) : 'broken');
      onForwarded(requestId, route, allowed, status, complete);
    },
  };
}

/** Kept for as long as its stream: what reading it takes, and nothing of the connection. */
function asItCame(exchange: RequestContext['exchange']) {
  const { method, target, minorVersion, headers, peerAddress, isClientUnknown, upgrade } = exchange;
  return { method, target, minorVersion, headers, peerAddress, isClientUnknown, upgrade: upgrade && true };
}
