// SPDX-License-Identifier: GPL-3.0-or-later
// A stand-in of the Messages and the Responses API for one conversation: node api.js PORT-FILE LOG. Listens on the localhost and writes its
// port to PORT-FILE; every request is a line of JSON in LOG. A prompt with "RUN: command" is answered with a call of the shell
// tool, the tool's result with the text "tool said: RESULT", anything else with "stand-in heard you".
'use strict';
const http = require('http');
const fs = require('fs');
const responses = require('./responses.js');
const [portFile, log] = process.argv.slice(2);

function answer(request) {
  const blocks = request.messages.flatMap((m) => (Array.isArray(m.content) ? m.content : [{ type: 'text', text: m.content }]));
  const result = blocks.find((b) => b.type === 'tool_result');
  if (result) {
    const text = typeof result.content === 'string' ? result.content : result.content.map((c) => c.text).join('');
    return { type: 'text', text: `tool said: ${text}` };
  }
  const order = blocks.map((b) => /RUN: (.*)/.exec(b.text || '')).find(Boolean);
  const hasShell = (request.tools || []).some((t) => t.name === 'Bash');
  if (order && hasShell) {
    return { type: 'tool_use', id: 'toolu_1', name: 'Bash', input: { command: order[1], description: 'test' } };
  }
  return { type: 'text', text: 'stand-in heard you' };
}

function stream(response, message, block) {
  const event = (type, data) => response.write(`event: ${type}\ndata: ${JSON.stringify({ type, ...data })}\n\n`);
  const isTool = block.type === 'tool_use';
  response.writeHead(200, { 'content-type': 'text/event-stream' });
  event('message_start', { message });
  event('content_block_start', { index: 0, content_block: isTool ? { ...block, input: {} } : { type: 'text', text: '' } });
  event('content_block_delta', {
    index: 0,
    delta: isTool ? { type: 'input_json_delta', partial_json: JSON.stringify(block.input) } : { type: 'text_delta', text: block.text },
  });
  event('content_block_stop', { index: 0 });
  event('message_delta', { delta: { stop_reason: isTool ? 'tool_use' : 'end_turn', stop_sequence: null }, usage: { output_tokens: 1 } });
  event('message_stop', {});
  response.end();
}

const server = http.createServer((request, response) => {
  let body = '';
  request.on('data', (data) => (body += data));
  request.on('end', () => {
    fs.appendFileSync(log, `${JSON.stringify({ method: request.method, url: request.url, headers: request.headers, body })}\n`);
    if (request.method === 'POST' && request.url === '/v1/responses') return responses(JSON.parse(body), response);
    if (request.method !== 'POST' || !/^\/v1\/messages(\?|$)/.test(request.url)) {
      response.writeHead(404, { 'content-type': 'application/json' });
      return response.end('{}');
    }
    const asked = JSON.parse(body);
    const block = answer(asked);
    const message = {
      id: 'msg_1', type: 'message', role: 'assistant', model: asked.model, content: [], stop_reason: null,
      stop_sequence: null, usage: { input_tokens: 1, output_tokens: 1 },
    };
    if (asked.stream) return stream(response, message, block);
    response.writeHead(200, { 'content-type': 'application/json' });
    response.end(JSON.stringify({ ...message, content: [block], stop_reason: block.type === 'tool_use' ? 'tool_use' : 'end_turn' }));
  });
});
server.listen(0, '127.0.0.1', () => {
  fs.writeFileSync(`${portFile}.new`, String(server.address().port));
  fs.renameSync(`${portFile}.new`, portFile);
});
