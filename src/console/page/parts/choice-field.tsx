/** One of a few words that are known beforehand. Keeps nothing itself. */
import { FormField } from './form-field.tsx';

interface Props<Value extends string> {
  readonly label: string;
  readonly hint?: string;
  readonly mistake?: string | undefined;
  readonly options: ReadonlyArray<readonly [value: Value, words: string]>;
  readonly value: Value;
  onChange(value: Value): void;
}

export function ChoiceField<Value extends string>(props: Props<Value>) {
  const { label, hint, mistake, options, value, onChange } = props;
  return (
    <FormField {...{ label, hint, mistake }}>
      {(control) => (
        <select {...control} value={value} onChange={(event) => onChange(event.target.value as Value)}>
          {options.map(([each, words]) => (
            <option key={each} value={each}>
              {words}
            </option>
          ))}
        </select>
      )}
    </FormField>
  );
}
