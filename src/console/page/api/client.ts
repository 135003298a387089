/** The sidecar's API as its own description has it. Sends and reads; shows nothing, keeps nothing. */
import createClient from 'openapi-fetch';
import type { components, paths } from './openapi.d.ts';

export type Shapes = components['schemas'];

/** A refusal, or that nobody answered. */
export class ApiError extends Error {
  /** 0: no answer came. */
  readonly status: number;
  readonly code: string;
  readonly field: string | null;
  readonly requestId: string | null;

  constructor(status: number, problem: Partial<Shapes['Problem']>, requestId: string | null) {
    super(problem.detail ?? '');
    this.status = status;
    this.code = problem.code ?? (status === 0 ? 'unreachable' : `http_${status}`);
    this.field = problem.field ?? null;
    this.requestId = requestId;
  }
}

export const api = createClient<paths>({ baseUrl: '', credentials: 'same-origin' });

interface Answered<T> {
  readonly data?: T;
  readonly error?: unknown;
  readonly response: Response;
}

/** The body of a success. Rejects with ApiError for anything else. */
export async function answerOf<T>(asked: Promise<Answered<T>>): Promise<T> {
  const { data, error, response } = await asked.catch(() => {
    throw new ApiError(0, {}, null);
  });
  if (response.ok && data !== undefined) return data;
  const problem = typeof error === 'object' && error !== null ? (error as Partial<Shapes['Problem']>) : {};
  throw new ApiError(response.status, problem, response.headers.get('x-request-id'));
}
