/** Names and values of a query string. Decodes text; never decides which value counts. */

/** application/x-www-form-urlencoded text; null where its percent or UTF-8 encoding is broken. */
export function decodeFormText(text: string): string | null {
  if (!text.includes('%') && !text.includes('+')) return text;
  try {
    return decodeURIComponent(text.replaceAll('+', ' '));
  } catch {
    return null;
  }
}
