/** One text of metrics for several processes, each as its own registry gave it. Adds up as each metric says. */
import { AggregatorRegistry, type MetricObjectWithValues, type MetricValue, type Registry } from 'prom-client';

/** What one process says of all its metrics. */
export type ProcessMetrics = ReadonlyArray<MetricObjectWithValues<MetricValue<string>>>;

export interface MetricsText {
  readonly contentType: string;
  readonly text: string;
}

/** Of a metric that is not added up but taken from one process, `processes[0]` is that one. */
export async function metricsText(processes: readonly ProcessMetrics[]): Promise<MetricsText> {
  const registry = merged(processes);
  return { contentType: registry.contentType, text: await registry.metrics() };
}

/** What counted up in a process that is gone, added to `before`: a sum over all must not fall when one dies. */
export async function retired(before: ProcessMetrics, last: ProcessMetrics): Promise<ProcessMetrics> {
  const grown = last.filter((metric) => metric.aggregator === 'sum' && String(metric.type) !== 'gauge');
  return merged([before, grown]).getMetricsAsJSON();
}

function merged(processes: readonly ProcessMetrics[]): Registry {
  // prom-client asks for mutable arrays, and changes none.
  return AggregatorRegistry.aggregate(processes as unknown as object[]);
}
