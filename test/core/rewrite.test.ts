/** The path that an upstream gets: whole segments less, whole segments more, and nothing else (contract 8.1). */
import { describe, expect, it } from 'vitest';
import { rewritePath } from '../../src/core/rewrite.ts';

const rewrite = (strip: string, add: string) => ({ strip, stripCount: strip.split('/').length - 1, add });

describe('segments', () => {
  it.each([
    ['/npm/x', '/npm', '', '/x'],
    ['/npm/x/y', '/npm', '/registry', '/registry/x/y'],
    ['/npm', '/npm', '', '/'],
    ['/npm', '/npm', '/registry', '/registry'],
    ['/npm/', '/npm', '/registry', '/registry/'],
    ['/a/b/c', '/a/b', '/z', '/z/c'],
    ['/x', '', '/v1', '/v1/x'],
    ['/', '', '/v1', '/v1/'],
    ['/npm/@scope%2fname', '/npm', '', '/@scope%2fname'],
    // The wire may spell the same segment otherwise.
    ['/caf%C3%A9/x', '/café', '', '/x'],
  ])('%s without %s, with %s: %s', (path, strip, add, expected) => {
    expect(rewritePath(path, rewrite(strip, add))).toBe(expected);
  });
});
