/** What can be done with a service account: each asks first, says by a dry run what goes with it, and tells how far it has got. */
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { answerOf, api, type Shapes } from '../api/client.ts';
import { Button } from '../parts/button.tsx';
import { branchesOf } from '../parts/cascade-branches.ts';
import type { CascadeRoot } from '../parts/cascade-tree.tsx';
import { CascadeWindow } from '../parts/cascade-window.tsx';
import { CheckLine } from '../parts/check-line.tsx';
import { ConfirmWindow } from '../parts/confirm-window.tsx';
import { type ReceiptFields, WAIT } from '../parts/receipt.tsx';
import { useTranslate } from '../preferences.tsx';
import type { Translate } from '../text/translate.ts';
import { SecretWindow } from '../tokens/secret-window.tsx';
import type { ShownAccount } from './account-queries.ts';

export interface AccountDone {
  readonly done: string;
  readonly receipt: ReceiptFields;
}

/** Of these nothing else ends. */
type PlainAct = 'rotate' | 'enable';
type EndingAct = 'disable' | 'end' | 'delete';
type AccountAct = PlainAct | EndingAct;

interface Props {
  readonly org: string;
  readonly account: ShownAccount;
  onDone(done: AccountDone): void;
}

export function AccountActions({ org, account, onDone }: Props) {
  const t = useTranslate();
  const client = useQueryClient();
  const [plain, setPlain] = useState<PlainAct | null>(null);
  const [ending, setEnding] = useState<EndingAct | null>(null);
  const [revokes, setRevokes] = useState(false);
  const [secret, setSecret] = useState<string | null>(null);
  const { clientId, name } = account;
  const carryOut = useMutation({
    mutationFn: (act: AccountAct): Promise<ReceiptFields & { clientSecret?: string }> =>
      act === 'rotate' || act === 'enable' ? run(act, org, clientId) : end(act, org, clientId, revokes, WAIT),
    onSuccess: (answer, act) => {
      setPlain(null);
      setEnding(null);
      if (answer.clientSecret !== undefined) setSecret(answer.clientSecret);
      onDone({ done: t(`account.${act}.done`, { name }), receipt: answer });
      if (act === 'delete') client.removeQueries({ queryKey: ['accounts', org, 'one', clientId] });
      void client.invalidateQueries({ queryKey: ['accounts', org] });
    },
  });
  const open = (act: AccountAct) => {
    carryOut.reset();
    if (act === 'rotate' || act === 'enable') setPlain(act);
    else setEnding(act);
  };
  const acts: readonly AccountAct[] = [
    'rotate',
    account.state === 'active' ? 'disable' : 'enable',
    ...(account.tokens.live > 0 ? (['end'] as const) : []),
    'delete',
  ];
  return (
    <>
      {acts.map((act) => (
        <Button key={act} kind={act === 'end' || act === 'delete' ? 'danger' : 'plain'} onClick={() => open(act)}>
          {t(`account.${act}`)}
        </Button>
      ))}
      <ConfirmWindow
        isOpen={plain !== null}
        title={plain === null ? '' : t(`account.${plain}.title`, { name })}
        action={plain === null ? '' : t(`account.${plain}`)}
        isDangerous={plain === 'rotate'}
        isBusy={carryOut.isPending}
        error={carryOut.error}
        onConfirm={() => plain !== null && carryOut.mutate(plain)}
        onClose={() => setPlain(null)}
      >
        <p>{plain === null ? '' : t(`account.${plain}.lead`)}</p>
      </ConfirmWindow>
      <CascadeWindow
        isOpen={ending !== null}
        title={ending === null ? '' : t(`account.${ending}.title`, { name })}
        action={ending === null ? '' : t(`account.${ending}`)}
        lead={ending === null ? '' : t(`account.${ending}.lead`)}
        name={name}
        question={['account', org, clientId, ending, revokes]}
        preview={async () =>
          treeOf(t, org, name, (await end(ending!, org, clientId, revokes, { dryRun: 'true' })).cascade)
        }
        isBusy={carryOut.isPending}
        error={carryOut.error}
        onConfirm={() => ending !== null && carryOut.mutate(ending)}
        onClose={() => setEnding(null)}
      >
        {(ending === 'disable' || ending === 'delete') && <TokenChoice revokes={revokes} onChange={setRevokes} />}
      </CascadeWindow>
      <SecretWindow name={name} secret={secret} variable="SCOPEGATE_CLIENT_SECRET" onClose={() => setSecret(null)} />
    </>
  );
}

/** Whether the access tokens that it has end with it. */
function TokenChoice({ revokes, onChange }: { readonly revokes: boolean; onChange(revokes: boolean): void }) {
  const t = useTranslate();
  return (
    <fieldset aria-label={t('account.tokens')}>
      <p className="label">{t('account.tokens')}</p>
      <CheckLine group="tokens" label={t('account.tokens.drain')} isOn={!revokes} onChange={() => onChange(false)} />
      <CheckLine group="tokens" label={t('account.tokens.revoke')} isOn={revokes} onChange={() => onChange(true)} />
    </fieldset>
  );
}

async function treeOf(
  t: Translate,
  org: string,
  name: string,
  cascade: Shapes['AccountCascade'],
): Promise<CascadeRoot> {
  const { endedTokens, drainingTokens, lostRoles } = cascade;
  const counted = (words: string, count: number, ends: boolean) => (count === 0 ? [] : [{ words, items: [], ends }]);
  return {
    name,
    endedTokens,
    branches: [
      ...counted(t('account.ended', { count: endedTokens }), endedTokens, true),
      ...counted(t('account.draining', { count: drainingTokens }), drainingTokens, false),
      ...(await branchesOf(org, [
        { type: 'workspace', ids: lostRoles, ends: true, words: (count) => t('account.lostRoles', { count }) },
      ])),
    ],
  };
}

async function run(act: PlainAct, org: string, clientId: string) {
  const params = { path: { org, clientId }, query: WAIT };
  return act === 'rotate'
    ? answerOf(api.POST('/v1/organizations/{org}/service-accounts/{clientId}/rotate-secret', { params }))
    : answerOf(api.POST('/v1/organizations/{org}/service-accounts/{clientId}/enable', { params }));
}

async function end(
  act: EndingAct,
  org: string,
  clientId: string,
  revokes: boolean,
  how: { readonly wait: string } | { readonly dryRun: 'true' },
): Promise<ReceiptFields & { readonly cascade: Shapes['AccountCascade'] }> {
  const path = { org, clientId };
  const query = { ...how, ...(revokes ? { tokens: 'revoke' as const } : {}) };
  switch (act) {
    case 'disable':
      return answerOf(
        api.POST('/v1/organizations/{org}/service-accounts/{clientId}/disable', { params: { path, query } }),
      );
    case 'end':
      return answerOf(
        api.POST('/v1/organizations/{org}/service-accounts/{clientId}/revoke-tokens', { params: { path, query: how } }),
      );
    case 'delete':
      return answerOf(api.DELETE('/v1/organizations/{org}/service-accounts/{clientId}', { params: { path, query } }));
  }
}
