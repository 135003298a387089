/** Finds the word somebody probably meant. Never decides anything: a suggestion is only printed. */

/** The candidate nearest to `word`, or undefined when none is near enough to be a slip of the fingers. */
export function closest(word: string, candidates: Iterable<string>): string | undefined {
  let best: string | undefined;
  // One slip in a short word, one in three letters in a long one; beyond that a suggestion confuses.
  let limit = Math.max(1, Math.floor(word.length / 3)) + 1;
  for (const candidate of candidates) {
    if (Math.abs(candidate.length - word.length) >= limit) continue;
    const distance = editDistance(word.toLowerCase(), candidate.toLowerCase());
    if (distance >= limit) continue;
    best = candidate;
    limit = distance;
  }
  return best;
}

/** The same in words, to stand behind what is wrong; empty where there is none. */
export function suggestion(word: string, candidates: Iterable<string>): string {
  const near = closest(word, candidates);
  return near === undefined ? '' : `; did you mean ${JSON.stringify(near)}?`;
}

/** Is `name` not among the words, but one that was most likely meant to be it? A misspelt key is one mistake, not two. */
export function isMisspelt(name: string, words: ReadonlySet<string>): boolean {
  return !words.has(name) && [...words].some((word) => closest(word, [name]) !== undefined);
}

/** Insertions, deletions, replacements and swaps of neighbours between two words (optimal string alignment). */
function editDistance(from: string, to: string): number {
  let before: number[] = [];
  let last = Array.from({ length: to.length + 1 }, (_, index) => index);
  for (let i = 1; i <= from.length; i++) {
    const row = [i];
    for (let j = 1; j <= to.length; j++) {
      const same = from[i - 1] === to[j - 1] ? 0 : 1;
      let cost = Math.min(last[j]! + 1, row[j - 1]! + 1, last[j - 1]! + same);
      if (i > 1 && j > 1 && from[i - 1] === to[j - 2] && from[i - 2] === to[j - 1]) {
        cost = Math.min(cost, before[j - 2]! + 1);
      }
      row.push(cost);
    }
    before = last;
    last = row;
  }
  return last[to.length]!;
}
