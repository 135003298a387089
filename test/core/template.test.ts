/** Path templates of routes: what they may hold, and what could never be matched. */
import { describe, expect, it } from 'vitest';
import { readTemplate } from '../../src/core/template.ts';

const shape = (path: string) => {
  const read = readTemplate(path);
  if (!read.ok) return read.problem;
  return read.segments.map((segment) =>
    segment.kind === 'literal' ? segment.text : segment.kind === 'parameter' ? `{${segment.name}}` : '**',
  );
};

describe('a template', () => {
  it.each([
    ['/', ['']],
    ['/a', ['a']],
    ['/a/', ['a', '']],
    ['/**', ['**']],
    ['/a/**', ['a', '**']],
    ['/v1/bots/{botId}', ['v1', 'bots', '{botId}']],
    ['/{a}/{b_2}/**', ['{a}', '{b_2}', '**']],
    ['/a;v=1/b:c@d', ['a;v=1', 'b:c@d']],
    ['/%61%2d%7E', ['a-~']],
    ['/%C3%A9', ['é']],
    ['/é', ['é']],
    ['/...', ['...']],
    ['/.well-known/x', ['.well-known', 'x']],
    ['/a%20b', ['a b']],
  ])('%s is read as %j', (path, segments) => {
    expect(shape(path)).toEqual(segments);
  });

  it('says where its parameters stand', () => {
    const read = readTemplate('/v1/{org}/bots/{bot}/**');
    expect(read.ok && [...read.parameters]).toEqual([
      ['org', 1],
      ['bot', 3],
    ]);
  });

  it.each([
    ['v1', 'a path starts with "/", this one is "v1"'],
    ['', 'a path starts with "/", this one is ""'],
    ['/a?b=1', 'a path has no query and no fragment; match on the path alone'],
    ['/a#b', 'a path has no query and no fragment; match on the path alone'],
    ['/**/a', '"**" may only stand at the end, as "/**"'],
    ['/{x}/{x}', 'the parameter {x} stands twice'],
    ['/{}', 'the segment "{}" is neither a literal nor exactly one {name}; "/**" stands only at the end'],
    ['/{a}{b}', 'the segment "{a}{b}" is neither a literal nor exactly one {name}; "/**" stands only at the end'],
    ['/v{x}', 'the segment "v{x}" is neither a literal nor exactly one {name}; "/**" stands only at the end'],
    ['/{1a}', 'the segment "{1a}" is neither a literal nor exactly one {name}; "/**" stands only at the end'],
    ['/{x', 'the segment "{x" is neither a literal nor exactly one {name}; "/**" stands only at the end'],
    ['/*', 'the segment "*" is neither a literal nor exactly one {name}; "/**" stands only at the end'],
    ['/a*', 'the segment "a*" is neither a literal nor exactly one {name}; "/**" stands only at the end'],
    ['/a//b', '"//" can never be matched: such requests are refused'],
    ['//', '"//" can never be matched: such requests are refused'],
    ['/.', 'the segment "." can never be matched: requests with it are refused'],
    ['/a/../b', 'the segment ".." can never be matched: requests with it are refused'],
    ['/%2e%2e', 'the segment "%2e%2e" can never be matched: requests with it are refused'],
    ['/..;x', 'the segment "..;x" can never be matched: requests with it are refused'],
    ['/a%2Fb', 'the segment "a%2Fb" can never be matched: requests with it are refused'],
    ['/a%5Cb', 'the segment "a%5Cb" can never be matched: requests with it are refused'],
    ['/a%00', 'the segment "a%00" can never be matched: requests with it are refused'],
    ['/a%zz', 'the segment "a%zz" can never be matched: requests with it are refused'],
    ['/%FF', 'the segment "%FF" can never be matched: requests with it are refused'],
    ['/%C0%AF', 'the segment "%C0%AF" can never be matched: requests with it are refused'],
    ['/a b', 'the segment "a b" can never be matched: requests with it are refused'],
    ['/a\\b', 'the segment "a\\\\b" can never be matched: requests with it are refused'],
    ['/／', 'the segment "／" can never be matched: requests with it are refused'],
  ])('%s is refused', (path, problem) => {
    expect(shape(path)).toBe(problem);
  });
});
