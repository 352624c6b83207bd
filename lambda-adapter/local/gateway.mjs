// A local emulator of the REST API of flow B, in front of functions with the Lambda runtime API that `cargo
// lambda watch` serves:
//
//   node gateway.mjs --invoke http://127.0.0.1:9000
//
// `GET /content?fn=FILE` goes to the function `content`, `GET /files/PATH` to `files` once `authorizer` has
// allowed it. The first line on standard output is a JSON object with the address.
//
// It is like API Gateway in its events, policies and responses. It does not cache authorizer results, has no
// TLS, and omits the user pool's own authorizer: the function verifies tokens itself.

import { randomUUID } from 'node:crypto';
import { createServer } from 'node:http';
import { parseArgs } from 'node:util';

const STAGE = 'live';
const API = 'arn:aws:execute-api:eu-west-1:123456789012:api1234567';
/** API Gateway's time limit. */
const FUNCTION_MS = 29_000;
const MAX_RESULT_BYTES = 10 * 1024 * 1024;

const { values: options } = parseArgs({
  options: { invoke: { type: 'string' }, listen: { type: 'string', default: '0' } },
});

/** The function for a request, and whether the authorizer is called first. */
function route(method, path) {
  if (path === '/content' && ['GET', 'HEAD', 'OPTIONS'].includes(method)) return { name: 'content', resource: '/content' };
  if (path.startsWith('/files/') && ['GET', 'HEAD'].includes(method)) {
    return { name: 'files', resource: '/files/{proxy+}', asks: 'authorizer', parameters: { proxy: path.slice('/files/'.length) } };
  }
  return undefined;
}

/** The event for a request, in the format of REST APIs. */
function toEvent(request, path, query, { resource, parameters = null }) {
  const lists = {};
  for (let at = 0; at < request.rawHeaders.length; at += 2) {
    (lists[request.rawHeaders[at]] ??= []).push(request.rawHeaders[at + 1]);
  }
  const queries = {};
  for (const [name, value] of new URLSearchParams(query)) (queries[name] ??= []).push(value);
  const last = (all) => Object.fromEntries(Object.entries(all).map(([name, values]) => [name, values.at(-1)]));
  const orNull = (all) => (Object.keys(all).length ? all : null);
  return {
    resource,
    path,
    httpMethod: request.method,
    headers: last(lists),
    multiValueHeaders: lists,
    queryStringParameters: orNull(last(queries)),
    multiValueQueryStringParameters: orNull(queries),
    pathParameters: parameters,
    stageVariables: null,
    requestContext: {
      accountId: '123456789012',
      apiId: 'api1234567',
      stage: STAGE,
      resourcePath: resource,
      path,
      httpMethod: request.method,
      protocol: 'HTTP/1.1',
      requestId: randomUUID(),
      requestTimeEpoch: Date.now(),
      identity: { sourceIp: request.socket.remoteAddress, userAgent: request.headers['user-agent'] ?? null },
    },
    body: null,
    isBase64Encoded: false,
  };
}

/** The result of a function for an event; an error's message in `failed`. */
async function invoke(name, event) {
  const answer = await fetch(`${options.invoke}/2015-03-31/functions/${name}/invocations`, {
    method: 'POST',
    body: JSON.stringify(event),
    signal: AbortSignal.timeout(FUNCTION_MS),
  });
  const text = await answer.text();
  if (text.length > MAX_RESULT_BYTES) return { failed: 'too large' };
  const result = JSON.parse(text);
  if (result?.errorMessage === undefined) return { result };
  console.error(`gateway: ${name}: ${result.errorMessage}`);
  return { failed: result.errorMessage };
}

/** Whether a policy allows a method: some statement allows it and none denies it. */
function allows(policy, arn) {
  const statements = [policy?.Statement ?? []].flat();
  const fits = ({ Action: actions, Resource: resources }) =>
    [actions].flat().some((action) => action === 'execute-api:Invoke' || action === '*') &&
    [resources].flat().some((pattern) => matches(pattern, arn));
  const effects = statements.filter(fits).map(({ Effect: effect }) => effect);
  return effects.includes('Allow') && !effects.includes('Deny');
}

function matches(pattern, arn) {
  const parts = pattern.split(/([*?])/).map((part) => {
    if (part === '*') return '.*';
    return part === '?' ? '.' : part.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&');
  });
  return new RegExp(`^${parts.join('')}$`, 's').test(arn);
}

/** A response of API Gateway itself. */
function own(response, status, message, more = {}) {
  for (const [name, value] of Object.entries(more)) response.setHeader(name, value);
  response.setHeader('content-type', 'application/json');
  response.statusCode = status;
  response.end(JSON.stringify({ message }));
}

async function answer(request, response) {
  const question = request.url.indexOf('?');
  const path = question < 0 ? request.url : request.url.slice(0, question);
  const found = route(request.method, path);
  if (!found) return own(response, 403, 'Missing Authentication Token');
  const event = toEvent(request, path, question < 0 ? '' : request.url.slice(question + 1), found);
  if (found.asks) {
    const arn = `${API}/${STAGE}/${request.method}${path}`;
    const { result, failed } = await invoke(found.asks, { type: 'REQUEST', methodArn: arn, ...event });
    if (failed === 'Unauthorized') return own(response, 401, 'Unauthorized', { 'www-authenticate': 'Bearer' });
    if (failed !== undefined) return own(response, 500, null);
    if (!allows(result?.policyDocument, arn)) return own(response, 403, 'User is not authorized to access this resource');
  }
  const { result, failed } = await invoke(found.name, event);
  if (failed !== undefined || !Number.isInteger(result?.statusCode)) return own(response, 502, 'Internal server error');
  const headers = { ...result.headers, ...result.multiValueHeaders };
  for (const [name, value] of Object.entries(headers)) response.setHeader(name, value);
  response.statusCode = result.statusCode;
  response.end(Buffer.from(result.body ?? '', result.isBase64Encoded ? 'base64' : 'utf8'));
}

const server = createServer((request, response) => {
  answer(request, response).catch((error) => {
    console.error(`gateway: ${error?.message}`);
    if (response.headersSent) response.destroy();
    else own(response, 504, 'Endpoint request timed out');
  });
});
server.listen(Number(options.listen), '127.0.0.1', () => {
  console.log(JSON.stringify({ address: `http://127.0.0.1:${server.address().port}` }));
});
