import { expect, test } from 'vitest';
import { rawRequest } from '../../support/raw.ts';
import { attack } from '../attack.ts';
import { harness } from '../harness.ts';

const at = harness();
const by = (query: string) => rawRequest(`GET /by-query${query}`, [at.reader]);

attack({
  name: 'a parameter that names the workspace twice, or in a second spelling, is refused',
  outcome: '400; the upstream sees nothing',
  sources: ['RFC 3986 section 3.4'],
})(() => {
  test.each([
    '',
    '?',
    '?environmentId',
    '?environmentId=',
    '?other=1',
    '?environmentId=env_live&environmentId=env_live',
    '?environmentId=env_live&environmentId=env_legal',
    '?environmentId=env_legal&environmentId=env_live',
    '?environmentId=env_live&environmentId',
    '?environmentId=env_live&environmentId=',
    '?environmentId=env_live&ENVIRONMENTID=env_legal',
    '?environmentId=env_live&environmentid=env_legal',
    '?EnvironmentId=env_live',
    '?environmentId[]=env_live',
    '?environmentId=env_live&environmentId[]=env_legal',
    '?environmentId=env_live&environmentId[0]=env_legal',
    '?environmentId=env_live&environmentId%5B%5D=env_legal',
    '?environmentId=env_live&[environmentId]=env_legal',
    '?environmentId=env_live&%5BenvironmentId%5D=env_legal',
    '?environmentId=env_live&[environmentId][0]=env_legal',
    '?environmentId=env_live&environmentId.=env_legal&environmentId=x',
    '?environmentId=env_live;environmentId=env_legal',
    '?a=1;environmentId=env_legal&environmentId=env_live',
    '?environmentId=env_live&a=1;environmentId=env_legal',
    '?environmentId=env_live&environment%49d=env_legal',
    '?%65nvironmentId=env_live&environmentId=env_legal',
    '?environmentId=env_live&+environmentId=env_legal',
    '?environmentId=env_live&environmentId+=env_legal',
    '?environmentId=env_live&%20environmentId=env_legal',
    '?environmentId=env_live&environmentId%00=env_legal',
    '?environmentId=env_live&%00environmentId=env_legal',
    '?environmentId=env_live&environmentId%00x=env_legal',
    '?environmentId=%zz',
    '?environmentId=%ff',
    '?environmentId=env_live&environmentId[%ff]=env_legal',
    '?environmentId=env_live&environment%49d%00%zz=env_legal',
    '?environmentId=env_live&%u0065nvironmentId=env_legal',
    '?environmentId=env_live&%ef%bb%bfenvironmentId=env_legal',
    '?environmentId=env_live&%ef%bd%85nvironmentId=env_legal',
    '?environmentId=env_live&environment%c4%b1d=env_legal',
    '?environmentId=env_live&environment%e2%80%8bId=env_legal',
    '?environmentId=env_live&environmentId.x=env_legal',
    '?environmentId=env_live&environmentId:in=env_legal',
    '?environmentId=env_live&!environmentId=env_legal',
    '?environmentId=env_live&%3BenvironmentId=env_legal',
    '?environmentId=env_live&environmentId%3Denv_legal',
    '?environmentId=env_live&amp;environmentId=env_legal',
  ])('%j', async (query) => {
    await at.refuses(by(query), 400);
  });
});

attack({
  name: 'an encoded parameter is judged by what a parser reads of it',
  outcome: 'the value judged is the value that the upstream reads',
  sources: ['RFC 3986 section 2.4'],
})(() => {
  test('one value, however encoded, is that value: what is judged is what a parser reads', async () => {
    for (const query of [
      '?environmentId=env_live',
      '?%65nvironmentId=%65nv%5Flive',
      '?a=1&environmentId=env_live&b',
      '?other[environmentId]=env_legal&environmentId=env_live',
      '?environmentId=env_live&environmentIds=env_legal',
      '?environmentId=env_live&environmentId_in=env_legal&environmentId-not=env_legal',
      '?environmentId=env_live&environment%C3%A9Id=env_legal&%E4%BD%A0environmentId=%zz',
      '?environmentId=env_live&environment=env_legal&=env_legal&%zz',
    ]) {
      const { request } = await at.passes(by(query));
      expect(request.target).toBe(`/by-query${query}`);
      expect(request.header('x-scopegate-environment')).toBe('env_live');
    }
    await at.refuses(by('?environmentId=env_legal'), 403);
    await at.refuses(by('?environmentId=%65nv_legal'), 403);
    await at.refuses(by('?environmentId=env_live%26environmentId=env_legal'), 403);
    await at.refuses(by('?environmentId=env_live%00'), 403);
    await at.refuses(by('?environmentId=env_live;x'), 403);
    await at.refuses(by('?environmentId=env_live,env_legal'), 403);
    await at.refuses(by('?environmentId=__proto__'), 403);
    await at.refuses(by('?environmentId=..'), 403);
  });
});

