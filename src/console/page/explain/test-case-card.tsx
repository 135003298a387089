/** The request that was explained as a file of policy tests, to be copied. For the operator, who sees all that it rests on. */
import { useQuery } from '@tanstack/react-query';
import { answerOf, api, type Shapes } from '../api/client.ts';
import { organizationsQuery, tokenQuery } from '../api/queries.ts';
import { useCaller } from '../caller.tsx';
import { CopyButton } from '../parts/copy-button.tsx';
import { useTranslate } from '../preferences.tsx';
import { testCaseOf } from './test-case.ts';

type Explanation = Shapes['Explanation'];

interface Props {
  readonly org: string;
  readonly explanation: Explanation;
  /** As they were asked; empty: of a refusal that was. */
  readonly url: string;
  readonly address: string;
}

export function TestCaseCard(props: Props) {
  const { kind } = useCaller();
  const ownerId = props.explanation.token?.ownerId ?? null;
  if (kind !== 'operator' || ownerId === null) return null;
  return <Loaded {...props} tokenId={props.explanation.token!.id} ownerId={ownerId} />;
}

function Loaded({ org, explanation, url, address, tokenId, ownerId }: Props & { tokenId: string; ownerId: string }) {
  const t = useTranslate();
  const { data: token } = useQuery(tokenQuery(org, tokenId));
  const { data: organizations } = useQuery(organizationsQuery);
  const { data: owner } = useQuery({
    queryKey: ['members', org, ownerId],
    queryFn: () =>
      answerOf(api.GET('/v1/organizations/{org}/members/{id}', { params: { path: { org, id: ownerId } } })),
  });
  const organization = organizations?.items.find(({ id }) => id === org);
  if (token === undefined || owner === undefined || organization === undefined) return null;
  const asked = url === '' ? pathOf(explanation) : url;
  const from = address === '' ? (explanation.decided?.address ?? '') : address;
  const facts = { explanation, organization, token, owner, address: from === '' ? null : from };
  const text = asked === null ? null : testCaseOf({ ...facts, url: asked });
  return (
    <details className="card test-case">
      <summary>{t('explain.test')}</summary>
      {text === null ? (
        <p className="soft">{t(asked === null ? 'explain.test.noQuery' : 'explain.test.none')}</p>
      ) : (
        <div className="stack">
          <p className="soft">{t('explain.test.hint')}</p>
          <pre className="code">{text}</pre>
          <div className="actions">
            <CopyButton text={text} />
          </div>
        </div>
      )}
    </details>
  );
}

/** Without its query, which is not kept: null where that named something. */
function pathOf({ decided, request }: Explanation): string | null {
  if (decided == null || decided.altered) return null;
  const named = [decided.workspace, decided.environment, decided.resource?.replace(/^[^/]*\//, '') ?? null];
  const segments = request.path.split('/').map(decoded);
  return named.every((name) => name === null || segments.includes(name)) ? request.path : null;
}

function decoded(segment: string): string {
  try {
    return decodeURIComponent(segment);
  } catch {
    return segment;
  }
}
