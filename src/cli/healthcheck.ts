/** `scopegate healthcheck`: is the gateway ready, or only alive. Needs no key and changes nothing. */
import type { Invocation } from './command.ts';
import { type GatewayOptionValues, namedSidecar } from './named-gateway.ts';
import { printJson } from './session.ts';
import { exchange, sidecarPlace } from './sidecar-address.ts';

interface HealthcheckValues extends GatewayOptionValues {
  readonly live: boolean;
  readonly json: boolean;
}

export async function healthcheckCommand({ values, env }: Invocation<HealthcheckValues>): Promise<void> {
  const place = sidecarPlace(await namedSidecar(values, env));
  const word = values.live ? 'live' : 'ready';
  const { status, text } = await exchange(place, { method: 'GET', path: `/${word}z` });
  const yes = status === 200;
  if (values.json) printJson({ [word]: yes, ...detailsOf(text) });
  else process.stdout.write(`${yes ? word : `not ${word} (${status})`}\n`);
  if (!yes) process.exitCode = 1;
}

function detailsOf(text: string): Record<string, unknown> {
  try {
    return JSON.parse(text) as Record<string, unknown>;
  } catch {
    return {};
  }
}
