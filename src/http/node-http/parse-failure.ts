/** What to answer to bytes of which Node's parser could make no request. Reads only what the error brings. */
import { METHODS } from 'node:http';

/** `rawPacket`: what was being read; absent where nothing was. */
export type ParseFailure = NodeJS.ErrnoException & { readonly rawPacket?: unknown };

export type FailureStatus = 400 | 408 | 414 | 431;

const KNOWN_METHODS = new Set(METHODS);
const LINE_FEED = 0x0a;

export function statusOfFailure(error: ParseFailure, headerBytes: number): FailureStatus {
  if (error.code === 'ERR_HTTP_REQUEST_TIMEOUT') return 408;
  if (error.code !== 'HPE_HEADER_OVERFLOW') return 400;
  return Buffer.isBuffer(error.rawPacket) && holdsLongTarget(error.rawPacket, headerBytes) ? 414 : 431;
}

/**
 * The parser says only that the head is too large. A request line that alone is (RFC 9112 section 3) is seen where most
 * of it came in one piece; what was read before that piece is gone.
 */
function holdsLongTarget(packet: Buffer, headerBytes: number): boolean {
  for (let start = 0; start < packet.length; ) {
    const feed = packet.indexOf(LINE_FEED, start);
    const end = feed === -1 ? packet.length : feed;
    if (end - start >= headerBytes / 2) {
      const method = packet.toString('latin1', start, packet.indexOf(' ', start));
      if (KNOWN_METHODS.has(method)) return true;
    }
    start = end + 1;
  }
  return false;
}
