/** Puts into words what of Node was not found as we know it. */
import type { Finding } from './habit.ts';

/** What a checkout brings with it, and what all of this was tried on. */
export const TRIED_NODE = '24.21.0';

/** One clear line: what is missing, on which Node, what is worse for it, and what to do. */
export function missing(findings: readonly Finding[]): string {
  const lacking = findings
    .filter(({ isThere }) => !isThere)
    .map(({ name, fallback }) => (fallback === undefined ? name : `${name} (without it ${fallback})`));
  return (
    `Node ${process.versions.node} lacks, or does otherwise, what scopegate needs of its inside: ${lacking.join('; ')}. ` +
    `Run scopegate with Node ${TRIED_NODE}, which it was tried on (in a checkout, \`npm ci\` brings it)`
  );
}
