/**
 * Whether a browser sent a request for a page of somebody else. It then sends along what it remembers of a user name and a
 * password, unasked, and that must not count. Judges by what the browser itself says, and by nothing else.
 */
import { type Cors, isNamedOrigin } from './cors.ts';
import { lowerName } from './framing.ts';

export interface OriginCheck {
  /** The Host of the request. */
  readonly host: string;
  /** The request came over TLS. */
  readonly encrypted: boolean;
  /** The origin under which clients know us, `https://api.example.com`, in lower case; null: not configured. */
  readonly publicOrigin: string | null;
  /** Pages of the origins that it names are as good as ours. */
  readonly cors: Cors | null;
}

const ORIGIN = /^(https?):\/\/([^/?#@\s]+)$/i;
const DEFAULT_PORT = { http: /:80$/, https: /:443$/ } as const;

/** `headers`: raw pairs. Sec-Fetch-Site: Fetch Metadata section 2.3. Origin: Fetch section 3.1; `null` is nobody's. */
export function isForeignPage(headers: readonly string[], check: OriginCheck): boolean {
  let origin: string | undefined;
  for (let index = 0; index < headers.length; index += 2) {
    const name = lowerName(headers[index]!);
    const value = headers[index + 1]!;
    if (name === 'sec-fetch-site' && value.toLowerCase() === 'cross-site') return true;
    if (name !== 'origin') continue;
    if (origin !== undefined) return true;
    origin = value;
  }
  if (origin === undefined || isOwn(origin, check)) return false;
  return check.cors === null || !isNamedOrigin(check.cors, origin);
}

/** A page that came in the clear may be anybody's, so it is not that of a request over TLS. */
function isOwn(origin: string, { host, encrypted, publicOrigin }: OriginCheck): boolean {
  if (publicOrigin !== null && origin.toLowerCase() === publicOrigin) return true;
  const parts = ORIGIN.exec(origin);
  if (parts === null) return false;
  const scheme = parts[1]!.toLowerCase() as 'http' | 'https';
  if (scheme === 'http' && encrypted) return false;
  const bare = (authority: string) => authority.toLowerCase().replace(DEFAULT_PORT[scheme], '');
  return bare(parts[2]!) === bare(host);
}
