/** A token that was found in a file: where, and whose it is. Never its text. Types only. */

export interface FoundPlace {
  readonly file: string;
  readonly line: number;
  /** As editors count. */
  readonly column: number;
  readonly sha256: string;
}

export interface FoundToken extends FoundPlace {
  /** null: no token of this gateway, or not any more; or nobody was asked. */
  readonly token: {
    readonly id: string;
    readonly organizationId: string;
    readonly ownerId: string | null;
    readonly name: string;
    readonly state: string;
  } | null;
}
