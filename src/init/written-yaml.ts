/** Pieces of YAML as people write them: plain where that can be read in one way only, quoted elsewhere. Reads none. */

const PLAIN = /^[A-Za-z/][A-Za-z0-9_./*-]*$/;
/** What some reader of YAML takes for something else than text. */
const OTHERWISE = /^(?:true|false|null|yes|no|on|off|y|n|inf|nan)$/i;

/** In flow style, on one line. */
export function flow(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(flow).join(', ')}]`;
  if (typeof value === 'object' && value !== null) {
    const pairs = Object.entries(value).map(([key, each]) => `${flow(key)}: ${flow(each)}`);
    return pairs.length === 0 ? '{}' : `{ ${pairs.join(', ')} }`;
  }
  if (typeof value !== 'string') return JSON.stringify(value ?? null);
  // A variable would be replaced when the file is read.
  return PLAIN.test(value) && !OTHERWISE.test(value) ? value : JSON.stringify(value.replaceAll('${', () => '$${'));
}

/** One line behind `#`, whatever it is made from. */
export function comment(text: string): string {
  const line = text.replace(/[\s\p{Cc}\p{Cf}]+/gu, ' ').trim();
  return `# ${line.length > 160 ? `${line.slice(0, 159)}…` : line}`;
}
