/** The metric that every store has that can be full. */
import type { Metrics } from '../observe/metrics.ts';

export function describeFullCount(metrics: Metrics, store: { readonly fullCount: number }): void {
  const help = 'Changes that were refused because the store has no room for anything new: an alarm.';
  metrics.counter('scopegate_store_full_total', help, () => store.fullCount);
}
