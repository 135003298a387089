/** The head of our own 101, made from the upstream's. Decides nothing. */
import { lowerName } from '../../core/framing.ts';
import type { RequestIds } from '../../core/request-ids.ts';
import { responseHeaders } from './headers.ts';

/** What an upstream that switches protocols has chosen. */
export function chosenProtocols(headers: readonly string[]): string[] {
  return headers.filter((_, index) => index % 2 === 1 && lowerName(headers[index - 1]!) === 'upgrade');
}

/** Of our own 101. */
export function switchHeaders(
  headers: readonly string[],
  chosen: readonly string[],
  ids: RequestIds,
  protocol: string | undefined,
): string[] {
  return ['Connection', 'Upgrade', 'Upgrade', chosen.join(', '), ...responseHeaders(headers, -1, ids, protocol)];
}
