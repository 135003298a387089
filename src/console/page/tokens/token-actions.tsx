/** What can be done with a token: each asks first, says the consequence, and tells afterwards how far it has got. */
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { Link, useLocation } from 'wouter';
import { answerOf, api, type Shapes } from '../api/client.ts';
import { policyQuery } from '../api/queries.ts';
import { useCaller } from '../caller.tsx';
import { Button } from '../parts/button.tsx';
import { ConfirmWindow } from '../parts/confirm-window.tsx';
import { FormField } from '../parts/form-field.tsx';
import { type ReceiptFields, WAIT } from '../parts/receipt.tsx';
import { useTranslate } from '../preferences.tsx';
import { SecretWindow } from './secret-window.tsx';
import { tokenPath, tokensPath } from './token-paths.ts';
import type { ShownToken } from './token-words.tsx';
import { TryIt } from './try-it.tsx';

export interface Done {
  readonly done: string;
  readonly receipt: ReceiptFields;
}

type Act = 'activate' | 'deactivate' | 'revoke' | 'rotate' | 'delete';
const DANGEROUS: ReadonlySet<Act> = new Set(['deactivate', 'revoke', 'delete']);
const GRACES_SECONDS = [0, 60, 3600, 86_400];

interface Props {
  readonly org: string;
  readonly token: ShownToken;
  onDone(done: Done): void;
}

export function TokenActions({ org, token, onDone }: Props) {
  const t = useTranslate();
  const client = useQueryClient();
  const [, navigate] = useLocation();
  const { data: policy } = useQuery(policyQuery);
  const [asked, setAsked] = useState<Act | null>(null);
  const [graceSeconds, setGrace] = useState(0);
  const [secret, setSecret] = useState<string | null>(null);
  const graceMaxMs = policy?.kinds[token.kind]?.graceMaxMs ?? null;
  const carryOut = useMutation({
    mutationFn: (act: Act) => run(act, org, token.id, graceSeconds),
    onSuccess: (answer, act) => {
      setAsked(null);
      if (answer.token !== undefined) setSecret(answer.token);
      onDone({ done: t(`token.${act}.done`, { name: token.name }), receipt: answer });
      if (act === 'delete') navigate(tokensPath(org));
      void client.invalidateQueries({ queryKey: ['tokens', org] });
    },
  });
  const acts = useActs(token, graceMaxMs !== null);
  const open = (act: Act) => {
    carryOut.reset();
    setGrace(0);
    setAsked(act);
  };
  const mayEdit = useMayEdit(token, policy?.kinds[token.kind]);
  return (
    <>
      {mayEdit && (
        <Link href={`${tokenPath(org, token.id)}/edit`} className="button">
          {t('token.edit')}
        </Link>
      )}
      {acts.map((act) => (
        <Button key={act} kind={act === 'revoke' || act === 'delete' ? 'danger' : 'plain'} onClick={() => open(act)}>
          {t(`token.${act}`)}
        </Button>
      ))}
      <ConfirmWindow
        isOpen={asked !== null}
        title={asked === null ? '' : t(`token.${asked}.title`, { name: token.name })}
        action={asked === null ? '' : t(`token.${asked}`)}
        isDangerous={asked !== null && DANGEROUS.has(asked)}
        isBusy={carryOut.isPending}
        error={carryOut.error}
        onConfirm={() => asked !== null && carryOut.mutate(asked)}
        onClose={() => setAsked(null)}
      >
        <p>{asked === null ? '' : t(`token.${asked}.consequence`)}</p>
        {asked === 'rotate' && (
          <GraceChoice maxSeconds={(graceMaxMs ?? 0) / 1000} value={graceSeconds} onChange={setGrace} />
        )}
      </ConfirmWindow>
      <SecretWindow name={token.name} secret={secret} onClose={() => setSecret(null)}>
        {secret !== null && <TryIt org={org} id={token.id} secret={secret} />}
      </SecretWindow>
    </>
  );
}

/** Its owner; of what belongs to the organization its administrators, too. What they may, the API decides. */
export function useMayEdit({ state, ownerId }: ShownToken, kind: Shapes['TokenKind'] | undefined): boolean {
  const { kind: caller, member, seesAllTokens } = useCaller();
  if (kind === undefined || state === 'revoked') return false;
  if (caller === 'operator' || (member !== null && member.id === ownerId)) return true;
  return seesAllTokens && kind.authority === 'frozen';
}

/** Only what the state allows, and what the caller may be allowed: what they may, the API decides. */
function useActs({ state, ownerId }: ShownToken, mayRotate: boolean): readonly Act[] {
  const { kind, member, seesAllTokens } = useCaller();
  const isOwn = kind === 'operator' || (member !== null && member.id === ownerId);
  if (!isOwn && !seesAllTokens) return [];
  return [
    ...(isOwn && mayRotate && (state === 'active' || state === 'inactive') ? (['rotate'] as const) : []),
    ...(isOwn && state === 'inactive' ? (['activate'] as const) : []),
    ...(state === 'active' ? (['deactivate'] as const) : []),
    ...(state === 'active' || state === 'inactive' ? (['revoke'] as const) : []),
    'delete',
  ];
}

function GraceChoice(props: { readonly maxSeconds: number; readonly value: number; onChange(seconds: number): void }) {
  const t = useTranslate();
  const { maxSeconds, value, onChange } = props;
  const words: Readonly<Record<number, string>> = {
    0: t('grace.now'),
    60: t('grace.minute'),
    3600: t('grace.hour'),
    86400: t('grace.day'),
  };
  return (
    <FormField label={t('grace.label')}>
      {(control) => (
        <select {...control} value={value} onChange={(event) => onChange(Number(event.target.value))}>
          {GRACES_SECONDS.filter((seconds) => seconds <= maxSeconds).map((seconds) => (
            <option key={seconds} value={seconds}>
              {words[seconds]}
            </option>
          ))}
        </select>
      )}
    </FormField>
  );
}

async function run(
  act: Act,
  org: string,
  id: string,
  graceSeconds: number,
): Promise<ReceiptFields & { token?: string }> {
  const params = { path: { org, id }, query: WAIT };
  switch (act) {
    case 'activate':
      return answerOf(api.POST('/v1/organizations/{org}/tokens/{id}/activate', { params }));
    case 'deactivate':
      return answerOf(api.POST('/v1/organizations/{org}/tokens/{id}/deactivate', { params }));
    case 'revoke':
      return answerOf(api.POST('/v1/organizations/{org}/tokens/{id}/revoke', { params }));
    case 'rotate':
      return answerOf(api.POST('/v1/organizations/{org}/tokens/{id}/rotate', { params, body: { graceSeconds } }));
    case 'delete':
      return answerOf(api.DELETE('/v1/organizations/{org}/tokens/{id}', { params }));
  }
}
