/** A moment to be typed or picked, by the clock of whoever does; what is kept is the instant, in UTC. */
import { useEffect, useState } from 'react';
import { FormField } from './form-field.tsx';

/** While somebody types nothing is asked. */
const PICKING_MS = 400;

interface Props {
  readonly label: string;
  /** RFC 3339; empty: none. */
  readonly value: string;
  onChange(value: string): void;
}

export function MomentField({ label, value, onChange }: Props) {
  const shown = localOf(value);
  const [typed, setTyped] = useState(shown);
  useEffect(() => setTyped(shown), [shown]);
  useEffect(() => {
    if (typed === shown) return;
    const timer = setTimeout(() => onChange(typed === '' ? '' : new Date(typed).toISOString()), PICKING_MS);
    return () => clearTimeout(timer);
  });
  return (
    <FormField label={label}>
      {(control) => (
        <input {...control} type="datetime-local" value={typed} onChange={(event) => setTyped(event.target.value)} />
      )}
    </FormField>
  );
}

/** As such a field has it: to the minute, without a zone. */
function localOf(instant: string): string {
  const ms = Date.parse(instant);
  if (Number.isNaN(ms)) return '';
  return new Date(ms - new Date(ms).getTimezoneOffset() * 60_000).toISOString().slice(0, 16);
}
