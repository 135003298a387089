/**
 * Writes the head of a request as one string, framing header included. Never sends a request whose own parts could be
 * read as a second one.
 */
import type { BodyFraming } from '../core/framing.ts';
import type { UpstreamRequest } from './exchange.ts';

/** Nothing that ends a request line or its parts early; the target and the host come from clients. */
const UNSAFE = /[^\x21-\x7e\x80-\xff]/;
/** Written as latin1, U+010A would turn into a line feed: a header injected through a claim or a name. */
const NOT_LATIN1 = /[^\x00-\xff]/;

/** Why this request must not be sent, or undefined. */
export function refusal(request: UpstreamRequest): string | undefined {
  if (UNSAFE.test(request.target) || request.target === '') return 'request target not sendable';
  if (UNSAFE.test(request.method) || request.method === '') return 'request method not sendable';
  // Its answer would have no framing this engine can follow.
  if (request.method === 'CONNECT') return 'CONNECT is not sendable';
  if (request.host !== undefined && UNSAFE.test(request.host)) return 'host not sendable';
  if (NOT_LATIN1.test(request.headerLines)) return 'headers not sendable';
  return undefined;
}

export function requestHead(request: UpstreamRequest, authority: string): string {
  const host = request.host ?? authority;
  return `${request.method} ${request.target} HTTP/1.1\r\nHost: ${host}\r\n${request.headerLines}${framing(request.body)}\r\n`;
}

function framing(body: BodyFraming): string {
  if (body.kind === 'none') return '';
  return body.kind === 'length' ? `Content-Length: ${body.length}\r\n` : 'Transfer-Encoding: chunked\r\n';
}

/** How many bytes of body a caller may write. */
export function bodyLimit(body: BodyFraming): number {
  if (body.kind === 'none') return 0;
  return body.kind === 'length' ? body.length : Number.POSITIVE_INFINITY;
}
