// The official SDKs where the upstream speaks their own wire: what it writes reaches them as it is, and what the gateway adds
// or says itself disturbs nobody.

import assert from 'node:assert/strict';
import { after, before, beforeEach } from 'node:test';
import Anthropic from '@anthropic-ai/sdk';
import OpenAI from 'openai';
import { start_fake_upstream } from './support/fake_upstream.mjs';
import { api_key, server_toml, start_gateway, upstream_toml, user } from './support/gateway.mjs';
import { test } from './support/wait.mjs';

let upstream;
let gateway;

before(async () => {
    upstream = await start_fake_upstream();
    const once = (name) => `[upstreams.${name}.retry]\nmax_attempts = 1\n`;
    gateway = await start_gateway({
        config: `${server_toml}
${upstream_toml('claude', upstream.base_url, `protocol = "anthropic"\napi_key = "sk-ant"\n${once('claude')}`)}
${upstream_toml('gpt', upstream.base_url, `wire = "responses"\n${once('gpt')}`)}
`,
    });
});

after(async () => {
    await gateway?.stop();
    await upstream?.stop();
});

beforeEach(() => upstream.reset());

const anthropic = () => new Anthropic({ baseURL: gateway.address, apiKey: api_key, maxRetries: 0 });
const ask = (more = {}) => ({ model: 'claude', max_tokens: 2000, messages: user('Hello'), ...more });

function tell(call, events) {
    if (!call.response.headersSent) call.response.writeHead(200, { 'Content-Type': 'text/event-stream' });
    for (const event of events) {
        call.response.write(`event: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`);
    }
}

const text_block = { type: 'text', text: 'Hello there', citations: null };
const message = {
    id: 'msg_1',
    type: 'message',
    role: 'assistant',
    model: 'claude-real',
    content: [{ type: 'thinking', thinking: 'hm', signature: 'c2ln' }, text_block],
    stop_reason: 'end_turn',
    stop_sequence: null,
    usage: { input_tokens: 11, output_tokens: 7 },
};
const message_events = (end) => [
    { type: 'message_start', message: { ...message, content: [], stop_reason: null, usage: { input_tokens: 11, output_tokens: 1 } } },
    { type: 'content_block_start', index: 0, content_block: { type: 'thinking', thinking: '', signature: '' } },
    { type: 'content_block_delta', index: 0, delta: { type: 'thinking_delta', thinking: 'hm' } },
    { type: 'content_block_delta', index: 0, delta: { type: 'signature_delta', signature: 'c2ln' } },
    { type: 'content_block_stop', index: 0 },
    { type: 'content_block_start', index: 1, content_block: { ...text_block, text: '' } },
    { type: 'content_block_delta', index: 1, delta: { type: 'text_delta', text: 'Hello there' } },
    ...end,
];
const message_end = [
    { type: 'content_block_stop', index: 1 },
    { type: 'message_delta', delta: { stop_reason: 'end_turn', stop_sequence: null }, usage: { output_tokens: 7 } },
    { type: 'message_stop' },
];

for (const trace of [false, true]) {
    const more = trace ? { x_meta_model: { trace } } : {};

    test(`a message comes whole, streamed and replayed, trace ${trace}`, async () => {
        upstream.on('claude-model', (call) => call.json(200, message));
        const whole = await anthropic().messages.create(ask(more));
        const replayed = await anthropic().messages.stream(ask(more)).finalMessage();
        upstream.on('claude-model', (call) => {
            tell(call, message_events(message_end));
            call.response.end();
        });
        const streamed = await anthropic().messages.stream(ask(more)).finalMessage();

        for (const got of [whole, replayed, streamed]) {
            assert.equal(got.id, 'msg_1');
            assert.deepEqual(got.content, message.content);
            assert.equal(got.stop_reason, 'end_turn');
            assert.equal(got.usage.output_tokens, 7);
        }
    });
}

