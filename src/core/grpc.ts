/**
 * What gRPC says over HTTP (github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md): which requests are such, and a refusal
 * in its words. A client of gRPC looks at no status of HTTP but 200. Reads no message. Pure.
 */
import { lowerName } from './framing.ts';

/** `application/grpc`, with a codec or a parameter behind it, and its kin for browsers (grpc-web). */
const REQUEST_TYPE = /^application\/grpc(?:$|[-+;\s])/i;
/** Without that: its trailers stand in the body. */
const STREAM_TYPE = /^application\/grpc(?:$|[+;\s])/i;
const TIMEOUT = /^([0-9]{1,8})([HMSmun])$/;
const UNIT_MS: Readonly<Record<string, number>> = { H: 3_600_000, M: 60_000, S: 1000, m: 1, u: 1e-3, n: 1e-6 };

const UNKNOWN = 2;
export const UNAVAILABLE = 14;
const BY_STATUS: ReadonlyMap<number, number> = new Map([
  [400, 3],
  [401, 16],
  [403, 7],
  [404, 5],
  [405, 5],
  [408, 4],
  [413, 3],
  [415, 3],
  [429, 8],
  [500, 13],
  [502, UNAVAILABLE],
  [503, UNAVAILABLE],
  [504, 4],
  [508, 13],
]);

/** Its method is always POST, which is asked first: headers may have to be made out. */
export function isGrpcRequest(request: { readonly method: string; readonly headers: readonly string[] }): boolean {
  return request.method === 'POST' && REQUEST_TYPE.test(headerOf(request.headers, 'content-type'));
}

/** Of an answer: messages one behind the other, and trailers at the end. */
export function isGrpcStream(headers: readonly string[]): boolean {
  return STREAM_TYPE.test(headerOf(headers, 'content-type'));
}

/** How long its client waits for the whole answer; null: it does not say. */
export function grpcTimeoutMs(headers: readonly string[]): number | null {
  const parsed = TIMEOUT.exec(headerOf(headers, 'grpc-timeout'));
  return parsed === null ? null : Number(parsed[1]) * UNIT_MS[parsed[2]!]!;
}

/** `status`: of HTTP; one that is no error says nothing, so `otherwise` counts. */
export function grpcCode(status: number, otherwise: number): number {
  return BY_STATUS.get(status < 400 ? otherwise : status) ?? UNKNOWN;
}

/** Raw pairs, in the head of an answer that is no more than that, or behind the last message. */
export function grpcTrailers(code: number, message: string): string[] {
  return ['grpc-status', String(code), 'grpc-message', percentEncoded(message)];
}

/** `headers`: of the refusal for others. Its body and type are theirs. */
export function grpcHeaders(headers: readonly string[], trailers: readonly string[], hasLength: boolean): string[] {
  const kept = headers.filter((_, index) => !isAboutBody(headers[index - (index % 2)]!));
  // Over HTTP/1.1 the end of the answer is told by it; over HTTP/2 by the frame, and clients expect nothing else.
  const length = hasLength ? ['Content-Length', '0'] : [];
  return ['Content-Type', 'application/grpc', ...length, ...kept, ...trailers];
}

function isAboutBody(name: string): boolean {
  const lower = lowerName(name);
  return lower === 'content-type' || lower === 'content-length';
}

function headerOf(headers: readonly string[], lower: string): string {
  for (let at = 0; at < headers.length; at += 2)
    if (headers[at]!.length === lower.length && lowerName(headers[at]!) === lower) return headers[at + 1]!;
  return '';
}

/** Of its UTF-8 whatever is not printable ASCII, and the sign itself. */
function percentEncoded(text: string): string {
  return text.toWellFormed().replace(/[^\x20-\x24\x26-\x7e]+/gu, encodeURIComponent);
}
