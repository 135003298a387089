/** What follows a change of the directory: it is told of, and whatever rests on it is asked anew. */
import { useQueryClient } from '@tanstack/react-query';
import type { ReceiptFields } from '../parts/receipt.tsx';

export interface DirectoryDone {
  readonly done: string;
  readonly receipt: ReceiptFields;
}

type Gone = readonly [kind: 'member' | 'team' | 'workspace' | 'policy', id: string];

/** `gone`: what is asked for no more. */
export function useAfterChange(org: string, onDone: (done: DirectoryDone) => void) {
  const client = useQueryClient();
  return (done: string, receipt: ReceiptFields, gone?: Gone) => {
    onDone({ done, receipt });
    if (gone !== undefined) client.removeQueries({ queryKey: ['directory', org, ...gone] });
    for (const area of ['directory', 'tokens', 'accounts', 'principals', 'workspaces', 'grantable'])
      void client.invalidateQueries({ queryKey: [area, org] });
  };
}