test('what a message stream lacks is an error', async () => {
    upstream.on('claude-model', (call) => {
        tell(call, message_events([]));
        setImmediate(() => call.cut());
    });
    await assert.rejects(anthropic().messages.stream(ask()).finalMessage(), (problem) => {
        assert.ok(problem instanceof Anthropic.APIError, String(problem));
        assert.equal(problem.error.error.type, 'api_error');
        return true;
    });
});

test('an upstream\'s refusal is the client\'s', async () => {
    const error = { type: 'error', error: { type: 'rate_limit_error', message: 'because' } };
    upstream.on('claude-model', (call) => call.json(429, error));

    const problem = await anthropic().messages.create(ask()).catch((e) => e);

    assert.ok(problem instanceof Anthropic.RateLimitError, String(problem));
    assert.deepEqual(problem.error, error);
});

const item = {
    type: 'message',
    id: 'msg_1',
    role: 'assistant',
    status: 'completed',
    content: [{ type: 'output_text', text: 'Hello there', annotations: [] }],
};
const reasoning = { type: 'reasoning', id: 'rs_1', summary: [], encrypted_content: 'AA' };
const response = {
    id: 'resp_1',
    object: 'response',
    created_at: 1760000000,
    status: 'completed',
    model: 'gpt-real',
    output: [reasoning, item],
    parallel_tool_calls: true,
    tools: [],
    usage: { input_tokens: 11, output_tokens: 7, total_tokens: 18 },
};

function response_events(end) {
    const begun = { ...response, status: 'in_progress', output: [], usage: null };
    const part = { type: 'output_text', text: '', annotations: [] };
    const place = { item_id: 'msg_1', output_index: 1, content_index: 0 };
    return [
        { type: 'response.created', response: begun },
        { type: 'response.in_progress', response: begun },
        { type: 'response.output_item.added', output_index: 0, item: reasoning },
        { type: 'response.output_item.done', output_index: 0, item: reasoning },
        { type: 'response.output_item.added', output_index: 1, item: { ...item, status: 'in_progress', content: [] } },
        { type: 'response.content_part.added', ...place, part },
        { type: 'response.output_text.delta', ...place, delta: 'Hello there', logprobs: [] },
        ...end,
    ].map((event, sequence_number) => ({ ...event, sequence_number }));
}
const response_end = [
    { type: 'response.output_text.done', item_id: 'msg_1', output_index: 1, content_index: 0, text: 'Hello there', logprobs: [] },
    { type: 'response.content_part.done', item_id: 'msg_1', output_index: 1, content_index: 0, part: item.content[0] },
    { type: 'response.output_item.done', output_index: 1, item },
    { type: 'response.completed', response },
];

for (const trace of [false, true]) {
    const request = { model: 'gpt', input: 'Hello', ...(trace ? { x_meta_model: { trace } } : {}) };

    test(`a response comes whole, streamed and replayed, trace ${trace}`, async () => {
        upstream.on('gpt-model', (call) => call.json(200, response));
        const whole = await gateway.client().responses.create(request);
        const replayed = await gateway.client().responses.stream(request).finalResponse();
        upstream.on('gpt-model', (call) => {
            tell(call, response_events(response_end));
            call.response.end();
        });
        const streamed = await gateway.client().responses.stream(request).finalResponse();

        for (const got of [whole, replayed, streamed]) {
            assert.equal(got.id, 'resp_1');
            assert.equal(got.status, 'completed');
            assert.equal(got.output_text, 'Hello there');
            assert.equal(got.output[0].encrypted_content, 'AA');
            assert.equal(got.usage.total_tokens, 18);
            assert.equal('x_meta_model' in got, trace);
        }
    });
}

test('what a response stream lacks is an error', async () => {
    upstream.on('gpt-model', (call) => {
        tell(call, response_events([]));
        setImmediate(() => call.cut());
    });
    const problem = await gateway
        .client()
        .responses.stream({ model: 'gpt', input: 'Hello' })
        .finalResponse()
        .catch((e) => e);

    assert.ok(problem instanceof OpenAI.APIError, String(problem));
    assert.equal(problem.code, 'upstream_error');
});
