/** A field of one line, or of several, in a form. Keeps nothing itself. */
import { FormField } from './form-field.tsx';

interface Props {
  readonly label: string;
  readonly hint?: string;
  readonly mistake?: string | undefined;
  readonly isOptional?: boolean;
  /** Ids and patterns: no words of any language. */
  readonly isWord?: boolean;
  /** Several lines. */
  readonly isLong?: boolean;
  readonly type?: 'text' | 'email';
  readonly value: string;
  onChange(value: string): void;
}

export function TextField(props: Props) {
  const { label, hint, mistake, isOptional = false, isWord = false, isLong = false, type = 'text', value } = props;
  return (
    <FormField {...{ label, hint, mistake, isOptional }}>
      {(control) => {
        const shared = {
          ...control,
          ...(isWord ? { spellCheck: false, autoComplete: 'off', className: 'mono' } : {}),
          required: !isOptional,
          value,
          onChange: (event: { readonly target: { readonly value: string } }) => props.onChange(event.target.value),
        };
        return isLong ? <textarea {...shared} /> : <input {...shared} type={type} />;
      }}
    </FormField>
  );
}
