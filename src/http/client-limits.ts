/**
 * What one client of a listener may take. A client that is waiting for us is never cut: only one that we are waiting for.
 */

export interface ClientLimits {
  /** From the connection, or the end of the last answer, to the end of a head. Also for a TLS handshake. */
  readonly headersMs: number;
  /** Without a byte of a body that is to come, or of an answer that is to go. */
  readonly idleMs: number;
  /**
   * Of a body that is to come, or of an answer that lies ready, beyond the first `idleMs`. 0: any.
   */
  readonly minBytesPerSecond: number;
  /** Between an answer and the next request. */
  readonly keepAliveMs: number;
  /** Request line and headers together; trailers again. */
  readonly headerBytes: number;
  /** Open at once; further ones are closed as they come. null: no limit of ours. */
  readonly connections: number | null;
}

/** Of a listener that nobody configures. */
export const CLIENT_LIMITS: ClientLimits = {
  headersMs: 10_000,
  idleMs: 30_000,
  minBytesPerSecond: 500,
  keepAliveMs: 72_000,
  headerBytes: 16 * 1024,
  connections: null,
};

/** As the settings below `gateway` say it. */
export function clientLimits({ timeouts, limits }: ClientSettings): ClientLimits {
  const { headerBytes, minBytesPerSecond, connections = null } = limits;
  return { ...timeouts, headerBytes, minBytesPerSecond, connections };
}

interface ClientSettings {
  readonly timeouts: Pick<ClientLimits, 'headersMs' | 'idleMs' | 'keepAliveMs'>;
  readonly limits: Pick<ClientLimits, 'headerBytes' | 'minBytesPerSecond'> & {
    readonly connections?: number | undefined;
  };
}
