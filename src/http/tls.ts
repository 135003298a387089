/** How a listener speaks TLS: what its contexts are made of, and which protocols it offers. Reads no file. */
/** PEM. */
export interface KeyPair {
  readonly cert: Buffer;
  readonly key: Buffer;
}

export interface TlsOptions {
  readonly keyPair: KeyPair;
  readonly minVersion: 'TLSv1.2' | 'TLSv1.3';
  /** Offer HTTP/2. */
  readonly http2: boolean;
}

export function serverOptions(tls: TlsOptions, handshakeTimeout: number) {
  const ALPNProtocols = [...(tls.http2 ? ['h2'] : []), 'http/1.1', 'http/1.0'];
  return { ...contextOptions(tls), handshakeTimeout, ALPNProtocols };
}

export function contextOptions({ keyPair, minVersion }: Pick<TlsOptions, 'keyPair' | 'minVersion'>) {
  return { cert: keyPair.cert, key: keyPair.key, minVersion };
}
