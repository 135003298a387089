/**
 * One server at a time. Each connection finds its server by itself, so after a failover one may be on the new master and
 * another still on the old. Whoever heard of a change on the one and then read the other would believe the old state for
 * ever: so where the feed is not, nothing is asked, and nothing that was read elsewhere stays. Never connects.
 */

/** The run id, which ends with the process; null: it does not say. */
export type ServerId = string | null;

const ELSEWHERE = new Error('it is not the server whose changes are followed');

export class ServerPin {
  readonly #distrust: () => void;
  /** Where the feed was last; undefined: nowhere yet, so nothing that is cached is believed. */
  #followed: ServerId | undefined;
  /** All that is cached was read there, while the feed was there. */
  #believed: ServerId | undefined;

  constructor(distrust: () => void) {
    this.#distrust = distrust;
  }

  /** Why this server may not be asked now; null: it may. */
  objection(server: ServerId): Error | null {
    return this.#followed === undefined || this.#followed === server ? null : ELSEWHERE;
  }

  /** The feed goes on there. To be said before anything is delivered that was heard there. */
  follow(server: ServerId): void {
    this.#followed = server;
    this.#believe(server);
  }

  /** Look-ups go there from now on. */
  read(server: ServerId): void {
    this.#believe(server);
  }

  /** Who does not say who it is may be another one. */
  #believe(server: ServerId): void {
    if (this.#believed === server && server !== null) return;
    const isFirst = this.#believed === undefined;
    this.#believed = server;
    if (!isFirst) this.#distrust();
  }
}
