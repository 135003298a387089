/**
 * Format 3 to 4: nothing is rewritten. Tokens may be limited to environments from here on, which an older program would not
 * see and let through, so it must not run on such a store. A record without the new fields says what it said before.
 */
import type { FormatUpgrade } from './upgrade.ts';

export const toEnvironments: FormatUpgrade = {
  to: 4,
  what: 'enterprises, and tokens that are limited to environments',
  rewrite: null,
};
