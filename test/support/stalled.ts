import { setInterval as every } from 'node:timers/promises';

/** Resolves with the bytes that have left by `left`, once no more do: whatever lies between is full. */
export async function stalled(left: () => number): Promise<number> {
  let before = -1;
  let quiet = 0;
  for await (const _ of every(50)) {
    quiet = left() === before ? quiet + 1 : 0;
    before = left();
    if (quiet === 10) break;
  }
  return before;
}
