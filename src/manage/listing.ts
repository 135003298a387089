/** Lists, page by page, as they stand. */
import { setImmediate as breathe } from 'node:timers/promises';
import type { Store } from '../store/store.ts';
import type { DocByKind, DocKind } from './records.ts';

export interface Page<T> {
  readonly items: readonly T[];
  readonly nextCursor: string | null;
}

/** One page of a list, as it stands. `keep` filters; pages stay full as long as there is more. */
export async function list<K extends DocKind>(
  store: Store,
  _kind: K,
  index: string,
  options: { readonly limit: number; readonly cursor: string | null; readonly keep?: (doc: DocByKind[K]) => boolean },
): Promise<Page<DocByKind[K]>> {
  const items: Array<DocByKind[K]> = [];
  let after = options.cursor === null ? undefined : readCursor(options.cursor);
  for (;;) {
    const page = await store.scan(index, {
      limit: Math.max(options.limit, 100),
      ...(after === undefined ? {} : { after }),
    });
    for (const entry of page) {
      after = { score: entry.score, key: entry.key };
      const doc = entry.record as DocByKind[K];
      if (options.keep === undefined || options.keep(doc)) items.push(doc);
      if (items.length === options.limit) break;
    }
    const exhausted = page.length < Math.max(options.limit, 100);
    if (items.length === options.limit) {
      const more = await store.scan(index, { limit: 1, after: after! });
      return { items, nextCursor: more.length === 0 ? null : writeCursor(after!) };
    }
    if (exhausted) return { items, nextCursor: null };
    // The embedded store answers at once: a filter that finds little would let nothing else happen.
    await breathe();
  }
}

function writeCursor(entry: { score: number; key: string }): string {
  return Buffer.from(JSON.stringify([entry.score, entry.key])).toString('base64url');
}

/** Throws SyntaxError or TypeError on text that is no cursor of ours. */
export function readCursor(text: string): { score: number; key: string } {
  const [score, key] = JSON.parse(Buffer.from(text, 'base64url').toString()) as [unknown, unknown];
  if (typeof score !== 'number' || typeof key !== 'string') throw new TypeError('no cursor');
  return { score, key };
}
