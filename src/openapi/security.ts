/**
 * What an operation's `security` asks for, in the terms of a route. Between requirements it is "or", within one it is "and"
 * (OpenAPI 3.1 section 4.8.30). What no route can say is never made into something that is less.
 */
import { isMapping, type Mapping } from '../config/yaml/bare-copy.ts';
import { type ApiDocument, resolved } from './document.ts';

export type SecurityAsked =
  /** Neither the operation nor the document says anything. */
  | { readonly kind: 'unsaid' }
  /** Nobody has to be known: `security: []`, or `{}` among the requirements. */
  | { readonly kind: 'public' }
  /** `scopes`: all of them, or with `anyOf` one of them; none: any token. `notes`: what the gateway does not look at. */
  | {
      readonly kind: 'token';
      readonly key: 'scopes' | 'anyOf';
      readonly scopes: readonly string[];
      readonly notes: readonly string[];
    }
  /** `text`: in words. */
  | { readonly kind: 'inexpressible'; readonly text: string };

interface Alternative {
  readonly schemes: readonly string[];
  readonly scopes: readonly string[];
}

/** `own`: the operation's `security`; undefined: the document's counts. */
export function askedBy(document: ApiDocument, own: unknown): SecurityAsked {
  const security = own ?? document.data.security;
  if (!Array.isArray(security)) return { kind: 'unsaid' };
  const all = security.map(alternativeOf);
  if (all.every(({ schemes }) => schemes.length === 0) || all.some(({ schemes }) => schemes.length === 0))
    return { kind: 'public' };
  const notes: string[] = [];
  const alternatives = withoutScopeless(document, all, notes);
  const least = alternatives.filter((each) => !alternatives.some((other) => isLess(other, each, alternatives)));
  for (const each of least)
    if (each.schemes.length > 1)
      notes.push(`the document asks for ${each.schemes.join(' and ')} together; the gateway looks at one token`);
  const [first] = least as [Alternative];
  if (least.length === 1) return { kind: 'token', key: 'scopes', scopes: first.scopes, notes };
  if (least.every(({ scopes }) => scopes.length === 1))
    return { kind: 'token', key: 'anyOf', scopes: least.map(({ scopes }) => scopes[0]!), notes };
  return { kind: 'inexpressible', text: least.map(({ scopes }) => scopes.join(' and ')).join(', or ') };
}

function alternativeOf(requirement: unknown): Alternative {
  const schemes = isMapping(requirement) ? requirement : {};
  const scopes = Object.values(schemes)
    .flatMap((names) => (Array.isArray(names) ? names : []))
    .filter((name): name is string => typeof name === 'string');
  return { schemes: Object.keys(schemes), scopes: [...new Set(scopes)].sort() };
}

/**
 * A key or a password has no scopes in the document, yet its holder has some in the API. A token without scopes is no such
 * thing, so where another requirement names scopes, these count alone.
 */
function withoutScopeless(document: ApiDocument, all: readonly Alternative[], notes: string[]): readonly Alternative[] {
  const isScopeless = ({ schemes, scopes }: Alternative) =>
    scopes.length === 0 && !schemes.some((name) => hasScopes(document, name));
  const left = all.filter((each) => !isScopeless(each));
  if (left.length === 0 || left.length === all.length || left.every(({ scopes }) => scopes.length === 0)) return all;
  const dropped = all.filter(isScopeless).map(({ schemes }) => schemes.join(' and '));
  notes.push(`the document takes ${dropped.join(' or ')} without scopes instead; a token needs them`);
  return left;
}

function hasScopes(document: ApiDocument, scheme: string): boolean {
  const type = schemesOf(document)[scheme];
  const declared = resolved(document, type);
  return isMapping(declared) && (declared.type === 'oauth2' || declared.type === 'openIdConnect');
}

export function schemesOf({ data, major }: ApiDocument): Mapping {
  const declared =
    major === 2 ? data.securityDefinitions : isMapping(data.components) && data.components.securitySchemes;
  return isMapping(declared) ? declared : {};
}

/** Whoever has what `each` asks for has what `other` asks for, too; of two that are equal one is kept, the simpler or the first. */
function isLess(other: Alternative, each: Alternative, all: readonly Alternative[]): boolean {
  if (other === each || !other.scopes.every((scope) => each.scopes.includes(scope))) return false;
  const fewer = other.scopes.length - each.scopes.length || other.schemes.length - each.schemes.length;
  return (fewer || all.indexOf(other) - all.indexOf(each)) < 0;
}
