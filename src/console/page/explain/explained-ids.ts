/** Which of the ids that an explanation tells belong to what has a name: what the checks saw, and whose the request was. Asks nothing. */
import type { Shapes } from '../api/client.ts';
import type { TypedId } from '../api/names.ts';

type Explanation = Shapes['Explanation'];
type Check = Explanation['checks'][number];
type Type = Shapes['NamedThing']['type'];

/** Null: it is no id, or of something that has no name. */
export function typeOfValue({ name: check, values }: Check, name: string): Type | null {
  if (name === 'owner' || name === 'collaborators') return 'member';
  if (name === 'workspace') return 'workspace';
  if (name === 'id' && check === 'known') return 'token';
  if (check === 'environment') return name === 'selected' || name === 'grant' ? 'environment' : null;
  if (check !== 'workspace') return null;
  if (name === 'grant') return 'workspace';
  const { as } = (values ?? {}) as { readonly as?: unknown };
  return name === 'selected' && (as === 'workspace' || as === 'environment') ? as : null;
}

export function idsOfExplanation({ checks, decided = null }: Explanation): readonly TypedId[] {
  const seen = checks.flatMap((check) =>
    Object.entries((check.values ?? {}) as Readonly<Record<string, unknown>>).flatMap(([name, value]) => {
      const type = typeOfValue(check, name);
      if (type === null) return [];
      return [value].flat().flatMap((id): TypedId[] => (typeof id === 'string' ? [`${type}/${id}`] : []));
    }),
  );
  return [...seen, ...idsOfDecision(decided)];
}

function idsOfDecision(decided: Explanation['decided'] | null): readonly TypedId[] {
  return [
    ...(decided?.token == null ? [] : [`token/${decided.token}` as const]),
    ...(decided?.owner == null ? [] : [`member/${decided.owner}` as const]),
  ];
}
