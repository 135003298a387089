/** Which bodies are looked into, by their headers, and what is found in a form. */
import { describe, expect, it } from 'vitest';
import { bodyTypeOf } from '../../src/core/bodies/body-type.ts';
import { BodyInspection } from '../../src/core/bodies/inspect.ts';

const typed = (value: string) => bodyTypeOf(['Host', 'h', 'Content-Type', value]);

it.each([
  ['application/json', 'json'],
  ['Application/JSON', 'json'],
  ['application/json; charset=utf-8', 'json'],
  ['application/json;charset="UTF-8"', 'json'],
  ['application/json; charset=utf8 ; odata=verbose', 'json'],
  ['application/json;', 'json'],
  ['application/vnd.api+json', 'json'],
  ['application/x-www-form-urlencoded', 'form'],
  ['application/x-www-form-urlencoded; charset=UTF-8', 'form'],
  ['application/json; charset=utf-16', null],
  ['application/json; charset=utf-7', null],
  ['application/json; charset=iso-8859-1', null],
  ['application/json; charset=utf-8; charset=utf-16', null],
  ['application/json, text/plain', null],
  ['application/json text/plain', null],
  ['application/jsonp', null],
  ['application/+json', null],
  ['text/json', null],
  ['text/plain', null],
  ['multipart/form-data; boundary=x', null],
  ['application/octet-stream', null],
  ['json', null],
  ['', null],
])('the type %j is read as %s', (value, type) => {
  expect(typed(value)).toBe(type);
});

it.each([
  ['none at all', []],
  ['two', ['Content-Type', 'application/json', 'content-type', 'application/json']],
  ['a second spelling', ['Content-Type', 'application/json', 'Content_Type', 'text/plain']],
  ['another spelling alone', ['Content_Type', 'application/json']],
  ['one that Connection drops', ['Content-Type', 'application/json', 'Connection', 'close, content-type']],
  ['a coding', ['Content-Type', 'application/json', 'Content-Encoding', 'gzip']],
  ['a coding in another spelling', ['Content-Type', 'application/json', 'content_encoding', 'gzip']],
  ['a coding that is none', ['Content-Type', 'application/json', 'Content-Encoding', 'identity']],
])('a body with %s for a type is not read', (_name, headers) => {
  expect(bodyTypeOf(headers)).toBeNull();
});

describe('a form', () => {
  const field = (text: string, name = 'ws') => {
    const inspection = new BodyInspection('form', Buffer.from(text, 'latin1'), [{ name, path: [name] }]);
    let found = inspection.goOn(1);
    while (found === undefined) found = inspection.goOn(1);
    return found === null ? 'unreadable' : found.values.get(name);
  };

  it.each([
    ['the field', 'a=1&ws=w1', 'w1'],
    ['with escapes', '%77s=%771+x', 'w1 x'],
    ['absent', 'a=1', undefined],
    ['without fields', '&&', undefined],
    ['nothing', '', 'unreadable'],
    ['empty', 'ws=', null],
    ['without a value', 'ws', null],
    ['twice', 'ws=w1&ws=w1', null],
    ['in another case', 'ws=w1&WS=w2', null],
    ['with a control character in front', '\x13ws=w2&ws=w1', null],
    ['with a blank in front', '+ws=w2&ws=w1', null],
    ['with a bracket', 'ws=w1&ws[]=w2', null],
    ['with a member', 'ws=w1&ws.x=w2', null],
    ['with a name longer than is looked into', `${'+'.repeat(5000)}ws=w2&ws=w1`, null],
    ['hidden behind a semicolon', 'a=1;ws=w2&ws=w1', null],
    ['broken escapes', 'ws=w1&a=%zz', 'unreadable'],
    ['half an escape', 'ws=w1&a=%', 'unreadable'],
    ['escapes that are no UTF-8', 'ws=w1&a=%ff', 'unreadable'],
    ['escapes that are a surrogate', 'ws=w1&a=%ed%a0%80', 'unreadable'],
    ['bytes that are no UTF-8', 'ws=w1&a=\xff', 'unreadable'],
    ['a byte order mark', '\xef\xbb\xbfws=w1', 'unreadable'],
    ['a byte order mark in escapes', '%ef%bb%bfws=w1', 'unreadable'],
  ])('%s', (_name, text, value) => {
    expect(field(text)).toBe(value);
  });

  it('has names with dots as they stand', () => {
    expect(field('data.ws=w1', 'data.ws')).toBe('w1');
  });
});
