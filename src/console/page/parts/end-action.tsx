/** A button for something that takes other things with it: the dry run in its window, then the act, then how far it has got. */
import type { ReactNode } from 'react';
import { Button } from './button.tsx';
import type { CascadeRoot } from './cascade-tree.tsx';
import { CascadeWindow } from './cascade-window.tsx';
import type { ReceiptFields } from './receipt.tsx';
import { useConfirmed } from './use-confirmed.ts';

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
  const { open, asking } = useConfirmed({ run, onDone });
  return (
    <>
      <Button kind="danger" onClick={open}>
        {action}
      </Button>
      <CascadeWindow {...{ title, action, lead, name, question, preview, ...asking }}>{children}</CascadeWindow>
    </>
  );
}
