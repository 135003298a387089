/**
 * A certificate and its private key, read and held against each other: a pair that cannot serve is told before anybody
 * listens with it. Opens no socket and keeps nothing.
 */
import { createPrivateKey, type KeyObject, X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createSecureContext } from 'node:tls';
import type { KeyPair } from '../../http/tls.ts';
import { utf8Fault } from '../yaml/utf8.ts';
import type { ReadFile } from '../yaml/yaml-file.ts';

export interface KeyPairPaths {
  readonly cert: string;
  readonly key: string;
}

/** PEM, as read; the certificate may bring its chain, leaf first. */
export interface CheckedKeyPair extends KeyPair {
  readonly validFromMs: number;
  readonly validToMs: number;
}

export interface BadKeyPair {
  /** Which of the two files is to be mended. */
  readonly part: 'cert' | 'key';
  readonly message: string;
}

/** Never throws for what stands in the files. */
export function readKeyPair(paths: KeyPairPaths, readFile: ReadFile = readFileSync): CheckedKeyPair | BadKeyPair {
  const cert = read(paths.cert, readFile);
  if (typeof cert === 'string') return { part: 'cert', message: cert };
  const key = read(paths.key, readFile);
  if (typeof key === 'string') return { part: 'key', message: key };
  const certificate = attempt(() => new X509Certificate(cert));
  if (certificate === null) return { part: 'cert', message: `${paths.cert}: holds no certificate in PEM form` };
  const privateKey = attempt(() => createPrivateKey(key));
  if (privateKey === null)
    return { part: 'key', message: `${paths.key}: holds no private key in PEM form without passphrase` };
  if (!certificate.checkPrivateKey(privateKey as KeyObject))
    return { part: 'key', message: `${paths.key}: is not the key of the first certificate in ${paths.cert}` };
  try {
    createSecureContext({ cert, key });
  } catch (error) {
    return { part: 'cert', message: `${paths.cert}: cannot serve TLS: ${(error as Error).message}` };
  }
  const { validFromDate, validToDate } = certificate;
  return { cert, key, validFromMs: validFromDate.getTime(), validToMs: validToDate.getTime() };
}

const CERTIFICATE = /-----BEGIN (?:TRUSTED |X509 )?CERTIFICATE-----/g;

/** What keeps the certificates in this file from being trusted as authorities; null: nothing. TLS itself would be silent. */
export function certificatesProblem(path: string, readFile: ReadFile = readFileSync): string | null {
  const pem = read(path, readFile);
  if (typeof pem === 'string') return pem;
  const text = pem.toString('latin1');
  const starts = Array.from(text.matchAll(CERTIFICATE), ({ index }) => index);
  if (starts.length === 0) return `${path}: holds no certificate in PEM form`;
  const bad = starts.findIndex((start) => attempt(() => new X509Certificate(text.slice(start))) === null);
  return bad === -1 ? null : `${path}: certificate ${bad + 1} of ${starts.length} cannot be read`;
}

function read(path: string, readFile: ReadFile): Buffer | string {
  try {
    const bytes = readFile(path);
    return utf8Fault(path, bytes) ?? bytes;
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    return `${path}: ${code === 'ENOENT' ? 'no such file' : code === 'EACCES' ? 'permission denied' : message}`;
  }
}

function attempt<T>(make: () => T): T | null {
  try {
    return make();
  } catch {
    return null;
  }
}
