/** What an act takes with it, each by the name that people know it by. Asks for names and nothing else. */
import { askNames, type TypedId } from '../api/names.ts';
import { type CascadeBranch, SHOWN_MAX } from './cascade-tree.tsx';

interface Part {
  readonly type: TypedId extends `${infer Type}/${string}` ? Type : never;
  readonly ids: readonly string[];
  /** They end; otherwise they go on. */
  readonly ends: boolean;
  words(count: number): string;
}

/** Of what there is nothing, there is no branch. */
export async function branchesOf(org: string, parts: readonly Part[]): Promise<CascadeBranch[]> {
  const there = parts.filter(({ ids }) => ids.length > 0);
  const names = await askNames(
    org,
    there.flatMap(({ type, ids }) => ids.slice(0, SHOWN_MAX).map((id): TypedId => `${type}/${id}`)),
  );
  return there.map(({ type, ids, ends, words }) => ({
    words: words(ids.length),
    items: ids.map((id) => ({ id, name: names.get(`${type}/${id}`) ?? null })),
    ends,
  }));
}
