/** Takes headers out of a request of node:http, so that whoever reads it after us never sees them. */
import type { IncomingMessage } from 'node:http';
import type { Habit } from './habit.ts';

export const PARSED_HEADERS: Habit = {
  name: 'request.headers and headersDistinct: made once, from rawHeaders, by the first who asks',
};

/** `isUnwanted`: by the name in lower case. */
export function removeHeaders(request: IncomingMessage, isUnwanted: (lower: string) => boolean): void {
  // Both are made from rawHeaders when first asked for, by a count that is taken earlier.
  const { rawHeaders, headers, headersDistinct } = request;
  for (let index = rawHeaders.length - 2; index >= 0; index -= 2) {
    const lower = rawHeaders[index]!.toLowerCase();
    if (!isUnwanted(lower)) continue;
    rawHeaders.splice(index, 2);
    delete headers[lower];
    delete headersDistinct[lower];
  }
}
