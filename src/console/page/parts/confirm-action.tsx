/** A button for something that is small, or takes nothing with it: asks, does it, tells how far it has got. */
import type { ReactNode } from 'react';
import { Button } from './button.tsx';
import { ConfirmWindow } from './confirm-window.tsx';
import type { ReceiptFields } from './receipt.tsx';
import { useConfirmed } from './use-confirmed.ts';

interface Props<Receipt extends ReceiptFields> {
  readonly action: string;
  /** Where the same button stands in several lines: which it is. */
  readonly label?: string;
  readonly title: string;
  readonly lead: string;
  readonly kind?: 'plain' | 'quiet' | 'danger';
  /** What it comes to, below the lead. */
  readonly children?: ReactNode;
  run(): Promise<Receipt>;
  onDone(receipt: Receipt): void;
}

export function ConfirmAction<Receipt extends ReceiptFields>(props: Props<Receipt>) {
  const { action, label, title, lead, kind = 'quiet', run, onDone, children } = props;
  const { open, asking } = useConfirmed({ run, onDone });
  return (
    <>
      <Button kind={kind} aria-label={label} onClick={open}>
        {action}
      </Button>
      <ConfirmWindow {...{ title, action, ...asking }} isDangerous>
        <p>{lead}</p>
        {children}
      </ConfirmWindow>
    </>
  );
}
