/** A field for the id of something that people know by its name: offers those whose name holds what was typed. Keeps the id. */
import { useId } from 'react';
import { FormField } from './form-field.tsx';

interface Props {
  readonly label: string;
  readonly hint: string;
  readonly mistake?: string | undefined;
  readonly isOptional?: boolean;
  readonly isRequired?: boolean;
  /** Undefined: nobody has said yet. */
  readonly offered: readonly { readonly id: string; readonly name: string }[] | undefined;
  readonly value: string;
  onChange(id: string): void;
}

export function NamedField({
  label,
  hint,
  mistake,
  isOptional = false,
  isRequired = false,
  offered,
  value,
  onChange,
}: Props) {
  const listId = useId();
  return (
    <FormField label={label} isOptional={isOptional} hint={hint} mistake={mistake}>
      {(control) => (
        <>
          <input
            {...control}
            list={listId}
            required={isRequired}
            spellCheck={false}
            autoComplete="off"
            value={value}
            onChange={(event) => onChange(event.target.value)}
          />
          <datalist id={listId}>
            {offered?.map(({ id, name }) => (
              <option key={id} value={id}>
                {name}
              </option>
            ))}
          </datalist>
        </>
      )}
    </FormField>
  );
}
