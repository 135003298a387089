/**
 * The path that an upstream gets in place of the one that was judged: whole segments less in front, whole segments more.
 * Works on what was judged and cuts at its slashes alone, so nothing is read twice. Knows no patterns.
 */

export interface Rewrite {
  /** As clients ask, `/npm`; empty: nothing is taken away. Literal segments of the route's own path. */
  readonly strip: string;
  /** How many segments that are. */
  readonly stripCount: number;
  /** `/registry`; empty: nothing is added. */
  readonly add: string;
}

/** `path`: of a request that the route has taken, without query. */
export function rewritePath(path: string, { stripCount, add }: Rewrite): string {
  let at = 0;
  for (let count = 0; count < stripCount && at !== -1; count++) at = path.indexOf('/', at + 1);
  const rest = at === -1 ? '' : path.slice(at);
  return add + rest || '/';
}
