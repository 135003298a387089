/** A registry for tests: a plain map, gone with the process. The reference for the contract suite. */
import type { GatewayProcess, Registry } from '../../src/store/registry.ts';
import { StoreUnavailable } from '../../src/store/store.ts';

export class MemoryRegistry implements Registry {
  readonly #leases = new Map<string, { readonly process: GatewayProcess; readonly untilMs: number }>();
  #closed = false;

  async renew(process: GatewayProcess, leaseMs: number): Promise<void> {
    this.#assertOpen();
    this.#leases.set(process.id, { process: { ...process }, untilMs: performance.now() + leaseMs });
  }

  async leave(id: string): Promise<void> {
    this.#assertOpen();
    this.#leases.delete(id);
  }

  async live(): Promise<readonly GatewayProcess[]> {
    this.#assertOpen();
    const nowMs = performance.now();
    for (const [id, { untilMs }] of this.#leases) if (untilMs <= nowMs) this.#leases.delete(id);
    return Array.from(this.#leases.values(), ({ process }) => process).sort((left, right) =>
      left.id < right.id ? -1 : 1,
    );
  }

  readonly clockMs = null;

  async close(): Promise<void> {
    this.#closed = true;
  }

  #assertOpen(): void {
    if (this.#closed) throw new StoreUnavailable('it has been closed');
  }
}
