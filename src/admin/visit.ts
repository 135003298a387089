/**
 * Where a call comes from, as far as signing in and sessions ask: through which network, from whose page, with which
 * session. Reads headers; judges no credential.
 */
import type { TLSSocket } from 'node:tls';
import type { FastifyRequest } from 'fastify';
import { proxyMatcher } from '../config/load/proxy-matcher.ts';
import { clientAddress, type IsTrusted, knownAddress } from '../edge/client-address.ts';
import { readSessionCookie } from './session-cookie.ts';

export interface Visit {
  /** To count by. */
  readonly countedAddress: string;
  /** To check by; null: not known. */
  readonly knownAddress: string | null;
  /** The browser speaks HTTPS. */
  readonly isSecure: boolean;
  /** Nobody on the way could have read a credential. */
  readonly isPrivate: boolean;
  /** A script on a page of the sidecar's own, by what the browser says. */
  readonly isSameOrigin: boolean;
  /** The sidecar's own. */
  readonly port: number;
  readonly sessionId: string | null;
}

declare module 'fastify' {
  interface FastifyRequest {
    visit: Visit;
  }
}

const isLoopback = proxyMatcher(['127.0.0.0/8', '::1']);

export function visitOf({ raw, socket }: FastifyRequest, isTrustedProxy: IsTrusted): Visit {
  const { headers, rawHeaders } = raw;
  const peer = socket.remoteAddress ?? '';
  const isProxied = peer !== '' && isTrustedProxy(peer);
  const isEncrypted = (socket as Partial<TLSSocket>).encrypted === true;
  const forwarded = isProxied ? headers['x-forwarded-proto'] : undefined;
  const schemes = String(forwarded ?? (isEncrypted ? 'https' : ''))
    .toLowerCase()
    .split(',')
    .map((scheme) => scheme.trim());
  // What somebody who is not trusted passes on may have come by any way.
  const isPassedOn = headers['x-forwarded-for'] !== undefined || headers.forwarded !== undefined;
  const isDirect = !isPassedOn && (isEncrypted || (peer !== '' && isLoopback(peer)));
  const isSecure = schemes.every((scheme) => scheme === 'https');
  const place = { isSecure, port: socket.localPort ?? 0 };
  return {
    ...place,
    countedAddress: clientAddress(rawHeaders, peer, isTrustedProxy),
    knownAddress: knownAddress(rawHeaders, peer, isTrustedProxy),
    isPrivate: isProxied ? !schemes.includes('http') : isDirect,
    isSameOrigin: headers['sec-fetch-site'] === 'same-origin',
    sessionId: readSessionCookie(headers.cookie, place),
  };
}
