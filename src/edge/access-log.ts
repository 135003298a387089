/** Which requests leave a line in the log, as `log.access` says. Never logs a query or a token; refusals have a budget. */
import { withoutTokens } from '../core/token-format.ts';
import { LineBudget, type Log } from '../observe/log.ts';
import type { PipelineParts } from './pipeline-parts.ts';

/** Refusals are free for the sender. */
const REFUSAL_LINES_PER_SECOND = 50;

export function accessLog(
  log: Log,
  access: () => 'none' | 'refusals' | 'all',
  monotonicMs: () => number,
): Pick<PipelineParts, 'onRefused' | 'onForwarded'> {
  const budget = new LineBudget(REFUSAL_LINES_PER_SECOND);
  return {
    onRefused: (refused) => {
      if (access() === 'none') return;
      const suppressed = budget.spend(monotonicMs());
      if (suppressed === null) return;
      const path = withoutTokens(refused.path);
      const detail = refused.detail === null ? null : withoutTokens(refused.detail);
      log.info({ ...refused, path, detail, ...(suppressed > 0 ? { suppressed } : {}) }, 'refused');
    },
    onForwarded: (requestId, route, allowed, status, complete) => {
      if (access() === 'all')
        log.info({ requestId, routeId: route.id, tokenId: allowed?.token.id ?? null, status, complete }, 'forwarded');
    },
  };
}
