/**
 * How many entries an LRUCache may hold, said so that it takes room as they come. Told by `max`, the library makes room for
 * all of them at once: 6 MB for what a gateway might one day remember. Counts entries, never bytes.
 */
export function atMost(entries: number): { readonly maxSize: number; readonly sizeCalculation: () => number } {
  return { maxSize: entries, sizeCalculation: one };
}

function one(): number {
  return 1;
}
