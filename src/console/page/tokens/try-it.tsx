/** A call to try a new value with, from what its token reaches. Sends nothing. */
import { useQuery } from '@tanstack/react-query';
import type { Shapes } from '../api/client.ts';
import { reachQuery } from '../api/queries.ts';
import { CopiedLine } from '../parts/notes.tsx';
import { useTranslate } from '../preferences.tsx';

/** A call that the gateway lets through with it, so that whoever stores it sees that it works. */
export function TryIt({ org, id, secret }: { readonly org: string; readonly id: string; readonly secret: string }) {
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
