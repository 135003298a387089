// Says that Node is too old, before anything else is loaded. Plain JavaScript without imports, so that an old Node can read it.

/**
 * @param {string} version as `process.versions.node` has it
 * @returns {string | null} one line; null: it is new enough
 */
export function whyTooOld(version) {
  const [major, minor] = version.split('.').map(Number);
  if (major > 22 || (major === 22 && minor >= 19)) return null;
  return `scopegate needs Node 22.19 or newer, this is ${version}.`;
}
