/** What is said of each private habit that scopegate relies on. Types only. */

export interface Habit {
  /** The name by which its source knows it, and what it is used for. */
  readonly name: string;
  /** What is worse without it, as a clause; absent: nothing can be served without it. */
  readonly fallback?: string;
}

/** A habit that was looked at. */
export interface Finding extends Habit {
  readonly isThere: boolean;
}
