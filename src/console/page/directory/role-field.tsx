/** Which role a member has in the organization, of those that the policy has. Asks nobody. */
import { FormField } from '../parts/form-field.tsx';
import { useTranslate } from '../preferences.tsx';

interface Props {
  /** Undefined: the policy has not come yet. */
  readonly roles: readonly string[] | undefined;
  readonly mistake?: string | undefined;
  readonly value: string;
  onChange(role: string): void;
}

export function RoleField({ roles, mistake, value, onChange }: Props) {
  const t = useTranslate();
  return (
    <FormField label={t('directory.role')} mistake={mistake}>
      {(control) => (
        <select {...control} value={value} onChange={(event) => onChange(event.target.value)}>
          {roles?.map((each) => (
            <option key={each}>{each}</option>
          ))}
        </select>
      )}
    </FormField>
  );
}
