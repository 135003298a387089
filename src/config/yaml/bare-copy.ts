/** Plain data without prototypes: what came out of a YAML file, and copies of it. Reads no YAML. */

export type Mapping = Readonly<Record<string, unknown>>;

export function isMapping(value: unknown): value is Mapping {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** A deep copy, of objects without prototype: nobody can change the data through it, nor read what nobody wrote. */
export function bareCopy(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(bareCopy);
  if (!isMapping(value)) return value;
  const copy: Record<string, unknown> = Object.create(null);
  for (const [key, item] of Object.entries(value)) copy[key] = bareCopy(item);
  return copy;
}
