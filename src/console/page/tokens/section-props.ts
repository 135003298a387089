/** What each section of the form for a new token is given. Types only. */
import type { Shapes } from '../api/client.ts';
import type { TokenDraft } from './token-draft.ts';

export interface SectionProps {
  readonly org: string;
  readonly policy: Shapes['Policy'];
  readonly kind: Shapes['TokenKind'];
  readonly draft: TokenDraft;
  /** What its owner may give it; undefined: not known, or nobody is named yet. */
  readonly grantable: Shapes['Grantable'] | undefined;
  /** By field of the API's: what it said of it. */
  mistakeOf(...fields: readonly string[]): string | undefined;
  change(part: Partial<TokenDraft>): void;
}
