/** How making or widening a token may be refused: the codes, once, for each operation that does or asks it. */

/** What a token may be granted, by its kind and for its owner. */
export const GRANT_ERRORS = [
  'owner_required',
  'owner_unknown',
  'scopes_required',
  'scope_unknown',
  'scope_exceeds_owner',
  'workspaces_required',
  'workspaces_count',
  'workspaces_not_selectable',
  'workspaces_too_wide',
  'workspace_unknown',
  'workspace_not_selectable',
  'environment_unknown',
  'environments_count',
  'environments_not_selectable',
  'expiry_out_of_range',
  'address_invalid',
  'contact_required',
  'contact_unknown',
  'email_invalid',
] as const;

/** Of a new one. */
export const NEW_ERRORS = {
  400: ['invalid_instant'],
  409: ['limit_reached'],
  422: ['kind_unknown', 'kind_not_held', ...GRANT_ERRORS, 'expiry_required', 'expiry_ambiguous', 'api_version_unknown'],
} as const;
