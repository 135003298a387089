/** A box to tick, or one of several to choose, with what it means. */
import { type ReactNode, useId } from 'react';

interface Props {
  readonly label: ReactNode;
  readonly hint?: string;
  readonly isOn: boolean;
  /** The group it is one of; absent: a box of its own. */
  readonly group?: string;
  onChange(isOn: boolean): void;
}

export function CheckLine({ label, hint, isOn, group, onChange }: Props) {
  const id = useId();
  return (
    <div className="check">
      <input
        id={id}
        type={group === undefined ? 'checkbox' : 'radio'}
        name={group}
        checked={isOn}
        aria-describedby={hint === undefined ? undefined : `${id}-hint`}
        onChange={(event) => onChange(event.target.checked)}
      />
      <div>
        <label htmlFor={id}>{label}</label>
        {hint !== undefined && (
          <span className="soft" id={`${id}-hint`}>
            {hint}
          </span>
        )}
      </div>
    </div>
  );
}
