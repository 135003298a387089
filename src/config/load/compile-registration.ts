/** What a route registers and removes, checked: always the workspace and the resource that were judged. */
import type { Registration } from '../../core/registration.ts';
import type { GatewayFile } from '../schema/gateway-schema.ts';
import type { Path } from '../yaml/yaml-tree.ts';
import type { Notes } from './notes.ts';

type RouteFile = GatewayFile['routes'][number];
type Places = string | readonly string[];

/** null: nothing. */
export function compileRegistration(notes: Notes, file: RouteFile, at: Path): Registration | null {
  const { register, unregister, require } = file;
  if (register === undefined && unregister === undefined) return null;
  for (const key of ['register', 'unregister'] as const)
    if (file[key] !== undefined && file.public === true)
      notes.problem([...at, key], `a public route has no "${key}": there is no token whose owner it would be for`, {
        key: true,
      });
  if (file.public === true) return null;
  const judged = require?.workspace?.from;
  if (register !== undefined && !isSame(register.workspace, judged))
    notes.problem([...at, 'register', 'workspace'], mustBe('require.workspace.from', judged));
  const { resource } = require ?? {};
  if (unregister !== undefined && !isSame(unregister.id, resource?.from))
    notes.problem([...at, 'unregister', 'id'], mustBe('require.resource.from', resource?.from));
  else if (unregister !== undefined && unregister.type !== resource!.type)
    notes.problem([...at, 'unregister', 'type'], mustBe('require.resource.type', resource!.type));
  const named = register?.id.slice('answer.'.length);
  return {
    register: named === undefined ? null : { type: register!.type, id: { name: named, path: named.split('.') } },
    unregister: unregister?.type ?? null,
  };
}

function mustBe(what: string, judged: Places | undefined): string {
  if (judged === undefined) return `must be what ${what} says, so that it is judged; this route has none`;
  return `must be what ${what} says, so that it is judged: ${typeof judged === 'string' ? judged : `[${judged.join(', ')}]`}`;
}

function isSame(said: Places, judged: Places | undefined): boolean {
  return judged !== undefined && [said].flat().join(' ') === [judged].flat().join(' ');
}
