/** What a client is told where no answer came from the upstream. */
import type { Reason } from '../../core/reason.ts';
import type { UpstreamFailure } from '../../upstream/exchange.ts';

export const REASON_BY_FAILURE: Readonly<Record<UpstreamFailure['kind'], Reason>> = {
  unreachable: 'upstream_unreachable',
  timeout: 'upstream_timeout',
  overloaded: 'overloaded',
};
