/** The title of a page, in it and in the window, and what one can do there. */
import { type ReactNode, useEffect } from 'react';

interface Props {
  readonly title: string;
  readonly lead?: ReactNode;
  readonly children?: ReactNode;
}

export function PageHead({ title, lead, children }: Props) {
  useEffect(() => {
    document.title = `${title} · scopegate`;
  }, [title]);
  return (
    <div className="head">
      <div className="grow">
        <h1>{title}</h1>
        {lead !== undefined && <p>{lead}</p>}
      </div>
      {children !== undefined && <div className="actions">{children}</div>}
    </div>
  );
}
