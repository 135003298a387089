/** The value of a token, this once. Nobody leaves it by mistake: closing asks whether it is stored. */
import { useQuery } from '@tanstack/react-query';
import { useEffect, useId, useState } from 'react';
import type { Shapes } from '../api/client.ts';
import { reachQuery } from '../api/queries.ts';
import { Button } from '../parts/button.tsx';
import { CopiedLine } from '../parts/notes.tsx';
import { PageWindow } from '../parts/window.tsx';
import { useTranslate } from '../preferences.tsx';

interface Props {
  readonly name: string;
  /** null: closed. */
  readonly secret: string | null;
  /** Under which a program finds it in its environment. */
  readonly variable?: string;
  onClose(): void;
}

export function SecretWindow({ name, secret, variable = 'SCOPEGATE_TOKEN', onClose }: Props) {
  readonly org: string;
  /** null: there is none yet. */
  readonly token: { readonly id: string; readonly name: string } | null;
  /** null: closed. */
  readonly secret: string | null;
  onClose(): void;
}

export function SecretWindow({ org, token, secret, onClose }: Props) {
  const t = useTranslate();
  const id = useId();
  const [isStored, setStored] = useState(false);
  const [isWarned, setWarned] = useState(false);
  useEffect(() => {
    if (secret === null) return;
    const warn = (event: BeforeUnloadEvent) => event.preventDefault();
    window.addEventListener('beforeunload', warn);
    return () => window.removeEventListener('beforeunload', warn);
  }, [secret]);
  const close = () => {
    if (!isStored) return setWarned(true);
    setStored(false);
    setWarned(false);
    onClose();
  };
  return (
    <PageWindow isOpen={secret !== null} title={t('secret.title', { name: token?.name ?? '' })} onClose={close}>
      <p>{t('secret.once')}</p>
      <CopiedLine text={secret ?? ''} />
      <p className="soft small">{t('secret.env')}</p>
      <CopiedLine text={`${variable}=${secret ?? ''}`} />
      <CopiedLine text={`SCOPEGATE_TOKEN=${secret ?? ''}`} />
      {secret !== null && token !== null && <TryIt org={org} id={token.id} secret={secret} />}
      <div className="check">
        <input id={id} type="checkbox" checked={isStored} onChange={(event) => setStored(event.target.checked)} />
        <label htmlFor={id}>{t('secret.stored')}</label>
      </div>
      {isWarned && !isStored && (
        <div className="note warn" role="alert">
          <p>{t('secret.notStored')}</p>
        </div>
      )}
      <div className="ends">
        <Button kind="first" onClick={close}>
          {t('app.close')}
        </Button>
      </div>
    </PageWindow>
  );
}

/** A call that the gateway lets through with it, so that whoever stores it sees that it works. */
function TryIt({ org, id, secret }: { readonly org: string; readonly id: string; readonly secret: string }) {
  const t = useTranslate();
  const { data } = useQuery(reachQuery(org, id));
  // There is room for it before it comes.
  if (data === undefined) return <div className="try-it soft small">{t('reach.wait')}</div>;
  const examples = data.items.flatMap(({ example }) => (example === null ? [] : [example]));
  const example = examples.find(({ path }) => !path.includes('{')) ?? examples[0];
  if (example === undefined || data.gateway === null)
    return <p className="try-it soft small">{t('secret.curl.none')}</p>;
  return (
    <div className="try-it stack tight">
      <p className="soft small">{t(example.path.includes('{') ? 'secret.curl.braces' : 'secret.curl')}</p>
      <CopiedLine text={curlOf(data.gateway, example, secret)} />
    </div>
  );
}

type Example = NonNullable<Shapes['TokenReach']['items'][number]['example']>;

function curlOf(gateway: string, { path, headers }: Example, secret: string): string {
  const sent = [{ name: 'Authorization', value: `Bearer ${secret}` }, ...headers];
  const words = sent.map(({ name, value }) => `-H ${quoted(`${name}: ${value}`)}`);
  return ['curl -i', ...words, quoted(gateway + path)].join(' ');
}

function quoted(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}
