/**
 * The methods that a request can have: those of Node's parser, in every protocol and in every question. Another one, or
 * one in lower case, would be judged by the route for "the rest", and taken by some servers for the one it resembles.
 */
import { METHODS } from 'node:http';

const KNOWN: ReadonlySet<string> = new Set(METHODS);

export function isKnownMethod(method: string): boolean {
  return KNOWN.has(method);
}
