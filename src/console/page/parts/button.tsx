/** A button. One that works says so and takes no second press; it never leaves the tab order meanwhile. */
import type { ButtonHTMLAttributes } from 'react';

type Kind = 'first' | 'plain' | 'quiet' | 'danger' | 'danger first';

interface Props extends Omit<ButtonHTMLAttributes<HTMLButtonElement>, 'className'> {
  readonly kind?: Kind;
  readonly isBusy?: boolean;
}

export function Button({ kind = 'plain', isBusy = false, onClick, type = 'button', ...rest }: Props) {
  return (
    <button
      {...rest}
      type={type}
      className={`button ${kind}`}
      aria-disabled={isBusy || undefined}
      onClick={(event) => {
        if (isBusy) event.preventDefault();
        else onClick?.(event);
      }}
    />
  );
}
