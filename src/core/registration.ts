/** What a route registers, and what it removes, once its upstream has said yes. Types only. */
import type { BodyField } from './bodies/inspected-body.ts';

export interface Registration {
  /** A resource that the answer names, for the token's owner, in the workspace of the request; null: none. */
  readonly register: { readonly type: string; readonly id: BodyField } | null;
  /** The resource that the request is about, by its type; null: it stays. */
  readonly unregister: string | null;
}
