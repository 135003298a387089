/** Revokes the tokens that were chosen: names them, asks for their number, goes on past one that fails, and says which did. */
import { useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { ApiError, answerOf, api } from '../api/client.ts';
import { Button } from '../parts/button.tsx';
import { ConfirmWindow } from '../parts/confirm-window.tsx';
import { FormField } from '../parts/form-field.tsx';
import { type ReceiptFields, ReceiptNote, WAIT } from '../parts/receipt.tsx';
import { useTranslate } from '../preferences.tsx';
import { MomentOr, type ShownToken, StateBadge } from './token-words.tsx';

/** With what its owner was called where it was chosen: its page may be gone by then. */
export interface ChosenToken extends ShownToken {
  readonly ownerName: string | null;
}
export type Chosen = ReadonlyMap<string, ChosenToken>;

interface Failed {
  readonly token: ChosenToken;
  readonly error: unknown;
}

interface Outcome {
  readonly revoked: number;
  /** The slowest of them. */
  readonly receipt: ReceiptFields;
  readonly failed: readonly Failed[];
}

interface Props {
  readonly org: string;
  readonly chosen: Chosen;
  onChosen(chosen: Chosen): void;
}

/** Each is a change of its own; more at once would only wait for one another. */
const AT_ONCE = 4;

export function RevokeMany({ org, chosen, onChosen }: Props) {
  const t = useTranslate();
  const client = useQueryClient();
  const [isAsked, setAsked] = useState(false);
  const [typed, setTyped] = useState('');
  const [isWrong, setWrong] = useState(false);
  const [done, setDone] = useState<number | null>(null);
  const [outcome, setOutcome] = useState<Outcome | null>(null);
  const count = chosen.size;
  const isBusy = done !== null;
  const revoke = async () => {
    if (typed.trim() !== String(count)) return setWrong(true);
    setDone(0);
    const found = await revokeAll(org, [...chosen.values()], () => setDone((before) => (before ?? 0) + 1));
    setDone(null);
    setOutcome(found);
    setAsked(false);
    onChosen(new Map(found.failed.map(({ token }) => [token.id, token])));
    void client.invalidateQueries({ queryKey: ['tokens', org] });
  };
  const open = () => {
    setTyped('');
    setWrong(false);
    setAsked(true);
  };
  return (
    <>
      {outcome !== null && <OutcomeNote outcome={outcome} />}
      <div className="row chosen" role="status">
        {count > 0 && (
          <>
            <b>{t('many.chosen', { count })}</b>
            <Button kind="danger" onClick={open}>
              {t('many.revoke')}
            </Button>
            <Button kind="quiet" onClick={() => onChosen(new Map())}>
              {t('many.none')}
            </Button>
          </>
        )}
      </div>
      <ConfirmWindow
        isOpen={isAsked}
        title={t('many.title', { count })}
        action={t('many.revoke')}
        isDangerous
        isBusy={isBusy}
        error={null}
        onConfirm={() => void revoke()}
        onClose={() => !isBusy && setAsked(false)}
      >
        <p>{t('many.consequence')}</p>
        <ChosenList chosen={chosen} />
        <FormField
          label={t('many.type', { count })}
          mistake={isWrong && typed.trim() !== String(count) ? t('many.type.mistake') : undefined}
        >
          {(control) => (
            <input
              {...control}
              inputMode="numeric"
              autoComplete="off"
              value={typed}
              onChange={(event) => setTyped(event.target.value)}
            />
          )}
        </FormField>
        <div role="status">
          {done !== null && (
            <>
              <progress max={count} value={done} aria-label={t('many.revoke')} /> {t('many.progress', { done, count })}
            </>
          )}
        </div>
      </ConfirmWindow>
    </>
  );
}

/** A token takes nothing with it but what uses it: of each, when it was used last. */
function ChosenList({ chosen }: { readonly chosen: Chosen }) {
  const t = useTranslate();
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls is reached by the keyboard
    <ul className="rights tall-list" tabIndex={0} aria-label={t('tokens.title')}>
      {[...chosen.values()].map((token) => (
        <li key={token.id}>
          <span>
            <b>{token.name}</b>{' '}
            <span className="soft small">
              {token.ownerName} {token.ownerName !== token.ownerId && <span className="mono">{token.ownerId}</span>}
            </span>
          </span>
          <span className="row small">
            <StateBadge state={token.state} />
            <span>
              {t('tokens.lastUsed')}: <MomentOr at={token.lastUsedAt} otherwise="tokens.neverUsed" />
            </span>
          </span>
        </li>
      ))}
    </ul>
  );
}

function OutcomeNote({ outcome: { revoked, receipt, failed } }: { readonly outcome: Outcome }) {
  const t = useTranslate();
  return (
    <div className="stack chosen-outcome">
      {revoked > 0 && <ReceiptNote done={t('many.done', { count: revoked })} receipt={receipt} />}
      {failed.length > 0 && (
        <div className="note bad" role="alert">
          <h3>{t('many.failed', { count: failed.length })}</h3>
          <ul>
            {failed.map(({ token, error }) => (
              <li key={token.id}>
                <b>{token.name}</b>: {errorText(error, t)}
              </li>
            ))}
          </ul>
          <p>{t('many.failed.again')}</p>
        </div>
      )}
    </div>
  );
}

function errorText(error: unknown, t: ReturnType<typeof useTranslate>): string {
  if (!(error instanceof ApiError) || error.status === 0) return t('error.unreachable');
  const request = error.requestId === null ? '' : ` · ${error.requestId}`;
  return `${error.message} (${error.code}${request})`;
}

/** Never rejects. */
async function revokeAll(org: string, tokens: readonly ChosenToken[], onOne: () => void): Promise<Outcome> {
  const left = tokens.values();
  const failed: Failed[] = [];
  const receipts: ReceiptFields[] = [];
  const work = async () => {
    for (const token of left) {
      const params = { path: { org, id: token.id }, query: WAIT };
      const asked = answerOf(api.POST('/v1/organizations/{org}/tokens/{id}/revoke', { params }));
      await asked.then(
        (receipt) => receipts.push(receipt),
        (error: unknown) => failed.push({ token, error }),
      );
      onOne();
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, work));
  return { revoked: receipts.length, receipt: slowestOf(receipts), failed };
}

function slowestOf(receipts: readonly ReceiptFields[]): ReceiptFields {
  const late = receipts.find(({ applied }) => applied === false);
  return late ?? receipts.toSorted((left, right) => (right.lagMs ?? 0) - (left.lagMs ?? 0))[0] ?? {};
}
