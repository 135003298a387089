/** What the page of one member, team or workspace has around what it shows: the title, the way back, waits and errors. */
import type { UseQueryResult } from '@tanstack/react-query';
import type { ReactNode } from 'react';
import { Link } from 'wouter';
import { ErrorNote, Waiting } from '../parts/notes.tsx';
import { PageHead } from '../parts/page-head.tsx';
import { type ReceiptFields, ReceiptNote } from '../parts/receipt.tsx';
import { useTranslate } from '../preferences.tsx';

export interface DirectoryDone {
  readonly done: string;
  readonly receipt: ReceiptFields;
}

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

export function NameChips({
  title,
  names,
  otherwise,
}: {
  title: string;
  names: readonly string[] | null;
  otherwise?: string;
}) {
  const t = useTranslate();
  return (
    <div className="stack tight">
      <h3>{title}</h3>
      {names === null && <p>{otherwise}</p>}
      {names?.length === 0 && <p className="soft">{t('app.none')}</p>}
      {names !== null && names.length > 0 && (
        <ul className="chips">
          {names.map((each) => (
            <li key={each} className="chip">
              {each}
            </li>
          ))}
        </ul>
      )}
    </div>
  );
}
