/**
 * Compiles what judges a call and writes its answer when the first such call comes: a gateway has fifty operations, most
 * of which nobody ever calls, and to compile them all was a third of its start. What a schema says stays the framework's
 * own compilers' to read.
 */
import { createRequire } from 'node:module';
import type { FastifyServerOptions } from 'fastify';

type Compilers = NonNullable<NonNullable<FastifyServerOptions['schemaController']>['compilersFactory']>;
interface Judge {
  (data: unknown): unknown;
  /** Of its last verdict. */
  errors?: unknown;
}
type Write = (value: unknown) => string;
/** What both of the framework's packages are: all schemas and options first, then one schema with its route. */
type Compiler<Compiled> = (schemas: unknown, options: unknown) => (one: unknown) => Compiled;

// The framework's own, which an import would load at every start.
const load = createRequire(createRequire(import.meta.url).resolve('fastify'));

const buildValidator: Compiler<Judge> = (schemas, options) => {
  const compiler = once(() => (load('@fastify/ajv-compiler')() as Compiler<Judge>)(schemas, options));
  return (one) => {
    const compiled = once(() => compiler()(one));
    const judge: Judge = (data) => {
      const verdict = compiled()(data);
      judge.errors = compiled().errors;
      return verdict;
    };
    return judge;
  };
};

const buildSerializer: Compiler<Write> = (schemas, options) => {
  const compiler = once(() => (load('@fastify/fast-json-stringify-compiler')() as Compiler<Write>)(schemas, options));
  return (one) => {
    const compiled = once(() => compiler()(one));
    return (value) => compiled()(value);
  };
};

/** In place of those that the framework would load and run at its start. */
export const compilersAtFirstUse = { buildValidator, buildSerializer } as Compilers;

function once<T>(make: () => T): () => T {
  let made: { readonly value: T } | undefined;
  return () => {
    made ??= { value: make() };
    return made.value;
  };
}
