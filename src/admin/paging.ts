/** `limit` and `cursor` of a list. */
import { readCursor } from '../manage/listing.ts';
import { Rejection } from '../manage/rejection.ts';

const LIMIT_DEFAULT = 50;
const LIMIT_MAX = 1000;

/** Throws Rejection (400) for a limit out of range or a cursor that is none of ours. */
export function readPage({
  limit,
  cursor,
}: {
  readonly limit?: string | undefined;
  readonly cursor?: string | undefined;
}): {
  limit: number;
  cursor: string | null;
} {
  const count = limit === undefined ? LIMIT_DEFAULT : Number(limit);
  if (count < 1 || count > LIMIT_MAX) {
    throw new Rejection({
      status: 400,
      code: 'invalid_field',
      field: 'limit',
      detail: `limit must be 1 to ${LIMIT_MAX}`,
    });
  }
  if (cursor === undefined) return { limit: count, cursor: null };
  try {
    readCursor(cursor);
    return { limit: count, cursor };
  } catch {
    throw new Rejection({
      status: 400,
      code: 'invalid_field',
      field: 'cursor',
      detail: 'cursor must be the nextCursor of an earlier page',
    });
  }
}
