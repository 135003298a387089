/**
 * The port to the list of gateway processes: each holds a lease, renews it, and says with it how far it has got. Kept by
 * the engine that keeps the records, but never needed to survive a loss of power. Types only.
 */

/** A process that runs the request path, as it says of itself. */
export interface GatewayProcess {
  /** Letters, digits, `.`, `_` and `-`; never used again by another process. */
  readonly id: string;
  readonly host: string;
  readonly pid: number;
  readonly startedAtMs: number;
  /** What it takes the records for; absent: it does not know that there is more than one format. */
  readonly format?: number;
  /** It has applied every change up to this revision. */
  readonly revision: number;
}

/** Every method rejects with StoreUnavailable when the engine cannot be asked, and waits no longer than a store would. */
export interface Registry {
  /**
   * Takes or keeps the lease of this id. It ends `leaseMs` after the engine has heard this, by a clock that all who share
   * the engine share; so never before `leaseMs` have passed since the call.
   */
  renew(process: GatewayProcess, leaseMs: number): Promise<void>;
  /** Gives it up. An id without a lease is no error. */
  leave(id: string): Promise<void>;
  /** All who hold a lease, by id. */
  live(): Promise<readonly GatewayProcess[]>;
  /** Wall clock of the engine, milliseconds since 1970; null: it is that of this machine. */
  readonly clockMs: (() => Promise<number>) | null;
  close(): Promise<void>;
}
