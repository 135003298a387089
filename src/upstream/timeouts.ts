/** How long the parts of a request to an upstream may take. Types only. */

/** Of one request, all in milliseconds. */
export interface RequestTimeouts {
  /** DNS, TCP and TLS together. */
  readonly connectMs: number;
  /** From the last byte of the request to the head of the answer. */
  readonly headersMs: number;
  /** Without a byte of body moving, either way. */
  readonly idleMs: number;
}

/** Of all requests to one upstream that bring none of their own. */
export interface Timeouts extends RequestTimeouts {
  /** For a connection to become free; as long as `connectMs` unless told. */
  readonly queueMs?: number;
}
