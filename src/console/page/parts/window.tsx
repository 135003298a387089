/** A window over the page: keeps the focus while it is open, and gives it back. One look for all of them. */
import { Dialog } from '@base-ui/react/dialog';
import type { ReactNode } from 'react';

interface Props {
  readonly isOpen: boolean;
  readonly title: string;
  /** Escape, or a press beside it. Absent: it stays. */
  readonly onClose?: () => void;
  readonly children: ReactNode;
}

export function PageWindow({ isOpen, title, onClose, children }: Props) {
  return (
    <Dialog.Root
      open={isOpen}
      onOpenChange={(open) => {
        if (!open) onClose?.();
      }}
    >
      <Dialog.Portal>
        <Dialog.Backdrop className="backdrop" />
        <Dialog.Popup className="dialog">
          <Dialog.Title>{title}</Dialog.Title>
          {children}
        </Dialog.Popup>
      </Dialog.Portal>
    </Dialog.Root>
  );
}
