/** Where the pages of tokens are. */

export function tokensPath(org: string): string {
  return `/o/${encodeURIComponent(org)}/tokens`;
}

export function tokenPath(org: string, id: string): string {
  return `${tokensPath(org)}/${encodeURIComponent(id)}`;
}
