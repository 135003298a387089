/**
 * A button for something that is filled in: its window with the fields, then the change, then how far it has got. Whatever
 * happens to the change, what was typed stays until it is done or given up.
 */
import { useMutation } from '@tanstack/react-query';
import { type FormEvent, type ReactNode, useState } from 'react';
import { ApiError } from '../api/client.ts';
import { useTranslate } from '../preferences.tsx';
import { Button } from './button.tsx';
import { ErrorNote } from './notes.tsx';
import type { ReceiptFields } from './receipt.tsx';
import { PageWindow } from './window.tsx';

export interface Filled<Draft> {
  readonly draft: Draft;
  set(part: Partial<Draft>): void;
  /** What the API says of a field; several where one of the page stands for them. */
  mistakeOf(...fields: readonly string[]): string | undefined;
}

interface Props<Draft, Receipt extends ReceiptFields> {
  readonly action: string;
  /** Where the same button stands in several lines: which it is. */
  readonly label?: string;
  readonly title: string;
  readonly lead?: string;
  readonly kind?: 'first' | 'plain' | 'quiet';
  readonly isDangerous?: boolean;
  /** What the window begins with, each time that it is opened. */
  start(): Draft;
  run(draft: Draft): Promise<Receipt>;
  onDone(receipt: Receipt, draft: Draft): void;
  readonly children: (filled: Filled<Draft>) => ReactNode;
}

export function FormAction<Draft, Receipt extends ReceiptFields>(props: Props<Draft, Receipt>) {
  const { action, label, title, lead, kind = 'plain', isDangerous = false, start, run, onDone, children } = props;
  const t = useTranslate();
  /** null: closed. */
  const [draft, setDraft] = useState<Draft | null>(null);
  const change = useMutation({
    mutationFn: run,
    onSuccess: (receipt, written) => {
      setDraft(null);
      onDone(receipt, written);
    },
  });
  const open = () => {
    change.reset();
    setDraft(start());
  };
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (draft !== null && !change.isPending) change.mutate(draft);
  };
  const refusal = change.error instanceof ApiError ? change.error : null;
  const filled = (known: Draft): Filled<Draft> => ({
    draft: known,
    set: (part) => setDraft((before) => before && { ...before, ...part }),
    mistakeOf: (...fields) => (fields.includes(refusal?.field?.split('.')[0] ?? '-') ? refusal!.message : undefined),
  });
  return (
    <>
      <Button kind={kind} aria-label={label} onClick={open}>
        {action}
      </Button>
      <PageWindow isOpen={draft !== null} title={title} onClose={() => setDraft(null)}>
        <form className="stack" onSubmit={submit}>
          {lead !== undefined && <p className="soft">{lead}</p>}
          {draft !== null && children(filled(draft))}
          {change.error !== null && <ErrorNote error={change.error} />}
          <div className="ends">
            <Button onClick={() => setDraft(null)}>{t('app.cancel')}</Button>
            <Button kind={isDangerous ? 'danger first' : 'first'} type="submit" isBusy={change.isPending}>
              {action}
            </Button>
          </div>
        </form>
      </PageWindow>
    </>
  );
}
