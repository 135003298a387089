/**
 * URIs in an answer that name our side of the upstream: Location, Content-Location and Link would lead clients around the
 * gateway, with their tokens. They are turned into what the same client would ask the gateway. Others stay as they are.
 */
import { lowerName } from './framing.ts';

export interface UriContext {
  /** As core/rewrite has them; empty: none. */
  readonly strip: string;
  readonly add: string;
  /** Under which the client came: scheme and authority. */
  readonly clientOrigin: string;
  /** Is it one of the upstream's own origins, `http://10.0.0.5:3000`, in lower case? */
  readonly isUpstream: (origin: string) => boolean;
  /** The client's Host, in lower case, where the upstream was sent it; empty: it was not. */
  readonly sentHost: string;
}

const NAMES = new Set(['location', 'content-location', 'link']);
/** Scheme, if any, authority, if any, and the rest. */
const PARTS = /^(?:(https?):)?(?:\/\/([^/?#\\\s]*))?(\/[^\\]*)?$/i;
const BRACKETED = /<([^<>]*)>/g;

/** Does an answer with these raw pairs name URIs at all? */
export function namesUris(pairs: readonly string[]): boolean {
  for (let index = 0; index < pairs.length; index += 2) if (NAMES.has(lowerName(pairs[index]!))) return true;
  return false;
}

/** Raw pairs, with the URIs as the client may use them. */
export function withClientUris(pairs: readonly string[], context: UriContext): string[] {
  return pairs.map((text, index) => {
    const name = index % 2 === 0 ? '' : lowerName(pairs[index - 1]!);
    if (!NAMES.has(name)) return text;
    return name === 'link'
      ? text.replace(BRACKETED, (_, uri: string) => `<${clientUri(uri, context)}>`)
      : clientUri(text, context);
  });
}

function clientUri(uri: string, context: UriContext): string {
  const parts = PARTS.exec(uri);
  if (parts === null) return uri;
  const [, scheme, authority, rest = ''] = parts;
  if (authority === undefined) return scheme === undefined && rest !== '' ? clientPath(rest, context) : uri;
  const host = authority.toLowerCase();
  if (host === '') return uri;
  const isOurs =
    host === context.sentHost ||
    (scheme === undefined
      ? context.isUpstream(`http://${host}`) || context.isUpstream(`https://${host}`)
      : context.isUpstream(`${scheme.toLowerCase()}://${host}`));
  return isOurs ? context.clientOrigin + clientPath(rest, context) : uri;
}

/** `rest`: path, query and fragment. A path outside of what is added in front stays. */
function clientPath(rest: string, { strip, add }: UriContext): string {
  if (!rest.startsWith(add)) return rest;
  const behind = rest.slice(add.length);
  if (add !== '' && behind !== '' && !/^[/?#]/.test(behind)) return rest;
  return strip + behind || '/';
}
