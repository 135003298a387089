/**
 * Of what kind a body is, by its headers: JSON or a form, in UTF-8 and not encoded. Whatever two readers could take for
 * two kinds is none. Looks at no byte of the body.
 */
import { foldHeaderName } from '../folded-name.ts';
import { lowerName } from '../framing.ts';

export type BodyType = 'json' | 'form';

const TOKEN = "[!#$%&'*+.^_`|~0-9A-Za-z-]+";
const TYPE = new RegExp(`^(${TOKEN}/${TOKEN})((?:[ \\t]*;[ \\t]*(?:${TOKEN}=(?:${TOKEN}|"[^"\\\\]*"))?)*)[ \\t]*$`);
const PARAMETER = new RegExp(`;[ \\t]*(${TOKEN})=(${TOKEN}|"[^"\\\\]*")`, 'g');
const JSON_TYPE = /^(?:application\/json|[^/]+\/[^/]+\+json)$/;
const FORM_TYPE = 'application/x-www-form-urlencoded';
const UTF8 = /^"?utf-?8"?$/i;

/** `headers`: raw pairs. null: none that is read here. */
export function bodyTypeOf(headers: readonly string[]): BodyType | null {
  let value: string | null = null;
  for (let index = 0; index < headers.length; index += 2) {
    const name = headers[index]!;
    const folded = foldHeaderName(name);
    if (folded === 'content-encoding') return null;
    // Named there, it is dropped on the way, and the upstream would take the body for something else.
    if (folded === 'connection' && /(?:^|,)[ \t]*content-type[ \t]*(?:,|$)/i.test(headers[index + 1]!)) return null;
    if (folded !== 'content-type') continue;
    if (value !== null || lowerName(name) !== 'content-type') return null;
    value = headers[index + 1]!;
  }
  return value === null ? null : typeNamed(value);
}

function typeNamed(value: string): BodyType | null {
  const read = TYPE.exec(value);
  if (read === null) return null;
  const charsets = [...read[2]!.matchAll(PARAMETER)].filter(([, name]) => name!.toLowerCase() === 'charset');
  if (charsets.length > 1 || charsets.some(([, , charset]) => !UTF8.test(charset!))) return null;
  const type = read[1]!.toLowerCase();
  if (type === FORM_TYPE) return 'form';
  return JSON_TYPE.test(type) ? 'json' : null;
}
