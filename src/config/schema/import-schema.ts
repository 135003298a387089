/**
 * Tokens that another system minted and that are known here by their SHA-256 alone: which forms may be theirs, and how
 * often one address may be wrong about them. What is imported, and with which rights, is the sidecar's affair.
 */

import { section } from '../../schema-parts.ts';
import { Type } from '../../schema-type.ts';

/** As long as the longest line that clients send by habit; a hash costs what it hashes. */
const FOREIGN_TOKEN_MAX = 4096;
/** Shorter texts can be tried out. */
const FOREIGN_TOKEN_MIN = 16;

const length = (description: string) =>
  Type.Integer({ minimum: FOREIGN_TOKEN_MIN, maximum: FOREIGN_TOKEN_MAX, description });

const Pattern = section({
  prefix: Type.String({
    pattern: '^[A-Za-z0-9._~+/-]{0,64}$',
    errorMessage: 'must be up to 64 of the characters that a bearer token may have: A-Z a-z 0-9 . _ ~ + / -',
    description: 'How these tokens begin, such as key- or "" for no common beginning.',
  }),
  minLength: length('Characters of the shortest one, prefix included.'),
  maxLength: length('Characters of the longest one, prefix included.'),
});

export const ImportSchema = section(
  {
    patterns: Type.Array(Pattern, {
      maxItems: 20,
      default: [],
      description: 'Forms of imported tokens. A text of another form, without our checksum, never reaches the store.',
    }),
    missesPerMinute: Type.Integer({
      minimum: 1,
      maximum: 60_000,
      default: 60,
      description:
        'How many unknown texts of these forms one address may have looked up in a minute, per process. Past it its look-ups wait for their turn; what is known already is never held up.',
    }),
  },
  {
    default: {},
    description: 'Tokens of another system, imported by their SHA-256, so that nobody needs a new one.',
  },
);
