/** A request as the fields of HTTP/2, and its trailers. Sends nothing; what is in it has been judged by others. */
import { isConnectionSpecific } from '../../core/h2-head.ts';
import { headersIn } from '../../core/http1/header-pairs.ts';
import type { UpstreamRequest } from '../exchange.ts';

/** Names and values in turn, pseudo-headers first. */
export function requestFields(request: UpstreamRequest, authority: string, isSecure: boolean): string[] {
  const { method, target, host, headerLines, body, takesTrailers } = request;
  const scheme = isSecure ? 'https' : 'http';
  const fields = [':method', method, ':scheme', scheme, ':authority', host ?? authority, ':path', target];
  addLines(fields, headerLines);
  if (takesTrailers === true) fields.push('te', 'trailers');
  if (body.kind === 'length') fields.push('content-length', String(body.length));
  return fields;
}

/** By name, as Node takes them. */
export function trailerFields(lines: string): string[] {
  const fields: string[] = [];
  addLines(fields, lines);
  return fields;
}

function addLines(fields: string[], lines: string): void {
  const pairs = headersIn(lines, 0);
  for (let at = 0; at < pairs.length; at += 2) {
    const name = pairs[at]!.toLowerCase();
    // None of those passes; they are what the engine of HTTP/1.1 would be told.
    if (!isConnectionSpecific(name)) fields.push(name, pairs[at + 1]!);
  }
}
