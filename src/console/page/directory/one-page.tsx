/** What the page of one member, team or workspace has around what it shows: the title, the way back, waits and errors. */
import type { UseQueryResult } from '@tanstack/react-query';
import type { ReactNode } from 'react';
import { Link } from 'wouter';
import { ErrorNote, Waiting } from '../parts/notes.tsx';
import { PageHead } from '../parts/page-head.tsx';
import { ReceiptNote } from '../parts/receipt.tsx';
import { useTranslate } from '../preferences.tsx';
import type { DirectoryDone } from './after-change.ts';

interface Props<T> {
  readonly answer: Pick<UseQueryResult<T>, 'data' | 'error' | 'refetch'>;
  readonly id: string;
  /** Of what is not known. */
  readonly title: string;
  readonly name: (found: T) => string;
  /** null: there is none. */
  readonly back: { readonly href: string; readonly words: string } | null;
  readonly done: DirectoryDone | null;
  readonly actions: (found: T) => ReactNode;
  readonly children: (found: T) => ReactNode;
}

export function OnePage<T>({ answer, id, title, name, back, done, actions, children }: Props<T>) {
  const { data, error, refetch } = answer;
  const way = back === null ? undefined : <Link href={back.href}>{back.words}</Link>;
  if (data === undefined) {
    if (error === null) return <Waiting />;
    return (
      <div className="stack">
        <PageHead title={title} lead={<code>{id}</code>} />
        {done === null ? <ErrorNote error={error} onRetry={() => void refetch()} /> : <ReceiptNote {...done} />}
        <p>{way}</p>
      </div>
    );
  }
  return (
    <>
      <PageHead title={name(data)} lead={way}>
        {actions(data)}
      </PageHead>
      <div className="stack">
        {done !== null && <ReceiptNote {...done} />}
        {error !== null && <ErrorNote error={error} onRetry={() => void refetch()} />}
        {children(data)}
      </div>
    </>
  );
}

/** An answer that is shown with others, once each of them has come or failed: or what comes later would move what is there. */
export function together<T>(answer: Props<T>['answer'], ...others: readonly { readonly isPending: boolean }[]) {
  const { data, error, refetch } = answer;
  return { error, refetch, data: others.some(({ isPending }) => isPending) ? undefined : data };
}

interface ChipsProps {
  readonly title: string;
  /** null: `otherwise`. */
  readonly items: readonly { readonly id: string; readonly name?: string | undefined; readonly href?: string }[] | null;
  readonly otherwise?: string;
}

export function NameChips({ title, items, otherwise }: ChipsProps) {
  const t = useTranslate();
  return (
    <div className="stack tight">
      <h3>{title}</h3>
      {items === null && <p>{otherwise}</p>}
      {items?.length === 0 && <p className="soft">{t('app.none')}</p>}
      {items !== null && items.length > 0 && (
        <ul className="chips">
          {items.map(({ id, name = id, href }) => (
            <li key={id} className="chip" title={name === id ? undefined : id}>
              {href === undefined ? name : <Link href={href}>{name}</Link>}
            </li>
          ))}
        </ul>
      )}
    </div>
  );
}
