/**
 * Whom the system trusts to vouch for servers, as its administrator keeps them, and those of NODE_EXTRA_CA_CERTS. Node's
 * own list, as old as Node is, counts for nothing: who adds or takes out an authority in one place has done so for us.
 */
import { createSecureContext, getCACertificates, type SecureContext } from 'node:tls';

let known: readonly string[] | undefined;
let context: SecureContext | undefined;

/** PEM, each once. Read at the first call: tens of milliseconds. A change of them needs a restart. */
export function systemAuthorities(): readonly string[] {
  // The system's folder has each of them several times, under the names that OpenSSL looks for.
  known ??= [...new Set([...getCACertificates('system'), ...getCACertificates('extra')])];
  return known;
}

/** For connections that show no certificate of their own; one for all, since making it takes milliseconds. */
export function systemContext(): SecureContext {
  context ??= createSecureContext({ ca: [...systemAuthorities()] });
  return context;
}

/** What is wrong where somebody relies on them; null: nothing. */
export function authoritiesProblem(): string | null {
  return systemAuthorities().length > 0
    ? null
    : 'the system has no certificate authorities, so no server can be verified; install them (Debian, Alpine: the ' +
        'package ca-certificates), name a file in SSL_CERT_FILE, or name the authority in "tls.ca"';
}
