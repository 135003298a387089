/** Short things beside each other, by the names that people know them by. */
import { Link } from 'wouter';
import { useTranslate } from '../preferences.tsx';

interface ChipsProps {
  readonly title: string;
  /** null: `otherwise`. */
  readonly items: readonly { readonly id: string; readonly name?: string | undefined; readonly href?: string }[] | null;
  readonly otherwise?: string;
}

export function NameChips({ title, items, otherwise }: ChipsProps) {
  const t = useTranslate();
  return (
    <div className="stack tight">
      <h3>{title}</h3>
      {items === null && <p>{otherwise}</p>}
      {items?.length === 0 && <p className="soft">{t('app.none')}</p>}
      {items !== null && items.length > 0 && (
        <ul className="chips">
          {items.map(({ id, name = id, href }) => (
            <li key={id} className="chip" title={name === id ? undefined : id}>
              {href === undefined ? name : <Link href={href}>{name}</Link>}
            </li>
          ))}
        </ul>
      )}
    </div>
  );
}
