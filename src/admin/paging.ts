/** `limit` and `cursor` of a list. */
import { type Page, type PageRequest, readCursor } from '../manage/listing.ts';
import { malformed } from '../manage/rejection.ts';

const LIMIT_DEFAULT = 50;
const LIMIT_MAX = 1000;

/** Throws Rejection (400) for a limit out of range or a cursor that is none of ours. */
export function readPage({
  limit,
  cursor,
}: {
  readonly limit?: string | undefined;
  readonly cursor?: string | undefined;
}): PageRequest {
  const count = limit === undefined ? LIMIT_DEFAULT : Number(limit);
  if (count < 1 || count > LIMIT_MAX) {
    throw malformed('invalid_field', `limit must be 1 to ${LIMIT_MAX}`, 'limit');
  }
  if (cursor === undefined) return { limit: count, cursor: null };
  try {
    readCursor(cursor);
    return { limit: count, cursor };
  } catch {
    throw malformed('invalid_field', 'cursor must be the nextCursor of an earlier page', 'cursor');
  }
}

/** A page as callers see it. */
export function showPage<Doc, Shown>(page: Page<Doc>, view: (doc: Doc, nth: number) => Shown) {
  return { items: page.items.map(view), nextCursor: page.nextCursor };
}
