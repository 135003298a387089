/** A list that the server finds, page by page: what is met while it is asked for, its rows, how many, and the way on. */
import type { UseQueryResult } from '@tanstack/react-query';
import type { ReactNode } from 'react';
import { useTranslate } from '../preferences.tsx';
import { Button } from './button.tsx';
import { EmptyNote, ErrorNote, Waiting } from './notes.tsx';
import type { UrlFilters } from './url-filters.ts';

interface Page<Item> {
  readonly items: readonly Item[];
  readonly nextCursor: string | null;
}

interface Props<Item, Name extends string> {
  readonly asked: UrlFilters<Name>;
  readonly answer: Pick<UseQueryResult<Page<Item>>, 'data' | 'error' | 'refetch'>;
  /** Where there are none at all. */
  readonly empty: ReactNode;
  readonly columns: readonly string[];
  readonly title: string;
  readonly row: (item: Item) => ReactNode;
}

export function ListView<Item, Name extends string>(props: Props<Item, Name>) {
  const { asked, answer, empty, columns, title, row } = props;
  const { data, error, refetch } = answer;
  const t = useTranslate();
  const { filters, isNarrowed, narrow, clear } = asked;
  const count = data?.items.length ?? 0;
  const goesOn = data !== undefined && data.nextCursor !== null;
  return (
    <>
      {error !== null && <ErrorNote error={error} onRetry={() => void refetch()} />}
      {data === undefined && error === null && <Waiting />}
      {data !== undefined && count === 0 && !goesOn && !isNarrowed && filters.cursor === undefined && empty}
      {data !== undefined && count === 0 && (goesOn || isNarrowed || filters.cursor !== undefined) && (
        <EmptyNote title={t(goesOn ? 'list.emptySoFar' : 'list.emptyFiltered')}>
          <Button onClick={clear}>{t('list.clear')}</Button>
        </EmptyNote>
      )}
      {data !== undefined && count > 0 && (
        <div className="table-box">
          <table>
            <caption className="hidden">{title}</caption>
            <thead>
              <tr>
                {columns.map((column) => (
                  <th key={column} scope="col">
                    {column}
                  </th>
                ))}
              </tr>
            </thead>
            <tbody>{data.items.map(row)}</tbody>
          </table>
        </div>
      )}
      <div className={data === undefined ? 'hidden' : 'under'}>
        <p role="status" className="soft small">
          {data === undefined ? '' : t(goesOn ? 'list.countMore' : 'list.count', { count })}
        </p>
        <div className="actions">
          {filters.cursor !== undefined && <Button onClick={() => narrow('cursor', '')}>{t('list.first')}</Button>}
          {goesOn && <Button onClick={() => narrow('cursor', data.nextCursor!)}>{t('list.next')}</Button>}
        </div>
      </div>
    </>
  );
}
