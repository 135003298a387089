/** What people know it by: its name with the id below, or the id alone where nobody has told a name. */
import { Link } from 'wouter';
import type { KnownNames, TypedId } from '../api/names.ts';

interface Props {
  readonly names: KnownNames | undefined;
  readonly of: TypedId;
  /** Where more is told of it; absent: nowhere. */
  readonly href?: string;
  /** Beside its name, where there is no line for it. */
  readonly isInline?: boolean;
}

export function KnownBy({ names, of, href, isInline = false }: Props) {
  const id = of.slice(of.indexOf('/') + 1);
  const name = names?.get(of);
  const shown = name ?? <span className="mono">{id}</span>;
  return (
    <>
      {href === undefined ? shown : <Link href={href}>{shown}</Link>}
      {name !== undefined && name !== id && (
        <>
          {' '}
          <span className={`${isInline ? 'soft small' : 'sub'} mono`}>{id}</span>
        </>
      )}
    </>
  );
}
