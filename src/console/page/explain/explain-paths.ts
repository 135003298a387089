/** Where explanations are. */

/** `org` null: whatever the organization. */
export function explainPath(org: string | null): string {
  return org === null ? '/explain' : `/o/${encodeURIComponent(org)}/explain`;
}
