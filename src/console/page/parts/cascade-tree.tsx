/** What an act takes with it, as a tree: the thing itself, and below it what ends or goes on, each with how many. */
import { useTranslate } from '../preferences.tsx';

export interface CascadeBranch {
  readonly words: string;
  /** What it names; where only its number is known, none. `name` null: nobody has told it. */
  readonly items: readonly { readonly id: string; readonly name: string | null }[];
  /** It ends; otherwise it goes on. */
  readonly ends: boolean;
}

export interface CascadeRoot {
  readonly name: string;
  readonly branches: readonly CascadeBranch[];
  /** Tokens that end at once. */
  readonly endedTokens: number;
}

/** Beyond so many only their number is said. */
export const SHOWN_MAX = 12;

export function CascadeTree({ name, branches }: CascadeRoot) {
  const t = useTranslate();
  return (
    <section className="cascade" aria-label={t('cascade.title')}>
      <p>
        <b>{name}</b>
      </p>
      {branches.length === 0 && <p className="soft">{t('cascade.nothing')}</p>}
      {branches.length > 0 && (
        <ul>
          {branches.map(({ words, items, ends }) => (
            <li key={words}>
              <span className={`badge ${ends ? 'bad' : 'none'}`}>{words}</span>
              {items.length > 0 && (
                <ul>
                  {items.slice(0, SHOWN_MAX).map(({ id, name }) => (
                    <li key={id}>
                      {name} <code className={name === null ? undefined : 'soft small'}>{id}</code>
                    </li>
                  ))}
                  {items.length > SHOWN_MAX && (
                    <li className="soft">{t('cascade.more', { count: items.length - SHOWN_MAX })}</li>
                  )}
                </ul>
              )}
            </li>
          ))}
        </ul>
      )}
    </section>
  );
}
