/** A button for something that is small, or takes nothing with it: asks, does it, tells how far it has got. */
import { useMutation } from '@tanstack/react-query';
import { useState } from 'react';
import { Button } from './button.tsx';
import { ConfirmWindow } from './confirm-window.tsx';
import type { ReceiptFields } from './receipt.tsx';

interface Props<Receipt extends ReceiptFields> {
  readonly action: string;
  /** Where the same button stands in several lines: which it is. */
  readonly label?: string;
  readonly title: string;
  readonly lead: string;
  readonly kind?: 'quiet' | 'danger';
  run(): Promise<Receipt>;
  onDone(receipt: Receipt): void;
}

export function ConfirmAction<Receipt extends ReceiptFields>(props: Props<Receipt>) {
  const { action, label, title, lead, kind = 'quiet', run, onDone } = props;
  const [isOpen, setOpen] = useState(false);
  const carryOut = useMutation({
    mutationFn: run,
    onSuccess: (receipt) => {
      setOpen(false);
      onDone(receipt);
    },
  });
  const open = () => {
    carryOut.reset();
    setOpen(true);
  };
  return (
    <>
      <Button kind={kind} aria-label={label} onClick={open}>
        {action}
      </Button>
      <ConfirmWindow
        {...{ isOpen, title, action }}
        isDangerous
        isBusy={carryOut.isPending}
        error={carryOut.error}
        onConfirm={() => carryOut.mutate()}
        onClose={() => setOpen(false)}
      >
        <p>{lead}</p>
      </ConfirmWindow>
    </>
  );
}
