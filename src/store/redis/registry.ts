/**
 * Registry adapter: leases in Redis, one hash for all processes. Each ends by the clock of Redis, which everybody shares;
 * taking, ending and listing are scripts, so nobody sees one by half. Belongs to a RedisStore, whose connection it uses.
 */

import type { GatewayProcess, Registry } from '../registry.ts';
import { StoreUnavailable } from '../store.ts';
import type { Scripted } from './scripts.ts';

export interface RedisRegistryParts {
  /** The first characters of every key, hash tag included. */
  readonly prefix: string;
  /** Rejects with StoreUnavailable, soon. */
  readonly ask: <T>(work: (client: Scripted) => Promise<T>) => Promise<T>;
}

export class RedisRegistry implements Registry {
  readonly #parts: RedisRegistryParts;
  readonly #key: string;
  #closed = false;

  constructor(parts: RedisRegistryParts) {
    this.#parts = parts;
    this.#key = `${parts.prefix}leases`;
  }

  async renew(process: GatewayProcess, leaseMs: number): Promise<void> {
    const said = JSON.stringify(process);
    await this.#ask((client) => client.scopegateRenew([this.#key, process.id, String(leaseMs * 1000), said]));
  }

  async leave(id: string): Promise<void> {
    await this.#ask((client) => client.hdel(this.#key, id));
  }

  async live(): Promise<readonly GatewayProcess[]> {
    const [newest, ...found] = await this.#ask((client) =>
      client.scopegateLive([this.#key, `${this.#parts.prefix}revision`]),
    );
    return (
      found
        .map((text) => JSON.parse(text) as GatewayProcess)
        // Whoever knows more than Redis knows another history: Redis has lost changes, and this process has not heard of it.
        .map((each) => (each.revision > Number(newest) ? { ...each, revision: 0 } : each))
        .sort((left, right) => (left.id < right.id ? -1 : 1))
    );
  }

  readonly clockMs = async (): Promise<number> => {
    const [seconds, microseconds] = await this.#ask((client) => client.time());
    return Number(seconds) * 1000 + Number(microseconds) / 1000;
  };

  async close(): Promise<void> {
    this.#closed = true;
  }

  async #ask<T>(work: (client: Scripted) => Promise<T>): Promise<T> {
    if (this.#closed) throw new StoreUnavailable('it has been closed');
    return this.#parts.ask(work);
  }
}
