/** An upgrade that leaves records as they are and says in which lists they stand. What cannot be read is named, and stays. */
import type { Exported } from '../store/exportable.ts';
import type { IndexEntry } from '../store/store.ts';
import type { FormatUpgrade, Rewriting, Rewritten } from './upgrade.ts';

/** `newLists`: null where a record stands in the right ones. Throws TypeError for a damaged one. */
export function toOtherLists(
  to: number,
  what: string,
  newLists: (found: Exported) => readonly IndexEntry[] | null,
): FormatUpgrade {
  return {
    to,
    what,
    async rewrite(page) {
      const writes: Rewritten[] = [];
      const damaged: string[] = [];
      for (const found of page) {
        try {
          const indexes = newLists(found);
          if (indexes !== null) writes.push({ key: found.key, version: found.version, record: found.record, indexes });
        } catch (error) {
          if (!(error instanceof TypeError)) throw error;
          damaged.push(found.key);
        }
      }
      return { writes, damaged } satisfies Rewriting;
    },
  };
}
