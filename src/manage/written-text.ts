/**
 * Texts that people write for people: names, descriptions, e-mail addresses. Says what is wrong with one, in words that go
 * behind its field's name. Never changes a text, and knows nothing of ids or of the policy's words, which have forms of
 * their own.
 */
import { unacceptable } from './rejection.ts';

const NAME_MAX = 128;
const DESCRIPTION_MAX = 2000;
/** RFC 3696: 64 before the @, 255 behind it. */
const EMAIL_MAX = 320;

/** Controls, ends of lines and halves of a character: no reader shows them, and no two stores keep them alike. */
const NOT_IN_A_LINE = /[\p{Cc}\p{Cs}\p{Zl}\p{Zp}]/u;
/** The same, of a text that may have lines and tabs. */
const NOT_IN_A_TEXT = /[\p{Cs}]|(?![\t\n\r])\p{Cc}/u;
/** What can be seen: neither a blank nor one of the characters without a width. */
const VISIBLE = /[^\p{White_Space}\p{Cf}\u115f\u1160\u2800\u3164\uffa0]/u;
/** A name, `@` and a domain, each of labels between dots; no label is empty. */
const EMAIL =
  /^[^\s@.,;:<>()[\]\\"]+(?:\.[^\s@.,;:<>()[\]\\"]+)*@(?!-)[\p{L}\p{N}\p{M}-]+(?:\.(?!-)[\p{L}\p{N}\p{M}-]+)+$/u;

/** null: a good name. */
export function nameMistake(text: string): string | null {
  // First, so that nothing else looks at a megabyte.
  const tooLong = lengthMistake(text, NAME_MAX);
  if (tooLong !== null) return tooLong;
  if (NOT_IN_A_LINE.test(text)) return 'must not hold control characters, ends of lines or halves of a character';
  return VISIBLE.test(text) ? null : 'must have a character that can be seen';
}

/** null: a good address. */
export function emailMistake(text: string): string | null {
  if (text.length <= EMAIL_MAX && !NOT_IN_A_LINE.test(text) && EMAIL.test(text)) return null;
  return 'must be an e-mail address such as ann@team.example';
}

/** Throws Rejection (422), as the others here. */
export function requireName(text: string, field = 'name'): void {
  refuse('text_invalid', field, nameMistake(text));
}

/** Several lines, or none. */
export function requireDescription(text: string): void {
  const tooLong = lengthMistake(text, DESCRIPTION_MAX);
  const bad = () => (NOT_IN_A_TEXT.test(text) ? 'must not hold control characters or halves of a character' : null);
  refuse('text_invalid', 'description', tooLong ?? bad());
}

export function requireEmail(text: string, field: string): void {
  refuse('email_invalid', field, emailMistake(text));
}

function refuse(code: 'text_invalid' | 'email_invalid', field: string, mistake: string | null): void {
  if (mistake !== null) throw unacceptable(code, field, `${field} ${mistake}.`);
}

/** As people count: a character beyond the first 65,536 is one. */
function lengthMistake(text: string, max: number): string | null {
  const isLong = text.length > max && (text.length > 2 * max || [...text].length > max);
  return isLong ? `must have at most ${max} characters` : null;
}
