/** Finds the tokens of ours in what people wrote: names and descriptions are kept and shown, and a token is a secret. */
import { holdsToken } from './token-format.ts';

export interface PastedToken {
  readonly path: readonly (string | number)[];
  /** It is (in) the name of the field itself. */
  readonly key: boolean;
}

/** For whoever pasted it, behind the name or the place of the field. Never repeats the text. */
export const PASTED_TOKEN = 'holds a token, which is a secret and is not kept as text; leave it out';

/** Every text in `data`, which is plain data, that holds one. */
export function* pastedTokens(data: unknown, path: readonly (string | number)[] = []): Generator<PastedToken> {
  if (typeof data === 'string') {
    if (holdsToken(data)) yield { path, key: false };
  } else if (Array.isArray(data)) {
    for (const [index, item] of data.entries()) yield* pastedTokens(item, [...path, index]);
  } else if (typeof data === 'object' && data !== null) {
    for (const [key, item] of Object.entries(data)) {
      if (holdsToken(key)) yield { path: [...path, key], key: true };
      yield* pastedTokens(item, [...path, key]);
    }
  }
}
