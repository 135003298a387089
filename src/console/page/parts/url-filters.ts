/** What a list is narrowed by. It stands in the address, so that it can be sent to somebody and gone back to. */
import { useSearchParams } from 'wouter';

export interface UrlFilters<Name extends string> {
  /** Those that are given, with the page. */
  readonly filters: { readonly [Key in Name | 'cursor']?: string };
  /** Some filter is given; on which page one is does not count. */
  readonly isNarrowed: boolean;
  narrow(name: Name | 'cursor', value: string): void;
  clear(): void;
}

export function useUrlFilters<Name extends string>(names: readonly Name[]): UrlFilters<Name> {
  const [search, setSearch] = useSearchParams();
  const given = [...names, 'cursor' as const].flatMap((name) => {
    const value = search.get(name);
    return value === null || value === '' ? [] : [[name, value] as const];
  });
  return {
    filters: Object.fromEntries(given) as UrlFilters<Name>['filters'],
    isNarrowed: given.some(([name]) => name !== 'cursor'),
    /** Another filter is another list: it begins at its first page. */
    narrow: (name, value) =>
      setSearch((before) => {
        const next = new URLSearchParams(before);
        if (value === '') next.delete(name);
        else next.set(name, value);
        if (name !== 'cursor') next.delete('cursor');
        return next;
      }),
    clear: () => setSearch(new URLSearchParams()),
  };
}