attack({
  name: 'a parameter in a fragment or in the path is none',
  outcome: '400 or 404; the upstream sees nothing',
  sources: ['RFC 3986 section 3.4'],
})(() => {
  test('a query in a fragment or in the path is none', async () => {
    await at.refuses(by('#?environmentId=env_live'), 400);
    await at.refuses(rawRequest('GET /by-query%3FenvironmentId=env_live', [at.reader]), 404);
    await at.refuses(rawRequest('GET /by-query;environmentId=env_live', [at.reader]), 404);
  });
});

attack({
  name: 'a parameter name made to be slow to compare costs no more than any other',
  outcome: 'forwarded in the usual time',
  sources: [],
})(() => {
  test('a name that is long and blank costs no more than any other', async () => {
    const blank = `a${'+'.repeat(7000)}b`;
    const bytes = by(`?environmentId=env_live&${blank}=1&${blank}=2`);
    const took: number[] = [];
    for (let nth = 0; nth < 4; nth++) {
      const started = performance.now();
      await at.passes(bytes);
      took.push(performance.now() - started);
    }
    expect(Math.min(...took)).toBeLessThan(60);
  });
});

attack({
  name: 'a header that names the workspace twice, or in a second spelling, is refused',
  outcome: '400; the upstream sees nothing',
  sources: ['RFC 9110 section 5.3'],
})(() => {
  const headers = (...lines: string[]) => rawRequest('GET /by-header', [at.reader, ...lines]);

  test.each([
    [[]],
    [['X-Workspace:']],
    [['X-Workspace: ws_sales', 'X-Workspace: ws_sales']],
    [['X-Workspace: ws_sales', 'X-Workspace: ws_legal']],
    [['X-Workspace: ws_sales', 'x-workspace:']],
    [['X-Workspace: ws_sales', 'X_Workspace: ws_legal']],
    [['X.Workspace: ws_legal', 'X-Workspace: ws_sales']],
    [['X_Workspace: ws_sales']],
    [['X-Workspace: ws_sales', 'X!Workspace: ws_legal']],
    [["X'Workspace: ws_legal", 'X-Workspace: ws_sales']],
  ])('%j', async (lines) => {
    await at.refuses(headers(...lines), 400);
  });

  test('one value passes, another workspace does not', async () => {
    const { request } = await at.passes(headers('x-WORKSPACE: ws_sales'));
    expect(request.all('x-workspace')).toEqual(['ws_sales']);
    await at.refuses(headers('X-Workspace: ws_legal'), 403);
    await at.refuses(headers('X-Workspace: ws_sales, ws_legal'), 403);
  });
});

attack({
  name: 'a workspace in the trailers does not replace the one that was judged',
  outcome: 'dropped in every spelling',
  sources: ['RFC 9110 section 6.5.1'],
})(() => {
  test('a second one in the trailers never arrives', async () => {
    const chunked = ['X-Workspace: ws_sales', 'Transfer-Encoding: chunked'];
    for (const name of ['X-Workspace', 'x_workspace']) {
      const { request } = await at.passes(
        rawRequest('POST /by-header', [at.reader, ...chunked], `0\r\n${name}: ws_legal\r\nX-Sum: 1\r\n\r\n`),
      );
      expect(request.trailers.map(([trailer]) => trailer)).not.toContain(name);
    }
  });
});

attack({
  name: 'a workspace in the path is the one judged, whatever its decoration',
  outcome: 'another value is another workspace: 403',
  sources: ['RFC 3986 section 3.3'],
})(() => {
  test.each([
    ['/workspaces/ws_sales/things', 200],
    ['/workspaces/ws%5Fsales/things', 200],
    ['/workspaces/ws_legal/things', 403],
    ['/workspaces/ws_sales;x=1/things', 403],
    ['/workspaces/ws_sales%00/things', 400],
    ['/workspaces/ws_sales%20/things', 403],
    ['/workspaces/ws_sales%3B/things', 403],
    ['/workspaces/WS_SALES/things', 403],
    ['/workspaces/ws_sales,ws_legal/things', 403],
    ['/workspaces/*/things', 403],
    ['/workspaces//things', 400],
    ['/workspaces/./things', 400],
    ['/workspaces/ws_sales%2f..%2fws_legal/things', 400],
    ['/workspaces/ws_sales/things/', 404],
    ['/workspaces/%ef%bd%97s_sales/things', 403],
  ])('%s', async (path, status) => {
    const bytes = rawRequest(`GET ${path}`, [at.reader]);
    if (status === 200) expect((await at.passes(bytes)).response.status).toBe(200);
    else await at.refuses(bytes, status);
  });
});
