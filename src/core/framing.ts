/**
 * Step 1 of a request, second half: headers that decide where a message begins and ends must be readable in one way.
 * Judges raw header pairs, so duplicates are seen. Never changes a header; what crosses is decided in edge/headers.
 */

import { readHostName } from './host-name.ts';

export type BodyFraming =
  | { readonly kind: 'none' }
  | { readonly kind: 'length'; readonly length: number }
  | { readonly kind: 'chunked' };

/** What the raw headers say that the request path needs, gathered in one pass. */
export interface HeaderFacts {
  readonly host: string;
  readonly body: BodyFraming;
  /** Every Authorization value, in order. More than one is refused at step 3. */
  readonly authorization: readonly string[];
  /** Every Via value, joined; empty: none. */
  readonly via: string;
  readonly expectContinue: boolean;
  /** The client would like another protocol from here on. */
  readonly upgrade: boolean;
}

export const NO_BODY: BodyFraming = { kind: 'none' };
const CHUNKED: BodyFraming = { kind: 'chunked' };
const NO_CREDENTIAL: readonly string[] = [];
const LENGTH = /^[0-9]{1,15}$/;

/** Lower-case names by the spelling seen; bounded, because spellings are the client's to choose. */
const lowered = new Map<string, string>();

export function lowerName(name: string): string {
  let lower = lowered.get(name);
  if (lower === undefined) {
    lower = name.toLowerCase();
    if (lowered.size < 1000) lowered.set(name, lower);
  }
  return lower;
}

/**
 * null = refuse with 400 and close: not HTTP/1.0 or 1.1; no, two or odd Hosts; a Content-Length that is not plain digits or comes twice;
 * a Transfer-Encoding that is not exactly `chunked`, comes twice, comes with a length or over HTTP/1.0
 * (RFC 9112 sections 3.2, 6.1, 6.3).
 */
export function readHeaders(rawHeaders: readonly string[], minorVersion: number): HeaderFacts | null {
  let host: string | undefined;
  let length: string | undefined;
  let transferEncoding: string | undefined;
  let expect: string | undefined;
  let authorization = NO_CREDENTIAL;
  let upgrade = false;
  let via = '';
  for (let index = 0; index < rawHeaders.length; index += 2) {
    const name = rawHeaders[index]!;
    // Most headers are none of ours, and their length says so without looking at a character.
    switch (name.length) {
      case 3:
        if (isNamed(name, 'Via', 'via')) via = via === '' ? rawHeaders[index + 1]! : `${via}, ${rawHeaders[index + 1]}`;
        break;
      case 4:
        if (!isNamed(name, 'Host', 'host')) break;
        if (host !== undefined) return null;
        host = rawHeaders[index + 1]!;
        break;
      case 6:
        if (!isNamed(name, 'Expect', 'expect')) break;
        if (expect !== undefined) return null;
        expect = rawHeaders[index + 1]!;
        break;
      case 7:
        if (isNamed(name, 'Upgrade', 'upgrade')) upgrade = true;
        break;
      case 13:
        if (!isNamed(name, 'Authorization', 'authorization')) break;
        authorization =
          authorization === NO_CREDENTIAL ? [rawHeaders[index + 1]!] : [...authorization, rawHeaders[index + 1]!];
        break;
      case 14:
        if (!isNamed(name, 'Content-Length', 'content-length')) break;
        if (length !== undefined) return null;
        length = rawHeaders[index + 1]!;
        break;
      case 17:
        if (!isNamed(name, 'Transfer-Encoding', 'transfer-encoding')) break;
        if (transferEncoding !== undefined) return null;
        transferEncoding = rawHeaders[index + 1]!;
        break;
    }
  }
  if (minorVersion !== 1 && minorVersion !== 0) return null;
  if (host === undefined ? minorVersion !== 0 : readHostName(host) === null) return null;
  if (expect !== undefined && expect.toLowerCase() !== '100-continue') return null;
  const body = readBody(length, transferEncoding, minorVersion);
  if (body === null) return null;
  const expectContinue = expect !== undefined && minorVersion !== 0;
  return { host: host ?? '', body, authorization, via, expectContinue, upgrade };
}

/** Compared with the usual spellings first: a new string has no hash yet, and making one costs more than this. */
function isNamed(name: string, usual: string, lower: string): boolean {
  if (name === usual || name === lower) return true;
  return (name.charCodeAt(0) | 0x20) === lower.charCodeAt(0) && name.toLowerCase() === lower;
}

function readBody(
  length: string | undefined,
  transferEncoding: string | undefined,
  minorVersion: number,
): BodyFraming | null {
  if (transferEncoding !== undefined) {
    if (length !== undefined || minorVersion === 0 || transferEncoding.toLowerCase() !== 'chunked') return null;
    return CHUNKED;
  }
  if (length === undefined) return NO_BODY;
  return LENGTH.test(length) ? { kind: 'length', length: Number(length) } : null;
}
