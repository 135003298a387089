/** How the certificate of a sidecar is judged, as node:tls takes it. Loaded for HTTPS alone: it takes tens of milliseconds. */
import { X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import type { ConnectionOptions } from 'node:tls';
import { systemAuthorities } from '../authorities.ts';
import { SetupError } from '../errors.ts';

/** By the system's authorities, by those in a file, or as the very one in a file. */
export type Trust = 'system' | { readonly authorities: string } | { readonly certificate: string };

/** Throws SetupError for a file that cannot be read or holds no certificate. */
export function trustOptions(trust: Trust): ConnectionOptions {
  if (trust === 'system') return { ca: [...systemAuthorities()] };
  if ('authorities' in trust) return { ca: [readCertificate(trust.authorities).pem] };
  const { pem, first } = readCertificate(trust.certificate);
  return {
    ca: [pem],
    allowPartialTrustChain: true,
    // The certificate is for the names that others ask for; this one is known by itself.
    checkServerIdentity: (_host, { raw }) =>
      raw.equals(first.raw) ? undefined : new Error(`it shows another certificate than ${trust.certificate}`),
  };
}

function readCertificate(path: string): { readonly pem: Buffer; readonly first: X509Certificate } {
  let pem: Buffer;
  try {
    pem = readFileSync(path);
  } catch (error) {
    throw new SetupError(`${path} cannot be read (${(error as NodeJS.ErrnoException).code})`);
  }
  try {
    return { pem, first: new X509Certificate(pem) };
  } catch {
    throw new SetupError(`${path} holds no certificate in PEM form`);
  }
}
