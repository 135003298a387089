/** A field of text that tells what was typed when the typing stops, so that nothing is asked for half a word. */
import { useEffect, useState } from 'react';
import { FormField } from './form-field.tsx';

/** While somebody types nothing is asked. */
const TYPING_MS = 250;

interface Props {
  readonly label: string;
  readonly value: string;
  readonly placeholder?: string;
  onChange(value: string): void;
}

export function TypedField({ label, value, placeholder, onChange }: Props) {
  const [typed, setTyped] = useState(value);
  useEffect(() => setTyped(value), [value]);
  useEffect(() => {
    if (typed.trim() === value) return;
    const timer = setTimeout(() => onChange(typed.trim()), TYPING_MS);
    return () => clearTimeout(timer);
  });
  return (
    <FormField label={label}>
      {(control) => (
        <input
          {...control}
          type="search"
          spellCheck={false}
          placeholder={placeholder}
          value={typed}
          onChange={(event) => setTyped(event.target.value)}
        />
      )}
    </FormField>
  );
}
