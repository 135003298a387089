/** What a button does behind a window that asks first: the window opens and closes, the act is carried out once. Draws nothing. */
import { useMutation } from '@tanstack/react-query';
import { useState } from 'react';
import type { ReceiptFields } from './receipt.tsx';

interface Act<Receipt extends ReceiptFields> {
  run(): Promise<Receipt>;
  onDone(receipt: Receipt): void;
}

/** `asking`: what its window is told. */
export function useConfirmed<Receipt extends ReceiptFields>({ run, onDone }: Act<Receipt>) {
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
  const asking = {
    isOpen,
    isBusy: carryOut.isPending,
    error: carryOut.error,
    onConfirm: () => carryOut.mutate(),
    onClose: () => setOpen(false),
  };
  return { open, asking };
}
