/** What a page that asks again and again says of its own age. What was shown stays; this says how old it is, and why. */
import { useEffect, useState } from 'react';
import { ApiError } from '../api/client.ts';
import { useTranslate } from '../preferences.tsx';

interface Asked {
  readonly data: unknown;
  readonly error: unknown;
  /** Milliseconds since 1970; 0: never. */
  readonly dataUpdatedAt: number;
}

/** An answer may take so long before anybody is told. */
const PATIENCE_MS = 2500;

export function LiveNote({ asked, everyMs }: { readonly asked: Asked; readonly everyMs: number | false }) {
  const t = useTranslate();
  const nowMs = useNow();
  const ageMs = Math.max(0, nowMs - asked.dataUpdatedAt);
  const state =
    asked.data === undefined
      ? asked.error === null
        ? 'first'
        : 'none'
      : asked.error !== null
        ? 'failed'
        : everyMs === false
          ? 'paused'
          : ageMs > everyMs + PATIENCE_MS
            ? 'late'
            : 'live';
  const tone = { first: 'none', none: 'bad', failed: 'bad', paused: 'none', late: 'warn', live: 'good' }[state];
  const seconds = Math.round(ageMs / 1000);
  const error = asked.error instanceof ApiError && state === 'failed' ? asked.error : null;
  return (
    <div className="live-note small">
      <span className={`badge ${tone}`}>{t(`live.${state}`)}</span>
      {!['first', 'none', 'live'].includes(state) && <span className="soft">{t('live.age', { count: seconds })}</span>}
      {error !== null && <code>{[error.code, error.requestId].filter((each) => each !== null).join(' ')}</code>}
      <span className="hidden" role="status">
        {state === 'failed' || state === 'late' ? t(`live.${state}`) : ''}
      </span>
    </div>
  );
}

function useNow(): number {
  const [nowMs, setNowMs] = useState(() => Date.now());
  useEffect(() => {
    const timer = setInterval(() => setNowMs(Date.now()), 1000);
    return () => clearInterval(timer);
  }, []);
  return nowMs;
}
