/** KnownNames of what the API tells by ids, asked for in one piece with what tells them, so that nothing moves when they come. */
import { answerOf, api, type Shapes } from './client.ts';

type NamedType = Shapes['NamedThing']['type'];

/** By `type/id`. What has no name, or whose name may not be known, is not in it. */
export type KnownNames = ReadonlyMap<string, string>;
export type TypedId = `${NamedType}/${string}`;

const AT_ONCE_MAX = 100;

/** Never rejects: whoever cannot be told the names sees the ids. */
export async function askNames(org: string, ids: readonly TypedId[]): Promise<KnownNames> {
  // What could be no id stands in no question.
  const asked = [...new Set(ids)].filter((each) => /^[^/]+\/[^,/]{1,128}$/.test(each));
  const parts = Array.from({ length: Math.ceil(asked.length / AT_ONCE_MAX) }, (_, nth) =>
    asked.slice(nth * AT_ONCE_MAX, (nth + 1) * AT_ONCE_MAX),
  );
  const answers = await Promise.all(
    parts.map(async (part) => {
      const params = { path: { org }, query: { ids: part.join(',') } };
      const answer = answerOf(api.GET('/v1/organizations/{org}/names', { params }));
      return (await answer.catch(() => ({ items: [] }))).items;
    }),
  );
  return new Map(answers.flat().map(({ type, id, name }) => [`${type}/${id}`, name]));
}

/** Within a text: the name with the id behind it, or the id alone. */
export function nameAndId(names: KnownNames, of: TypedId): string {
  const id = of.slice(of.indexOf('/') + 1);
  const name = names.get(of) ?? id;
  return name === id ? id : `${name} (${id})`;
}

export async function withNames<Answer extends object>(
  org: string,
  asked: Promise<Answer>,
  idsOf: (answer: Answer) => readonly TypedId[],
): Promise<Answer & { readonly names: KnownNames }> {
  const answer = await asked;
  return { ...answer, names: await askNames(org, idsOf(answer)) };
}
