/** A field of text that tells what was typed when the typing stops, so that nothing is asked for half a word. */
import { useEffect, useId, useState } from 'react';
import { FormField } from './form-field.tsx';

/** While somebody types nothing is asked. */
const TYPING_MS = 250;

interface Props {
  readonly label: string;
  readonly value: string;
  readonly placeholder?: string;
  /** What has such an id, by name: to choose from. */
  readonly offered?: readonly { readonly id: string; readonly name: string }[] | undefined;
  onChange(value: string): void;
  /** At each key. */
  onTyped?(text: string): void;
}

export function TypedField({ label, value, placeholder, offered, onChange, onTyped }: Props) {
  const listId = useId();
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
        <>
          <input
            {...control}
            type="search"
            spellCheck={false}
            placeholder={placeholder}
            list={offered && listId}
            value={typed}
            onChange={(event) => {
              setTyped(event.target.value);
              onTyped?.(event.target.value);
            }}
          />
          {offered && (
            <datalist id={listId}>
              {offered.map(({ id, name }) => (
                <option key={id} value={id}>
                  {name}
                </option>
              ))}
            </datalist>
          )}
        </>
      )}
    </FormField>
  );
}
