/** The cookie of a session: read from a call, written into an answer. No page's script can read it. Knows no sessions. */

export const SESSION_COOKIE = 'scopegate_session';

/** Browsers send a host's cookies to all its ports: two sidecars on one machine are told apart by theirs. */
interface CookiePlace {
  readonly isSecure: boolean;
  readonly port: number;
}

/** null: there is none, or there are two, one of which somebody else has planted. */
export function readSessionCookie(header: string | undefined, place: CookiePlace): string | null {
  const name = nameAt(place);
  const values = (header ?? '')
    .split(';')
    .map((pair) => pair.trim())
    .filter((pair) => pair.startsWith(`${name}=`));
  return values.length === 1 ? values[0]!.slice(name.length + 1) : null;
}

/** `id` null: forgets it. Ends with the browser; how long it counts is known to the sidecar alone. */
export function sessionCookie(id: string | null, place: CookiePlace): string {
  const secure = place.isSecure ? '; Secure' : '';
  return `${nameAt(place)}=${id ?? ''}; Path=/; HttpOnly; SameSite=Strict${secure}${id === null ? '; Max-Age=0' : ''}`;
}

function nameAt({ isSecure, port }: CookiePlace): string {
  return isSecure ? `__Host-${SESSION_COOKIE}_${port}` : `${SESSION_COOKIE}_${port}`;
}
