/** A labelled control with its hint and what is wrong with it, tied together for those who hear the page. */
import { type ReactNode, useId } from 'react';
import { useTranslate } from '../preferences.tsx';

interface Control {
  readonly id: string;
  readonly 'aria-describedby': string | undefined;
  readonly 'aria-invalid': true | undefined;
}

interface Props {
  readonly label: string;
  readonly isOptional?: boolean;
  readonly hint?: string | undefined;
  readonly mistake?: string | undefined;
  readonly children: (control: Control) => ReactNode;
}

export function FormField({ label, isOptional = false, hint, mistake, children }: Props) {
  const t = useTranslate();
  const id = useId();
  const described = [hint === undefined ? '' : `${id}-hint`, mistake === undefined ? '' : `${id}-mistake`]
    .filter((each) => each !== '')
    .join(' ');
  return (
    <div className="field">
      <label htmlFor={id}>
        {label} {isOptional && <span className="soft">({t('app.optional')})</span>}
      </label>
      {children({
        id,
        'aria-describedby': described === '' ? undefined : described,
        'aria-invalid': mistake === undefined ? undefined : true,
      })}
      {hint !== undefined && (
        <span className="hint" id={`${id}-hint`}>
          {hint}
        </span>
      )}
      {mistake !== undefined && (
        <span className="mistake" id={`${id}-mistake`}>
          {mistake}
        </span>
      )}
    </div>
  );
}
