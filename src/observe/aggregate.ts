/**
 * One text of metrics for several processes, each as it counts them itself. Adds up as each metric says. Loads prom-client
 * when somebody scrapes, or a process ends: with what it brings it takes 2 MB.
 */
import type { MetricObjectWithValues, MetricValue, Registry } from 'prom-client';

/** What one process says of all its metrics. */
export type ProcessMetrics = ReadonlyArray<MetricObjectWithValues<MetricValue<string>>>;

export interface MetricsText {
  readonly contentType: string;
  readonly text: string;
}

/** Of a metric that is not added up but taken from one process, `processes[0]` is that one. */
export async function metricsText(processes: readonly ProcessMetrics[]): Promise<MetricsText> {
  const registry = await merged(processes);
  return { contentType: registry.contentType, text: await registry.metrics() };
}

/** What counted up in a process that is gone, added to `before`: a sum over all must not fall when one dies. */
export async function retired(before: ProcessMetrics, last: ProcessMetrics): Promise<ProcessMetrics> {
  const grown = last.filter((metric) => metric.aggregator === 'sum' && String(metric.type) !== 'gauge');
  return (await merged([before, grown])).getMetricsAsJSON();
}

async function merged(processes: readonly ProcessMetrics[]): Promise<Registry> {
  const { AggregatorRegistry } = await import('prom-client');
  // prom-client asks for mutable arrays, and changes none.
  return AggregatorRegistry.aggregate(processes as unknown as object[]);
}
