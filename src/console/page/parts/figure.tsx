/** A number with what it is, and the way to what it counts. It has its place before it is known. */
import type { ReactNode } from 'react';
import { Link } from 'wouter';

interface Props {
  readonly label: string;
  /** null: not known yet. */
  readonly value: string | null;
  readonly detail?: ReactNode;
  readonly tone?: 'good' | 'warn' | 'bad';
  /** Absent: there is nothing to go to. */
  readonly href?: string;
}

export function Figures({ label, children }: { readonly label: string; readonly children: ReactNode }) {
  return (
    <ul className="figures" aria-label={label}>
      {children}
    </ul>
  );
}

export function Figure({ label, value, detail, tone, href }: Props) {
  const inner = (
    <>
      <span className="label">{label}</span>
      <span className={`value ${tone ?? ''}`}>{value ?? '–'}</span>
      <span className="detail">{detail}</span>
    </>
  );
  return (
    <li>
      {href === undefined ? (
        <div className="figure">{inner}</div>
      ) : (
        <Link className="figure" href={href}>
          {inner}
        </Link>
      )}
    </li>
  );
}
