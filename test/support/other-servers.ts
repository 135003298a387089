/**
 * Real servers behind the gateway that read names each in their own way: PHP and CGI under lighttpd, WSGI under Python,
 * Express. Each answers with what an application would find; none of them is a stand-in.
 */
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import express from 'express';
import { started } from './process.ts';
import { freeUrl, runConfigured } from './proxies.ts';
import { hasTool, type Tool } from './tools.ts';

/** What an application found, however its framework wraps it: a text, a list, an object; null: nothing. */
export interface Found {
  /** In the query, under `workspace_id`. */
  readonly query: unknown;
  /** In the header `X-Workspace-Id`. */
  readonly header: unknown;
  /** In `X-Scopegate-Subject`. */
  readonly subject: unknown;
  /** In `X-Real-IP`, or else in `X-Client-IP`: a client must be able to write neither. */
  readonly address: unknown;
}

export interface OtherServer extends AsyncDisposable {
  readonly url: string;
}

export interface OtherParser {
  readonly name: string;
  /** The last segment of every path that it serves. */
  readonly file: string;
  /** The programs that it needs. */
  readonly tools: readonly Tool[];
  /** `folders`: the first segments of the paths that it serves. */
  start(folders: readonly string[]): Promise<OtherServer>;
}

const PHP = `<?php
header('Content-Type: application/json');
echo json_encode([
  'query' => $_GET['workspace_id'] ?? null,
  'header' => $_SERVER['HTTP_X_WORKSPACE_ID'] ?? null,
  'subject' => $_SERVER['HTTP_X_SCOPEGATE_SUBJECT'] ?? null,
  'address' => $_SERVER['HTTP_X_REAL_IP'] ?? $_SERVER['HTTP_X_CLIENT_IP'] ?? null,
]);
`;

/** Shared by CGI and WSGI: an environment of CGI's variables, and Python's own reader of queries. */
const FOUND = `
import json
from urllib.parse import parse_qs

def found(env):
    query = parse_qs(env.get('QUERY_STRING', ''), keep_blank_values=True).get('workspace_id')
    return json.dumps({
        'query': query[0] if query is not None and len(query) == 1 else query,
        'header': env.get('HTTP_X_WORKSPACE_ID'),
        'subject': env.get('HTTP_X_SCOPEGATE_SUBJECT'),
        'address': env.get('HTTP_X_REAL_IP') or env.get('HTTP_X_CLIENT_IP'),
    })
`;
const CGI = `${FOUND}
import os
print('Content-Type: application/json\\n')
print(found(os.environ))
`;
const WSGI = `${FOUND}
from wsgiref.simple_server import make_server, WSGIRequestHandler

class Quiet(WSGIRequestHandler):
    def log_message(self, *arguments):
        pass

def application(env, start_response):
    start_response('200 OK', [('Content-Type', 'application/json')])
    return [found(env).encode()]

server = make_server('127.0.0.1', 0, application, handler_class=Quiet)
print('listening on port', server.server_port, 'of 127.0.0.1', flush=True)
server.serve_forever()
`;

export const OTHER_PARSERS: readonly OtherParser[] = [
  { name: 'PHP', file: 'read.php', tools: ['lighttpd', 'php-cgi'], start: startLighttpd },
  { name: 'CGI under lighttpd', file: 'read.py', tools: ['lighttpd', 'python3'], start: startLighttpd },
  { name: 'WSGI under Python', file: 'read', tools: ['python3'], start: startWsgi },
  { name: 'Express with qs', file: 'read', tools: [], start: startExpress },
];

export const isInstalled = ({ tools }: OtherParser) => tools.every(hasTool);

/** lighttpd with a PHP and a CGI program below each of `folders`. */
async function startLighttpd(folders: readonly string[]): Promise<OtherServer> {
  const url = await freeUrl();
  const programs = folders.flatMap((folder) => [
    [`root/${folder}/read.php`, PHP],
    [`root/${folder}/read.py`, CGI],
  ]);
  const configuration = `
server.modules = ("mod_cgi")
server.bind = "127.0.0.1"
server.port = ${new URL(url).port}
server.document-root = var.CWD + "/root"
server.upload-dirs = (var.CWD)
cgi.assign = (".php" => "/usr/bin/php-cgi", ".py" => "/usr/bin/python3")
`;
  const files = Object.fromEntries([['lighttpd.conf', configuration], ...programs]) as Record<string, string>;
  return await runConfigured(url, files, ['lighttpd', '-D', '-f', 'lighttpd.conf'], 'server started');
}

async function startWsgi(): Promise<OtherServer> {
  const server = started('/usr/bin/python3', ['-c', WSGI]);
  const port = /port (\d+) of/.exec(await server.until('of 127.0.0.1'))![1];
  const stop = async () => {
    await server.stop();
  };
  return { url: `http://127.0.0.1:${port}`, [Symbol.asyncDispose]: stop };
}

async function startExpress(): Promise<OtherServer> {
  const app = express();
  app.set('query parser', 'extended');
  app.use((request, response) => {
    const found: Found = {
      query: request.query.workspace_id ?? null,
      header: request.get('x-workspace-id') ?? null,
      subject: request.get('x-scopegate-subject') ?? null,
      address: request.get('x-real-ip') ?? request.get('x-client-ip') ?? null,
    };
    response.json(found);
  });
  const server = createServer(app).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const stop = async () => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  };
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, [Symbol.asyncDispose]: stop };
}
