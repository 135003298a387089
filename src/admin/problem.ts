/**
 * A refusal of the sidecar's as RFC 9457 says it, also of what no request could be made of. Renders; decides nothing.
 */
import { maxHeaderSize, STATUS_CODES } from 'node:http';
import type { Server, Socket } from 'node:net';
import { withoutTokens } from '../core/token-format.ts';
import { type FailureStatus, type ParseFailure, statusOfFailure } from '../http/node-http/parse-failure.ts';
import { lingeringClose, markClosing } from '../http/socket-close.ts';
import { answering } from '../node-internals/http-server.ts';
import { carrierOf } from '../node-internals/tls-socket.ts';

/** What a caller sent may be repeated in it, but no token. */
export function problemOf(status: number, code: string, detail: string, field?: string) {
  return {
    type: 'about:blank',
    title: code.replaceAll('_', ' '),
    status,
    code,
    detail: withoutTokens(detail),
    ...(field === undefined ? {} : { field: withoutTokens(field) }),
  };
}

/** Further failures of somebody who has failed too often. */
export class TooManyFailures extends Error {
  readonly retryAfterSeconds: number;

  constructor(retryAfterSeconds: number) {
    super('Too many failed attempts from this address.');
    this.retryAfterSeconds = retryAfterSeconds;
  }
}

const UNPARSED: Readonly<Record<FailureStatus, { readonly code: string; readonly detail: string }>> = {
  400: { code: 'bad_request', detail: 'This is no HTTP/1.1 request that can be read.' },
  408: { code: 'request_timeout', detail: 'The request did not arrive in time.' },
  414: { code: 'target_too_long', detail: 'The request target is longer than 16 KiB.' },
  431: { code: 'headers_too_large', detail: 'The headers are larger than 16 KiB.' },
};

const PLAIN_HTTP = 'This port speaks HTTPS: ask for the same under https://.';

/** Nothing that could be said before the handshake would be understood, but by who speaks plain HTTP. */
export function refuseHandshakes(server: Server): void {
  // Node would pass what fails there on as a request that cannot be parsed.
  server.removeAllListeners('tlsClientError');
  server.on('tlsClientError', (error: NodeJS.ErrnoException, socket: Socket) => {
    const carrier = error.code === 'ERR_SSL_HTTP_REQUEST' ? carrierOf(socket) : null;
    if (carrier === null) socket.destroy();
    else carrier.end(lastAnswer(400, 'https_only', PLAIN_HTTP));
  });
}

/** Answers what Node's parser refused, after the answers to what came before it on this connection, and closes. */
export function refuseUnparsed(error: ParseFailure, socket: Socket): void {
  if (error.code === 'ECONNRESET' || !socket.writable) {
    socket.destroy();
    return;
  }
  markClosing(socket);
  const status = statusOfFailure(error, maxHeaderSize);
  const { code, detail } = UNPARSED[status];
  const refuse = () => {
    if (!socket.writable) return;
    socket.write(lastAnswer(status, code, detail));
    lingeringClose(socket);
  };
  const current = answering(socket);
  if (current === null) refuse();
  // It broke within the body of the request that is being served: that is the one to refuse, while it still can be.
  else if (current.req.complete) current.once('finish', refuse);
  else if (current.headersSent) socket.destroy();
  else refuse();
}

/** Of its connection. */
function lastAnswer(status: number, code: string, detail: string): string {
  const body = JSON.stringify(problemOf(status, code, detail));
  const headers = [
    'Content-Type: application/problem+json',
    `Content-Length: ${Buffer.byteLength(body)}`,
    'Cache-Control: no-store',
    'Connection: close',
  ];
  return `HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\n${headers.join('\r\n')}\r\n\r\n${body}`;
}
