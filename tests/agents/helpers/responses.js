// SPDX-License-Identifier: GPL-3.0-or-later
// The Responses API's half of the stand-in: one answer to a request, as a stream of server-sent events.
'use strict';

const textOf = (content) => (typeof content === 'string' ? content : (content || []).map((c) => c.text || '').join(''));

// The item that answers: a call of the shell tool, or a message.
function item(request) {
  const input = typeof request.input === 'string' ? [{ role: 'user', content: request.input }] : request.input;
  const result = input.find((i) => i.type === 'function_call_output');
  const say = (text) => ({ type: 'message', id: 'msg_1', role: 'assistant', status: 'completed', content: [{ type: 'output_text', text, annotations: [] }] });
  if (result) return say(`tool said: ${typeof result.output === 'string' ? result.output : textOf(result.output)}`);
  const order = input.map((i) => /RUN: (.*)/.exec(i.role === 'user' ? textOf(i.content) : '')).find(Boolean);
  const tool = (request.tools || []).map((t) => t.name).find((name) => ['exec_command', 'shell_command', 'shell'].includes(name));
  if (!order || !tool) return say('stand-in heard you');
  const parameters = { exec_command: { cmd: order[1] }, shell_command: { command: order[1] }, shell: { command: ['bash', '-c', order[1]] } };
  return { type: 'function_call', id: 'fc_1', call_id: 'call_1', name: tool, arguments: JSON.stringify(parameters[tool]), status: 'completed' };
}

module.exports = function answer(request, response) {
  const output = item(request);
  const whole = { id: 'resp_1', object: 'response', created_at: 1, model: request.model, status: 'in_progress', output: [] };
  let sequence = 0;
  const event = (type, data) => response.write(`event: ${type}\ndata: ${JSON.stringify({ type, sequence_number: sequence++, ...data })}\n\n`);
  response.writeHead(200, { 'content-type': 'text/event-stream' });
  event('response.created', { response: whole });
  event('response.output_item.added', { output_index: 0, item: { ...output, status: 'in_progress' } });
  if (output.type === 'message') {
    const place = { item_id: output.id, output_index: 0, content_index: 0 };
    event('response.output_text.delta', { ...place, delta: output.content[0].text });
    event('response.output_text.done', { ...place, text: output.content[0].text });
  }
  event('response.output_item.done', { output_index: 0, item: output });
  const usage = { input_tokens: 1, input_tokens_details: { cached_tokens: 0 }, output_tokens: 1, output_tokens_details: { reasoning_tokens: 0 }, total_tokens: 2 };
  event('response.completed', { response: { ...whole, status: 'completed', output: [output], usage } });
  response.end();
};
