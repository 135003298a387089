/**
 * Loads llhttp, the parser of Node.js, from the WebAssembly build inside the pinned `undici` package, once per process,
 * and hands each of its callbacks to the parser that is running. Importing this throws SetupError where that build is
 * not the one we know. Never interprets a message: see upstream/response-parser.ts.
 */
import { createRequire } from 'node:module';
import { SetupError } from '../errors.ts';

/** What llhttp calls back; positions are offsets into the bytes given to `run`. Return 0, or one of the codes below. */
export interface LlhttpEvents {
  onStatus(at: number, length: number): number;
  onHeaderName(at: number, length: number): number;
  onHeaderValue(at: number, length: number): number;
  onHeadersComplete(status: number): number;
  onBody(at: number, length: number): number;
  onMessageComplete(): number;
}

/** Codes of llhttp: what a callback returns, and what `run` answers. */
export const OK = 0;
export const SKIP_BODY = 1;
export const PAUSED = 21;
export const FAIL = -1;

/** As package.json pins it. */
export const PINNED_UNDICI = '8.12.4';

const TYPE_RESPONSE = 2;
/** Longest input of one `run`. As large as the read buffer, so that one read is one call. */
export const MAX_INPUT = 64 * 1024;
/** A burst of connections leaves parsers behind; more than this many are given back to the allocator. */
const MAX_SPARE_PARSERS = 256;

/** The little of WebAssembly used here; its types come with the DOM's, which a server has no use for. */
declare const WebAssembly: {
  Module: (new (
    bytes: Uint8Array,
  ) => object) & {
    exports(module: object): Array<{ readonly name: string }>;
    imports(module: object): Array<{ readonly name: string }>;
  };
  Instance: new (module: object, imports: object) => { readonly exports: object };
};

interface Exports {
  readonly memory: { readonly buffer: ArrayBuffer };
  malloc(size: number): number;
  llhttp_alloc(type: number): number;
  llhttp_free(parser: number): void;
  llhttp_reset(parser: number): void;
  llhttp_resume(parser: number): void;
  llhttp_execute(parser: number, data: number, length: number): number;
  llhttp_get_error_pos(parser: number): number;
  llhttp_get_error_reason(parser: number): number;
  llhttp_get_http_major(parser: number): number;
  llhttp_get_http_minor(parser: number): number;
}

const EXPORTS: ReadonlyArray<keyof Exports> = [
  'memory',
  'malloc',
  'llhttp_alloc',
  'llhttp_free',
  'llhttp_reset',
  'llhttp_resume',
  'llhttp_execute',
  'llhttp_get_error_pos',
  'llhttp_get_error_reason',
  'llhttp_get_http_major',
  'llhttp_get_http_minor',
];
const IMPORTS = [
  'wasm_on_url',
  'wasm_on_message_begin',
  'wasm_on_status',
  'wasm_on_header_field',
  'wasm_on_header_value',
  'wasm_on_headers_complete',
  'wasm_on_body',
  'wasm_on_message_complete',
];

// Parsers never run inside one another (connections see to it), so one input area and one "current" serve them all.
let current: LlhttpEvents | undefined;

const wasm = load();
const input = wasm.malloc(MAX_INPUT);
let inputBytes = new Uint8Array(wasm.memory.buffer, input, MAX_INPUT);
const spare: number[] = [];

function load(): Exports {
  const imports = {
    env: {
      wasm_on_url: () => OK,
      wasm_on_message_begin: () => OK,
      wasm_on_status: (_: number, at: number, length: number) => current!.onStatus(at - input, length),
      wasm_on_header_field: (_: number, at: number, length: number) => current!.onHeaderName(at - input, length),
      wasm_on_header_value: (_: number, at: number, length: number) => current!.onHeaderValue(at - input, length),
      wasm_on_headers_complete: (_: number, status: number) => current!.onHeadersComplete(status),
      wasm_on_body: (_: number, at: number, length: number) => current!.onBody(at - input, length),
      wasm_on_message_complete: () => current!.onMessageComplete(),
    },
  };
  return new WebAssembly.Instance(compile(), imports).exports as unknown as Exports;
}

/** Throws SetupError. */
function compile(): object {
  const require = createRequire(import.meta.url);
  const problems: string[] = [];
  // A processor without SIMD: the same parser, compiled without it.
  for (const file of ['undici/lib/llhttp/llhttp_simd-wasm.js', 'undici/lib/llhttp/llhttp-wasm.js']) {
    try {
      return checked(new WebAssembly.Module(require(file)));
    } catch (error) {
      problems.push(`${file}: ${(error as Error).message.split('\n')[0]}`);
    }
  }
  throw new SetupError(
    `the parser of upstream answers, llhttp as WebAssembly, is not in ${undiciName(require)} as scopegate knows it (${problems.join('; ')}); install undici ${PINNED_UNDICI}, which scopegate's package.json names`,
  );
}

/** All that is called is there, and nothing is asked for that we do not give. */
function checked(module: object): object {
  const offered = new Set(WebAssembly.Module.exports(module).map(({ name }) => name));
  const lacking = [...EXPORTS.filter((name) => !offered.has(name)).map((name) => `no ${name}`)];
  for (const { name } of WebAssembly.Module.imports(module))
    if (!IMPORTS.includes(name)) lacking.push(`asks for ${name}`);
  if (lacking.length > 0) throw new Error(lacking.join(', '));
  return module;
}

function undiciName(require: NodeJS.Require): string {
  try {
    return `undici ${(require('undici/package.json') as { version: string }).version}`;
  } catch {
    return 'undici, of which there is none';
  }
}

export function allocateParser(): number {
  return spare.pop() ?? wasm.llhttp_alloc(TYPE_RESPONSE);
}

/** Never from inside a callback of the same parser: llhttp still stands on it. */
export function freeParser(parser: number): void {
  if (spare.length < MAX_SPARE_PARSERS) spare.push(parser);
  else wasm.llhttp_free(parser);
}

/** Forget everything of the last message, as after `allocateParser`. */
export function resetParser(parser: number): void {
  wasm.llhttp_reset(parser);
}

export function resumeParser(parser: number): void {
  wasm.llhttp_resume(parser);
}

/** Parse `source[start, end)`, at most MAX_INPUT bytes. Callbacks must not throw: that would leak llhttp's stack. */
export function run(parser: number, events: LlhttpEvents, source: Buffer, start: number, end: number): number {
  // Allocating parsers may have grown the memory, which detaches every view of it.
  if (inputBytes.length === 0) inputBytes = new Uint8Array(wasm.memory.buffer, input, MAX_INPUT);
  source.copy(inputBytes, 0, start, end);
  current = events;
  const code = wasm.llhttp_execute(parser, input, end - start);
  current = undefined;
  return code;
}

/** After a `run` that did not answer OK: how many bytes of its input were used. */
export function usedBytes(parser: number): number {
  return wasm.llhttp_get_error_pos(parser) - input;
}

export function errorReason(parser: number): string {
  const at = wasm.llhttp_get_error_reason(parser);
  if (at === 0) return 'unknown error';
  const memory = Buffer.from(wasm.memory.buffer);
  return memory.toString('latin1', at, memory.indexOf(0, at));
}

/** 11 for HTTP/1.1, 10 for HTTP/1.0; llhttp also lets 0.9 and 2.0 pass. */
export function httpVersion(parser: number): number {
  return wasm.llhttp_get_http_major(parser) * 10 + wasm.llhttp_get_http_minor(parser);
}
