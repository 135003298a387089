// What a page of another origin does with an API behind the gateway. No part of it knows of the gateway but its address.
const API = 'http://127.0.0.1:8080';

/** The status and what the API, or the gateway that refused, has to say. */
export async function call(token, method, path) {
  const answer = await fetch(API + path, { method, headers: { Authorization: `Bearer ${token}` } });
  return { status: answer.status, requestId: answer.headers.get('X-Request-Id'), body: await answer.json() };
}

/** `heard` is told of each message, and at last why there are no more. */
export function listen(token, heard) {
  const source = new EventSource(`${API}/events?access_token=${token}`);
  source.onmessage = ({ data }) => heard({ data });
  source.addEventListener('error', ({ data }) => {
    if (data !== undefined) heard({ refused: JSON.parse(data) });
    if (data !== undefined) source.close();
  });
}

/** The same of a WebSocket: 4401 when the token is gone, 4403 when a right is. */
export function talk(token, heard) {
  const socket = new WebSocket(`${API.replace('http', 'ws')}/socket?access_token=${token}`);
  socket.onopen = () => socket.send('hello');
  socket.onmessage = ({ data }) => heard({ data });
  socket.onclose = ({ code }) => heard({ code });
}
