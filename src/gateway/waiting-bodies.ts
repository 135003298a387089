/** The bodies that wait for their verdict, as the configuration bounds them, and how many bytes of them there are. */
import type { GatewayFile } from '../config/schema/gateway-schema.ts';
import { WaitingBodies } from '../edge/bodies/waiting-bodies.ts';
import type { Metrics } from '../observe/metrics.ts';

const COMPLETE_MS = 10_000;

export function waitingBodies(
  { inspectedBodyBytes, inspectedBodyTotalBytes }: GatewayFile['gateway']['limits'],
  metrics: Metrics,
): WaitingBodies {
  const bodies = new WaitingBodies({
    bytes: inspectedBodyBytes,
    totalBytes: inspectedBodyTotalBytes,
    completeMs: COMPLETE_MS,
  });
  metrics.gauge(
    'scopegate_waiting_body_bytes',
    'Received bytes of bodies that wait for their verdict, or for their upstream to take them.',
    () => bodies.bytes,
  );
  return bodies;
}
