/** A value once nobody has changed it for a while: what is typed is asked for in one piece. Asks nothing itself. */
import { useEffect, useState } from 'react';

const SETTLED_MS = 250;

/** `key`: two values with the same are the same. */
export function useSettled<T>(value: T, key: string): T {
  const [settled, setSettled] = useState({ value, key });
  useEffect(() => {
    if (settled.key === key) return;
    const timer = setTimeout(() => setSettled({ value, key }), SETTLED_MS);
    return () => clearTimeout(timer);
  });
  return settled.value;
}
