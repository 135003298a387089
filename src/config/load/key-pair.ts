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

/** Whose port may speak TLS. */
export type TlsListener = 'gateway' | 'admin';

/** null: it speaks plain HTTP. */
export type KeyPairs = Readonly<Record<TlsListener, CheckedKeyPair | null>>;

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

/** Of every listener that speaks TLS. `instead`: what stands for a pair that cannot serve. */
export function readKeyPairs(
  sections: { readonly [listener in TlsListener]?: { readonly tls?: KeyPairPaths | undefined } | undefined },
  resolvePath: (path: string) => string,
  instead: (listener: TlsListener, bad: BadKeyPair) => CheckedKeyPair | null,
  readFile: ReadFile = readFileSync,
): KeyPairs {
  const pairOf = (listener: TlsListener): CheckedKeyPair | null => {
    const tls = sections[listener]?.tls;
    if (tls === undefined) return null;
    const pair = readKeyPair({ cert: resolvePath(tls.cert), key: resolvePath(tls.key) }, readFile);
    return 'message' in pair ? instead(listener, pair) : pair;
  };
  return { gateway: pairOf('gateway'), admin: pairOf('admin') };
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
