/**
 * Asks before something ends: what goes with it, by a dry run of the API, and for the name where more than one token ends.
 * Stays open with all that was typed where it fails.
 */
import { useQuery } from '@tanstack/react-query';
import { type ReactNode, useEffect, useState } from 'react';
import { useTranslate } from '../preferences.tsx';
import { type CascadeRoot, CascadeTree } from './cascade-tree.tsx';
import { ConfirmWindow } from './confirm-window.tsx';
import { FormField } from './form-field.tsx';
import { ErrorNote } from './notes.tsx';

interface Props {
  readonly isOpen: boolean;
  readonly title: string;
  readonly action: string;
  readonly lead: string;
  /** What is typed where more than one token ends. */
  readonly name: string;
  /** What the dry run is about, by all that it depends on; null: something has to be chosen first. */
  readonly question: readonly unknown[] | null;
  readonly isBusy: boolean;
  readonly error: unknown;
  /** What is chosen with it. */
  readonly children?: ReactNode;
  /** The dry run. */
  preview(): Promise<CascadeRoot>;
  onConfirm(): void;
  onClose(): void;
}

export function CascadeWindow(props: Props) {
  const { isOpen, title, action, lead, name, question, isBusy, error, children, preview, onConfirm, onClose } = props;
  const t = useTranslate();
  const [typed, setTyped] = useState('');
  const [isWrong, setWrong] = useState(false);
  const asked = useQuery({
    queryKey: ['cascade', ...(question ?? [])],
    queryFn: preview,
    enabled: isOpen && question !== null,
    staleTime: 0,
    gcTime: 0,
  });
  useEffect(() => {
    if (isOpen) return;
    setTyped('');
    setWrong(false);
  }, [isOpen]);
  const endedTokens = asked.data?.endedTokens ?? 0;
  const isAskedFor = endedTokens > 1;
  const confirm = () => {
    if (asked.data === undefined) return;
    if (isAskedFor && typed.trim() !== name) return setWrong(true);
    onConfirm();
  };
  return (
    <ConfirmWindow
      {...{ isOpen, title, action, error, onClose }}
      isDangerous
      isBusy={isBusy || asked.data === undefined}
      onConfirm={confirm}
    >
      <p>{lead}</p>
      {children}
      {asked.error !== null && <ErrorNote error={asked.error} onRetry={() => void asked.refetch()} />}
      {question !== null && asked.data === undefined && asked.error === null && (
        <p className="soft">{t('cascade.asking')}</p>
      )}
      {asked.data !== undefined && <CascadeTree {...asked.data} />}
      {isAskedFor && (
        <FormField
          label={t('cascade.type', { name })}
          hint={t('cascade.type.hint', { count: endedTokens })}
          mistake={isWrong && typed.trim() !== name ? t('cascade.type.mistake') : undefined}
        >
          {(control) => (
            <input
              {...control}
              autoComplete="off"
              spellCheck={false}
              value={typed}
              onChange={(event) => setTyped(event.target.value)}
            />
          )}
        </FormField>
      )}
    </ConfirmWindow>
  );
}
