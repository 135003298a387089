/** The operator's first page: which organization to look into. With one there is nothing to choose. */
import { useQuery } from '@tanstack/react-query';
import { Link, Redirect } from 'wouter';
import { organizationsQuery } from '../api/queries.ts';
import { GatewayFigures } from '../overview/gateway-figures.tsx';
import { EmptyNote, ErrorNote, Waiting } from '../parts/notes.tsx';
import { PageHead } from '../parts/page-head.tsx';
import { useTranslate } from '../preferences.tsx';

const FIRST =
  'curl -X PUT "$SCOPEGATE_ADMIN_URL/v1/organizations/acme" -H "Authorization: Bearer $SCOPEGATE_ADMIN_KEY" -H \'Content-Type: application/json\' -d \'{"name":"Acme","edition":"team"}\'';

export function OrganizationsPage() {
  const t = useTranslate();
  const { data, error, refetch } = useQuery(organizationsQuery);
  if (data?.items.length === 1) return <Redirect to={overviewOf(data.items[0]!.id)} replace />;
  return (
    <>
      <PageHead title={t('organizations.title')} />
      {error !== null && <ErrorNote error={error} onRetry={() => void refetch()} />}
      {data === undefined && error === null && <Waiting />}
      {data?.items.length === 0 && (
        <EmptyNote title={t('organizations.empty')} hint={t('organizations.empty.hint')} command={FIRST} />
      )}
      {data !== undefined && data.items.length > 1 && <GatewayFigures />}
      {data !== undefined && data.items.length > 1 && (
        <div className="table-box">
          <table>
            <thead>
              <tr>
                <th scope="col">{t('tokens.name')}</th>
                <th scope="col">{t('organizations.edition')}</th>
              </tr>
            </thead>
            <tbody>
              {data.items.map(({ id, name, edition }) => (
                <tr key={id}>
                  <td className="name">
                    <Link href={overviewOf(id)}>{name}</Link>
                    <span className="sub">{id}</span>
                  </td>
                  <td data-label={t('organizations.edition')}>{edition}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
    </>
  );
}

function overviewOf(org: string): string {
  return `/o/${encodeURIComponent(org)}`;
}
