/**
 * The public keys of whoever may report leaked tokens, in the form in which GitHub publishes its own. Reads a file; asks
 * nobody for newer ones, and verifies nothing.
 */
import { createPublicKey, type KeyObject } from 'node:crypto';
import { utf8Fault } from '../yaml/utf8.ts';
import { type ReadFile, readFailure } from '../yaml/yaml-file.ts';

/** By the name under which a reporter says which one signed. */
export type LeakKeys = ReadonlyMap<string, KeyObject>;

const FORM = '{"public_keys":[{"key_identifier":"…","key":"-----BEGIN PUBLIC KEY-----…"}]}';

/** A text: what is wrong with the file. Never throws for what stands in it. */
export function readLeakKeys(path: string, readFile: ReadFile): LeakKeys | string {
  let bytes: Buffer;
  try {
    bytes = readFile(path);
  } catch (error) {
    return `${path} cannot be read: ${readFailure(error)}`;
  }
  const listed = listedIn(bytes);
  if (listed === null) return utf8Fault(path, bytes) ?? `${path}: must have the form ${FORM}`;
  const keys = new Map<string, KeyObject>();
  for (const [index, each] of listed.entries()) {
    const { key_identifier: name, key } = (each ?? {}) as { key_identifier?: unknown; key?: unknown };
    const place = `${path}: public_keys[${index}]`;
    if (typeof name !== 'string' || !/^[\x21-\x7e]{1,200}$/.test(name)) return `${place} has no key_identifier`;
    if (keys.has(name)) return `${place} has the key_identifier of another one`;
    const found = typeof key === 'string' ? p256(key) : null;
    if (found === null) return `${place}.key is no public key on the curve P-256 in PEM form`;
    keys.set(name, found);
  }
  return keys.size === 0 ? `${path}: lists no key` : keys;
}

function listedIn(bytes: Buffer): readonly unknown[] | null {
  try {
    const { public_keys: listed } = JSON.parse(bytes.toString()) as { public_keys?: unknown };
    return Array.isArray(listed) ? listed : null;
  } catch {
    return null;
  }
}

function p256(pem: string): KeyObject | null {
  // A private key would be read, too: as the public one that belongs to it.
  if (!pem.includes('-----BEGIN PUBLIC KEY-----')) return null;
  try {
    const key = createPublicKey(pem);
    return key.asymmetricKeyDetails?.namedCurve === 'prime256v1' ? key : null;
  } catch {
    return null;
  }
}
