/** Names of what is known by its id, over HTTP. Parses and renders; the rules are in manage/. */
import { NAMED_TYPES, type NamedType, namesOf } from '../manage/organization/names.ts';
import { Type } from '../schema-type.ts';
import { type AdminRoute, route } from './route.ts';
import { OrganizationParams } from './schemas.ts';

const ONE = `(?:${NAMED_TYPES.join('|')})/[^,/]{1,128}`;
const IDS_MAX = 100;

export const nameRoute: AdminRoute = route({
  id: 'listNames',
  method: 'GET',
  path: '/v1/organizations/:org/names',
  tag: 'organizations',
  summary: 'Say the names of things that are known by their ids',
  description:
    'Of what the caller may not see, or is not there, nothing is said. Members are told of themselves, their teams and workspaces, and the tokens that they may see.',
  params: OrganizationParams,
  query: Type.Object(
    {
      ids: Type.String({
        pattern: `^${ONE}(?:,${ONE}){0,${IDS_MAX - 1}}$`,
        description: `type/id such as member/ann or token/tok_1, with commas between them: ${IDS_MAX} at most`,
      }),
    },
    { additionalProperties: false },
  ),
  answer: Type.Object(
    {
      items: Type.Array(
        Type.Object(
          { type: Type.Enum([...NAMED_TYPES]), id: Type.String(), name: Type.String() },
          { title: 'NamedThing' },
        ),
      ),
    },
    { title: 'Names' },
  ),
  example: { answer: { items: [{ type: 'member', id: 'ann', name: 'Ann' }] } },
  async run({ manage, params, query }) {
    const asked = query.ids.split(',').map((each) => {
      const at = each.indexOf('/');
      return { type: each.slice(0, at) as NamedType, id: each.slice(at + 1) };
    });
    return { items: await namesOf(manage, params.org, asked) };
  },
});
