/** How far a change has got, as the sidecar saw it: the time it took is a fact, not a promise. */
import { useTranslate } from '../preferences.tsx';

export interface ReceiptFields {
  readonly applied?: boolean | undefined;
  readonly processes?: number | null | undefined;
  readonly lagMs?: number | undefined;
}

/** What every change asks for: how long it may take until all have it. */
export const WAIT = { wait: '3000' } as const;

export function ReceiptNote({ done, receipt }: { readonly done: string; readonly receipt: ReceiptFields }) {
  const t = useTranslate();
  const { applied, processes, lagMs = 0 } = receipt;
  return (
    <div className={`note ${applied === false ? 'warn' : 'good'}`} role="status">
      <p>
        {done} {applied === true && processes != null && t('receipt.applied', { count: processes, ms: lagMs })}
        {applied === false && t('receipt.late')}
      </p>
    </div>
  );
}
