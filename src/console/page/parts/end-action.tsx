/** A button for something that takes other things with it: the dry run in its window, then the act, then how far it has got. */
import { useMutation } from '@tanstack/react-query';
import { type ReactNode, useState } from 'react';
import { Button } from './button.tsx';
import type { CascadeRoot } from './cascade-tree.tsx';
import { CascadeWindow } from './cascade-window.tsx';
import type { ReceiptFields } from './receipt.tsx';

interface Props {
  readonly action: string;
  readonly title: string;
  readonly lead: string;
  readonly name: string;
  /** See CascadeWindow. */
  readonly question: readonly unknown[] | null;
  readonly children?: ReactNode;
  preview(): Promise<CascadeRoot>;
  run(): Promise<ReceiptFields>;
  onDone(receipt: ReceiptFields): void;
}

export function EndAction({ action, title, lead, name, question, children, preview, run, onDone }: Props) {
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
      <Button kind="danger" onClick={open}>
        {action}
      </Button>
      <CascadeWindow
        {...{ isOpen, title, action, lead, name, question, preview }}
        isBusy={carryOut.isPending}
        error={carryOut.error}
        onConfirm={() => carryOut.mutate()}
        onClose={() => setOpen(false)}
      >
        {children}
      </CascadeWindow>
    </>
  );
}
