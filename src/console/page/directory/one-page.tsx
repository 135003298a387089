/** What the page of one member, team or workspace has around what it shows: the title, the way back, waits and errors. */
import type { UseQueryResult } from '@tanstack/react-query';
import type { ReactNode } from 'react';
import { Link } from 'wouter';
import { ErrorNote, Waiting } from '../parts/notes.tsx';
import { PageHead } from '../parts/page-head.tsx';
import { ReceiptNote } from '../parts/receipt.tsx';
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
