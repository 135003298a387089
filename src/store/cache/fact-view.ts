/** How a decision reads facts, and gets those that are missing. */
import type { FactReader } from '../../core/decide.ts';
import { environmentKey, type Fact, workspaceKey } from '../../core/facts.ts';

/** Facts for a decision, and the way to get those that are missing. */
export interface FactView extends FactReader {
  load(key: string): Loaded | Promise<Loaded>;
  /** For how long nothing was heard of what was read so far, where the store could not be asked; else undefined. */
  readonly degradedMs?: number | undefined;
}

/** What a look-up brought. `outdated`: a change overtook it, ask again. */
export type Loaded =
  | { readonly kind: 'known'; readonly fact: Fact | null }
  | { readonly kind: 'outdated' }
  | { readonly kind: 'unavailable'; readonly cause: unknown };

export const PLACE_KEYS = { workspace: workspaceKey, environment: environmentKey };
