/** A folder with a gateway and its tests, and `scopegate test` in it. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { stringify } from 'yaml';
import { type Applied, run } from '../directory/harness.ts';
import { ROOT } from '../support/process.ts';

type Settings = Readonly<Record<string, unknown>>;

export interface Folder {
  readonly path: string;
  /** Writes a file, text or data, and returns its path. */
  file(name: string, content: string | object): string;
  /** `scopegate test` of the file of tests, without the folder in what it says. */
  test(...options: string[]): Promise<Applied>;
  /** Another command with files of this folder: words that end in .yaml. */
  shell(...words: string[]): Promise<Applied>;
  remove(): void;
}

const GATEWAY = `policy: ${join(ROOT, 'policies/default.yaml')}
store: { driver: sqlite }
upstreams: { api: { targets: ["http://127.0.0.1:9"] } }
routes:
  - id: read-page
    match: { methods: [GET], path: "/{ws}/pages/{page}" }
    require: { scopes: ["content:read"], workspace: { from: path.ws, as: workspace, role: member } }
    upstream: api
  - id: write-page
    match: { methods: [PUT], path: "/{ws}/pages/{page}" }
    require:
      scopes: ["content:write"]
      workspace: { from: path.ws, as: workspace, role: admin }
    upstream: api
  - id: import
    match: { methods: [POST], path: /import }
    require: { scopes: ["content:read"], workspace: { from: [header.X-Space, body.space], as: workspace, role: member } }
    upstream: api
  - id: health
    match: { methods: [GET], path: /health, hosts: [status.example.com] }
    public: true
    upstream: api
`;

export const DIRECTORY = {
  organizations: {
    acme: {
      name: 'Acme',
      edition: 'team',
      members: { ann: { name: 'Ann', role: 'owner' }, bob: { name: 'Bob', role: 'member' } },
      workspaces: { sales: { name: 'Sales', owner: 'ann', assignments: { members: { bob: 'member' } } } },
    },
  },
};

const TOKENS = { reader: { owner: 'bob', scopes: ['content:read'], workspaces: ['sales'], expiresInDays: 30 } };

/** A file of tests; what is given replaces whole sections. */
export function testFile(sections: Settings): object {
  return { gateway: 'gateway.yaml', now: '2030-01-01T00:00:00Z', directory: DIRECTORY, tokens: TOKENS, ...sections };
}

export function startFolder(): Folder {
  const path = mkdtempSync(join(tmpdir(), 'scopegate-policy-tests-'));
  const file: Folder['file'] = (name, content) => {
    const at = join(path, name);
    writeFileSync(at, typeof content === 'string' ? content : stringify(content));
    return at;
  };
  file('gateway.yaml', GATEWAY);
  const shell = async (...words: string[]) => {
    const { code, stdout, stderr } = await run(
      words.map((word) => (word.endsWith('.yaml') ? join(path, word) : word)),
      {},
    );
    const short = (text: string) => text.replaceAll(`${path}/`, '');
    return { code, stdout: short(stdout), stderr: short(stderr), lines: short(stdout).split('\n') };
  };
  return {
    path,
    file,
    shell,
    test: (...options) => shell('test', 'gateway.test.yaml', ...options),
    remove: () => rmSync(path, { recursive: true }),
  };
}
