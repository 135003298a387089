/**
 * Clients that keep a connection and ask again and again, as applications do: node:http with a keep-alive agent, no
 * retries. Whatever gets no whole answer, or one that nobody may get, is kept as a failure.
 */
import { Agent, type IncomingHttpHeaders, request, type ServerResponse } from 'node:http';
import { WebSocket } from 'ws';
import { Bell } from './bell.ts';

/** Longer than any test may take: its own timeout tells more. */
const PATIENCE_MS = 600_000;

interface LoadAnswer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

export interface LoadQuestion {
  readonly method?: string;
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
  /** What is wrong with the answer, or nothing. */
  readonly check: (answer: LoadAnswer) => string | undefined;
}

/** What an upstream answers to those who ask for a stream: ten events, then the end. */
export function streamForHalfASecond(response: ServerResponse): void {
  response.writeHead(200, { 'Content-Type': 'text/event-stream' });
  let count = 0;
  const timer = setInterval(() => {
    response.write(`data: ${++count}\n\n`);
    if (count < 10) return;
    clearInterval(timer);
    response.end('data: end\n\n');
  }, 50);
}

export class Load {
  requests = 0;
  readonly failures: string[] = [];
  readonly #origin: () => string;
  readonly #clients: Promise<void>[] = [];
  readonly #bell = new Bell();
  #running = true;

  /** `origin`: where a client goes that has no connection. */
  constructor(origin: () => string) {
    this.#origin = origin;
  }

  /** `count` more clients that ask `question` from now on. */
  add(count: number, question: () => LoadQuestion): void {
    for (let index = 0; index < count; index++) this.#clients.push(this.#client(question));
  }

  /** `count` more clients that open a WebSocket, have ten messages sent back within half a second, and close it. */
  addSockets(count: number, path: string): void {
    for (let index = 0; index < count; index++) this.#clients.push(this.#socketClient(path));
  }

  /** Resolves once so many were answered, or one of them wrongly. */
  until(requests: number): Promise<void> {
    return this.#bell.until(
      () => this.requests >= requests || this.failures.length > 0,
      () => `${this.requests} of ${requests} requests were answered`,
      PATIENCE_MS,
    );
  }

  async stop(): Promise<void> {
    this.#running = false;
    await Promise.all(this.#clients);
  }

  #answered(path: string, wrong: string | undefined): void {
    this.requests++;
    if (wrong !== undefined) this.failures.push(`${path}: ${wrong}`);
    this.#bell.ring();
  }

  async #socketClient(path: string): Promise<void> {
    while (this.#running) {
      const wrong = await converse(this.#origin() + path).catch((error: Error) => error.message);
      this.#answered(path, wrong);
    }
  }

  async #client(question: () => LoadQuestion): Promise<void> {
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    let origin = this.#origin();
    while (this.#running) {
      // A client stays where it is until its connection is over.
      if (Object.keys(agent.freeSockets).length === 0) origin = this.#origin();
      const asked = question();
      const wrong = await ask(agent, origin, asked).then(asked.check, (error: Error) => error.message);
      this.#answered(asked.path, wrong);
    }
    agent.destroy();
  }
}

/** Resolves with what went wrong, or nothing. */
function converse(url: string): Promise<string | undefined> {
  return new Promise((resolve, reject) => {
    const socket = new WebSocket(url);
    let count = 0;
    const say = () => socket.send(`message ${count}`);
    socket.on('open', say);
    socket.on('message', (data) => {
      if (data.toString() !== `message ${count}`) resolve(`${data.toString()} instead of message ${count}`);
      count++;
      if (count < 10) setTimeout(say, 50);
      else socket.close(1000);
    });
    socket.on('error', reject);
    socket.on('close', (code) =>
      resolve(count === 10 && code === 1000 ? undefined : `${code} after ${count} messages`),
    );
  });
}

function ask(agent: Agent, origin: string, { method, path, headers, body }: LoadQuestion): Promise<LoadAnswer> {
  return new Promise((resolve, reject) => {
    const asking = request(origin + path, { agent, method, headers: { ...headers } }, (answer) => {
      let text = '';
      answer.setEncoding('latin1');
      answer.on('data', (chunk: string) => {
        text += chunk;
      });
      answer.on('error', reject);
      answer.on('end', () => resolve({ status: answer.statusCode!, headers: answer.headers, body: text }));
    });
    asking.on('error', reject);
    asking.end(body);
  });
}
