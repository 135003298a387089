/** Names that another parser would take for one and the same are the same here. */
import { expect, it } from 'vitest';
import { foldHeaderName, foldQueryName, readsAs } from '../../src/core/folded-name.ts';

it('a header folds as CGI folds it', () => {
  expect(['X-User_Id', 'x-user-id', 'X.User.Id', 'x~user|id'].map(foldHeaderName)).toEqual(Array(4).fill('x-user-id'));
});

const name = foldQueryName('workspace_id');
it.each([
  ...[
    'workspace_id',
    'WORKSPACE_ID',
    'workspace-id',
    'workspace.id',
    'workspace+id',
    'workspace%20id',
    '+workspace_id',
  ],
  ...['%77orkspace_id', '%u0077orkspace_id', 'workspace_id[]', 'workspace_id[0]', 'workspace_id%00x', '&workspace_id'],
  ...['%EF%BD%97orkspace_id', 'work%E2%80%8Bspace_id', '%C5%BForkspace_id'.replace('%C5%BFork', 'work')],
])('%s is read as it', (raw) => {
  expect(readsAs(raw, name)).toBe(true);
});

it.each(['workspace', 'workspace_ids', 'my_workspace_id', 'workspace_id2', 'workspace_id-x', 'workspaceid', ''])(
  '%s is another',
  (raw) => {
    expect(readsAs(raw, name)).toBe(false);
  },
);
