/** All organizations of the gateway, and what the operator can do with them. */
import { useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { Link } from 'wouter';
import { organizationsQuery } from '../api/queries.ts';
import type { DirectoryDone } from '../directory/after-change.ts';
import { ErrorNote, Waiting } from '../parts/notes.tsx';
import { PageHead } from '../parts/page-head.tsx';
import { ReceiptNote } from '../parts/receipt.tsx';
import { useTranslate } from '../preferences.tsx';
import { AddOrganization, DeleteOrganization, EditOrganization } from './organization-changes.tsx';

export function AllOrganizationsPage() {
  const t = useTranslate();
  const { data, error, refetch } = useQuery(organizationsQuery);
  const [done, setDone] = useState<DirectoryDone | null>(null);
  return (
    <>
      <PageHead title={t('organizations.title')}>
        <AddOrganization onDone={setDone} />
      </PageHead>
      {done !== null && <ReceiptNote {...done} />}
      {error !== null && <ErrorNote error={error} onRetry={() => void refetch()} />}
      {data === undefined && error === null && <Waiting />}
      {data !== undefined && (
        <section className="card" aria-label={t('organizations.title')}>
          <ul className="lines">
            {data.items.map((organization) => {
              const { id, name, edition, enterprise } = organization;
              return (
                <li key={id}>
                  <div className="grow">
                    <Link href={`/o/${encodeURIComponent(id)}`}>{name}</Link>{' '}
                    <span className="soft small mono">{id}</span>
                    <div className="soft small">
                      {[edition, enterprise].filter((each) => each !== null).join(' · ')}
                    </div>
                  </div>
                  <EditOrganization organization={organization} onDone={setDone} />
                  <DeleteOrganization organization={organization} onDone={setDone} />
                </li>
              );
            })}
          </ul>
        </section>
      )}
    </>
  );
}
