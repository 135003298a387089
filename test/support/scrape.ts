/** The metrics of one gateway, as whoever scrapes it alone would read them. */
import { metricsText } from '../../src/observe/aggregate.ts';
import type { Metrics } from '../../src/observe/metrics.ts';

export async function scraped(metrics: Metrics): Promise<string> {
  return (await metricsText([metrics.numbers()])).text;
}
