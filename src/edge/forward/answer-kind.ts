/** What the head of an answer says about how long it may go on and what can be said in it. Decides nothing. */
import { lowerName } from '../../core/framing.ts';
import type { AnswerHead } from '../../upstream/exchange.ts';

/** Its head says how long it is, or that it has no body. Such an answer comes to its end by itself. */
export function isOfKnownLength({ framing }: AnswerHead): boolean {
  return framing === 'length' || framing === 'none';
}

export function isEventStream({ headers }: AnswerHead): boolean {
  const type = headerValue(headers, 'content-type');
  return type !== undefined && /^text\/event-stream(?:\s*;|\s*$)/i.test(type);
}

export function isEncoded({ headers }: AnswerHead): boolean {
  return (headerValue(headers, 'content-encoding') ?? 'identity').toLowerCase() !== 'identity';
}

function headerValue(headers: readonly string[], lower: string): string | undefined {
  for (let index = 0; index < headers.length; index += 2) {
    const name = headers[index]!;
    if (name.length === lower.length && lowerName(name) === lower) return headers[index + 1]!;
  }
  return undefined;
}
