/**
 * A token in the clothes of HTTP Basic (RFC 7617), for clients that know nothing else: git, docker, pip, browsers. It is the
 * password, whatever the user name; or the user name, where the password says nothing. Checks no password.
 */
import { isImportedForm, type TokenPattern } from './imported-token.ts';
import { isBareToken, isWellFormed } from './token-format.ts';

/** What a route that accepts Basic needs to know. */
export interface BasicSource {
  /** What browsers show when they ask for a user name and a password. */
  readonly realm: string;
  /** See core/request-origin. */
  readonly publicOrigin: string | null;
  /** Of tokens of ours: by these a half of the credential is taken for one. */
  readonly prefixes: readonly string[];
  /** Of imported tokens. */
  readonly patterns: readonly TokenPattern[];
}

/** Passwords that say nothing: the token is the user name then (GitHub's and others' convention). */
const NO_PASSWORDS = new Set(['', 'x-oauth-basic']);
const CONTROL = /[\x00-\x1f\x7f]/;

/**
 * `encoded`: what stands behind `Basic `. null: malformed, that is no canonical base64 (RFC 4648 section 3.5), no colon,
 * control characters, no token, or a token in both halves.
 */
export function readBasicCredential(encoded: string, { prefixes, patterns }: BasicSource): string | null {
  const bytes = Buffer.from(encoded, 'base64');
  if (bytes.toString('base64') !== encoded) return null;
  const text = bytes.toString('latin1');
  const colon = text.indexOf(':');
  if (colon === -1 || CONTROL.test(text)) return null;
  const user = text.slice(0, colon);
  const password = text.slice(colon + 1);
  const token = NO_PASSWORDS.has(password) ? user : password;
  if (!isBareToken(token)) return null;
  const isToken = (half: string) => isWellFormed(half, prefixes) || isImportedForm(half, patterns);
  return isToken(user) && isToken(password) ? null : token;
}
