/** What the pool asks of an open connection, whichever protocol it speaks. Types only. */

export interface PooledConnection {
  /** Called now and then: had something taken too long at `due`, some moments before `now`? */
  check(due: number, now: number): void;
  /** Destroyed without a word to anybody. */
  drop(): void;
  /** The upstream is torn down: whoever is on it hears of it. */
  destroy(): void;
}
