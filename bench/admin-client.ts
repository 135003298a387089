/**
 * The sidecar's API, and single requests to gateways, over connections that are kept. Measures nothing.
 */
import { Agent, request } from 'undici';

export class AdminClient {
  readonly #url: string;
  readonly #key: string;
  readonly #agent: Agent;

  private constructor(url: string, key: string, connections: number) {
    this.#url = url;
    this.#key = key;
    this.#agent = new Agent({ connections });
  }

  /** With an organization whose one member, ann, may have tokens. `connections`: to each place, at most. */
  static async open(url: string, key: string, connections: number, role = 'admin'): Promise<AdminClient> {
    const admin = new AdminClient(url, key, connections);
    await admin.call('PUT', '', { name: 'Acme', edition: 'enterprise' });
    await admin.call('PUT', '/members/ann', { name: 'Ann', role });
    return admin;
  }

  async call(method: 'PUT' | 'POST' | 'DELETE', path: string, body?: object): Promise<Record<string, unknown>> {
    const { statusCode, body: answer } = await request(`${this.#url}/v1/organizations/acme${path}`, {
      method,
      dispatcher: this.#agent,
      headers: { authorization: `Bearer ${this.#key}`, 'content-type': 'application/json' },
      body: body === undefined ? null : JSON.stringify(body),
    });
    const parsed = (await answer.json()) as Record<string, unknown>;
    if (statusCode >= 300) throw new Error(`${method} ${path}: ${statusCode} ${JSON.stringify(parsed)}`);
    return parsed;
  }

  async mint(): Promise<{ readonly id: string; readonly token: string }> {
    const wanted = { owner: 'ann', kind: 'service', name: 'n', scopes: ['workflows:read'], workspaces: 'all' };
    return (await this.call('POST', '/tokens', { ...wanted, expiresInDays: 1 })) as { id: string; token: string };
  }

  async statusAt(url: string, token: string): Promise<number> {
    const headers = { authorization: `Bearer ${token}` };
    const { statusCode, body } = await request(`${url}/bodies/x`, { dispatcher: this.#agent, headers });
    await body.dump();
    return statusCode;
  }

  close(): Promise<void> {
    return this.#agent.destroy();
  }
}
