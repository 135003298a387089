/** A request that nobody sends, as a caller of the sidecar writes it down. */
import type { QuestionedRequest } from '../edge/explain-request.ts';
import { malformed } from '../manage/rejection.ts';

/** Throws Rejection (400) for what is no address. */
export function askedOf({
  method,
  url,
  address,
}: {
  method: string;
  url: string;
  address?: string;
}): QuestionedRequest {
  const whole = /^https?:\/\//.test(url) && URL.canParse(url) ? new URL(url) : null;
  if (whole === null && !url.startsWith('/'))
    throw malformed('invalid_field', 'url must be a path that begins with / or a whole http address', 'url');
  // As it was written: a parser would repair what is to be judged.
  const target = whole === null ? url : url.slice(url.indexOf('/', url.indexOf('//') + 2));
  const isBare = whole !== null && url.indexOf('/', url.indexOf('//') + 2) === -1;
  return { method, target: isBare ? '/' : target, host: whole?.host ?? 'localhost', address: address ?? null };
}
