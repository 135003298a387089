/** The named policies of an organization, page by page, and how one is made. */
import { keepPreviousData, useQuery, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { Link } from 'wouter';
import { policyQuery } from '../api/queries.ts';
import { ONCE, requireFree, ThingIdField, ThingNameField } from '../directory/add-one.tsx';
import { type DirectoryDone, useAfterChange } from '../directory/after-change.ts';
import { directoryPath } from '../directory/directory-queries.ts';
import { FormAction } from '../parts/form-action.tsx';
import { ListView } from '../parts/list-view.tsx';
import { EmptyNote } from '../parts/notes.tsx';
import { PageHead } from '../parts/page-head.tsx';
import { ReceiptNote } from '../parts/receipt.tsx';
import { useUrlFilters } from '../parts/url-filters.ts';
import { useTranslate } from '../preferences.tsx';
import { namedPoliciesQuery, namedPolicyQuery, putNamedPolicy } from './named-policy-queries.ts';
import { FIRST_STATEMENT, StatementFields } from './statement-fields.tsx';

export function NamedPolicyListPage({ org }: { readonly org: string }) {
  const t = useTranslate();
  const { data: policy } = useQuery(policyQuery);
  const [done, setDone] = useState<DirectoryDone | null>(null);
  return (
    <>
      <PageHead title={t('policies.title')} lead={t('policies.lead')}>
        {policy?.namedPolicies === true && <AddNamedPolicy org={org} onDone={setDone} />}
      </PageHead>
      {done !== null && <ReceiptNote {...done} />}
      {policy?.namedPolicies === false && <EmptyNote title={t('policies.none')} hint={t('policies.none.hint')} />}
      {policy?.namedPolicies === true && <NamedPolicyList org={org} />}
    </>
  );
}

function NamedPolicyList({ org }: { readonly org: string }) {
  const t = useTranslate();
  const asked = useUrlFilters([]);
  const answer = useQuery({ ...namedPoliciesQuery(org, asked.filters), placeholderData: keepPreviousData });
  return (
    <ListView
      asked={asked}
      answer={answer}
      title={t('policies.title')}
      columns={[t('directory.name'), t('policy.effect'), t('policy.actions')]}
      empty={<EmptyNote title={t('policies.empty')} hint={t('policies.lead')} />}
      row={({ id, name, statements }) => (
        <tr key={id}>
          <td className="name">
            <Link href={directoryPath(org, 'policies', id)}>{name}</Link>
            <span className="sub mono">{id}</span>
          </td>
          <td data-label={t('policy.effect')}>
            {(['allow', 'deny'] as const)
              .filter((effect) => statements.some((each) => each.effect === effect))
              .map((effect) => t(`policy.effect.${effect}`))
              .join(t('list.comma'))}
          </td>
          <td className="party" data-label={t('policy.actions')}>
            {[...new Set(statements.flatMap(({ actions }) => actions))].join(', ')}
          </td>
        </tr>
      )}
    />
  );
}

function AddNamedPolicy({ org, onDone }: { readonly org: string; onDone(done: DirectoryDone): void }) {
  const t = useTranslate();
  const client = useQueryClient();
  const after = useAfterChange(org, onDone);
  return (
    <FormAction
      kind="first"
      action={t('policies.add')}
      title={t('policy.add.title')}
      lead={t('policy.add.lead')}
      start={() => ({ id: '', name: '', statements: [FIRST_STATEMENT] as readonly (typeof FIRST_STATEMENT)[] })}
      run={async ({ id: typed, name, statements }) => {
        const id = typed.trim();
        await requireFree(() => client.fetchQuery({ ...namedPolicyQuery(org, id), ...ONCE }), t('policy.add.taken'));
        return putNamedPolicy(org, id, name, statements);
      }}
      onDone={(receipt, { name }) => after(t('policy.add.done', { name }), receipt)}
    >
      {({ draft, set, mistakeOf }) => (
        <>
          <ThingIdField hint={t('directory.id.hint')} {...{ draft, set, mistakeOf }} />
          <ThingNameField {...{ draft, set, mistakeOf }} />
          <StatementFields
            statements={draft.statements}
            mistake={mistakeOf('statements')}
            onChange={(statements) => set({ statements })}
          />
        </>
      )}
    </FormAction>
  );
}
