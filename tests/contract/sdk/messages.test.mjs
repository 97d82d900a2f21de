// The official SDK of Anthropic against chat upstreams, an ensemble and an upstream that speaks its own wire.

import assert from 'node:assert/strict';
import { after, before, beforeEach } from 'node:test';
import Anthropic from '@anthropic-ai/sdk';
import { api_key, server_toml, start_gateway, upstream_toml, user } from './support/gateway.mjs';
import { start_fake_upstream } from './support/fake_upstream.mjs';
import { test, within } from './support/wait.mjs';

const weather = {
    name: 'weather',
    description: 'What it is like at a place',
    input_schema: { type: 'object', properties: { at: { type: 'string' } }, required: ['at'] },
};

let upstream;
let gateway;

const client = (more = {}) =>
    new Anthropic({ baseURL: gateway.address, apiKey: api_key, maxRetries: 0, ...more });
const ask = (more = {}) => ({ model: 'chat.v1', max_tokens: 2000, messages: user('Hello'), ...more });

before(async () => {
    upstream = await start_fake_upstream();
    const once = (name) => `[upstreams.${name}.retry]\nmax_attempts = 1\n`;
    gateway = await start_gateway({
        config: `${server_toml}
${upstream_toml('main', upstream.base_url, once('main'))}
${upstream_toml('other', upstream.base_url)}
${upstream_toml('claude', upstream.base_url, 'protocol = "anthropic"\napi_key = "sk-ant"\n')}
[profiles."chat.v1"]
type = "passthrough"
upstream = "main"
[profiles."panel.v1"]
type = "moa"
generators = ["main", "other"]
synthesizer = "main"
`,
    });
});

after(async () => {
    await gateway?.stop();
    await upstream?.stop();
});

beforeEach(() => {
    upstream.reset();
    upstream.on('main-model', (call) => call.answer('Hello there'));
    upstream.on('other-model', (call) => call.answer('Hello you'));
});

test('create gives a message', async () => {
    const message = await client().messages.create(ask({ system: 'Be kind.', temperature: 0.5 }));

    assert.equal(message.type, 'message');
    assert.match(message.id, /^msg_/);
    assert.deepEqual(message.content, [{ type: 'text', text: 'Hello there' }]);
    assert.equal(message.stop_reason, 'end_turn');
    assert.equal(message.usage.input_tokens, 11);
    assert.match(message._request_id, /^metamodel-/);
    const [call] = upstream.calls;
    assert.deepEqual(call.body.messages, [{ role: 'system', content: 'Be kind.' }, ...user('Hello')]);
});

test('the stream helper gives texts and the final message', async () => {
    const texts = [];
    const stream = client().messages.stream(ask()).on('text', (text) => texts.push(text));
    const message = await within(stream.finalMessage(), 'the stream ends');

    assert.equal(texts.join(''), 'Hello there');
    assert.deepEqual(message.content, [{ type: 'text', text: 'Hello there' }]);
    assert.equal(message.stop_reason, 'end_turn');
    assert.equal(message.usage.input_tokens, 11);
    assert.equal(message.usage.output_tokens, 7);
});

test('an ensemble answers whole and streamed, and its progress disturbs nobody', async () => {
    const more = { model: 'panel.v1', x_meta_model: { progress: true } };
    const whole = await client().messages.create(ask({ model: 'panel.v1' }));
    const streamed = await client().messages.stream(ask(more)).finalMessage();

    assert.equal(whole.content[0].text, 'Hello there');
    assert.deepEqual(streamed.content, whole.content);
    assert.equal(streamed.model, 'panel.v1');
});

for (const streams of [false, true]) {
    test(`calls in parallel are made and answered, ${streams ? 'streamed' : 'whole'}`, async () => {
        const tool_calls = ['Bern', 'Rome'].map((at, index) => ({
            index,
            id: `call_${index}`,
            type: 'function',
            function: { name: 'weather', arguments: JSON.stringify({ at }) },
        }));
        upstream.on('main-model', (call) =>
            call.answer(null, { message: { tool_calls }, finish_reason: 'tool_calls' }));
        const request = ask({ tools: [weather], tool_choice: { type: 'auto' } });
        const message = streams
            ? await client().messages.stream(request).finalMessage()
            : await client().messages.create(request);

        assert.equal(message.stop_reason, 'tool_use');
        assert.deepEqual(
            message.content.map(({ type, id, name, input }) => ({ type, id, name, input })),
            ['Bern', 'Rome'].map((at, i) => ({ type: 'tool_use', id: `call_${i}`, name: 'weather', input: { at } })),
        );

        upstream.on('main-model', (call) => call.answer('Warm'));
        const results = message.content.map(({ id }) => ({ type: 'tool_result', tool_use_id: id, content: '20' }));
        const next = await client().messages.create({
            ...request,
            messages: [
                ...request.messages,
                { role: 'assistant', content: message.content },
                { role: 'user', content: results },
            ],
        });
        assert.equal(next.content[0].text, 'Warm');
        const sent = upstream.calls.at(-1).body.messages;
        assert.equal(sent[1].tool_calls.length, 2);
        assert.deepEqual(sent.slice(2), [0, 1].map((i) => ({ role: 'tool', tool_call_id: `call_${i}`, content: '20' })));
    });

    test(`thinking comes with its signature and goes back, ${streams ? 'streamed' : 'whole'}`, async () => {
        const thinking_blocks = [{ type: 'thinking', thinking: 'Well…', signature: 'c2ln+/=' }];
        upstream.on('main-model', (call) =>
            call.answer('Yes', { message: { reasoning_content: 'Well…', thinking_blocks } }));
        const request = ask({ thinking: { type: 'enabled', budget_tokens: 1024 } });
        const message = streams
            ? await client().messages.stream(request).finalMessage()
            : await client().messages.create(request);

        assert.deepEqual(message.content, [...thinking_blocks, { type: 'text', text: 'Yes' }]);
        await client().messages.create({
            ...request,
            messages: [...request.messages, { role: 'assistant', content: message.content }, ...user('Why?')],
        });
        assert.deepEqual(upstream.calls.at(-1).body.messages[1].thinking_blocks, thinking_blocks);
    });
}

test('images are sent', async () => {
    const source = { type: 'base64', media_type: 'image/png', data: 'aGk=' };
    await client().messages.create(
        ask({ messages: user([{ type: 'image', source }, { type: 'text', text: 'What is it?' }]) }),
    );

    assert.deepEqual(upstream.calls[0].body.messages[0].content, [
        { type: 'image_url', image_url: { url: 'data:image/png;base64,aGk=' } },
        { type: 'text', text: 'What is it?' },
    ]);
});

test('tokens are counted', async () => {
    upstream.on('claude-model', (call) => call.json(200, { input_tokens: 42 }));

    const counted = await client().messages.countTokens({ model: 'claude', messages: user('Hello') });
    const estimated = await client().messages.countTokens({ model: 'chat.v1', messages: user('Hello') });

    assert.equal(counted.input_tokens, 42);
    assert.ok(estimated.input_tokens > 0);
});

test('models are listed and found', async () => {
    const ids = [];
    for await (const model of client().models.list()) ids.push(model.id);
    assert.ok(ids.includes('chat.v1'), ids.join());
    const model = await client().models.retrieve('chat.v1');
    assert.equal(model.type, 'model');
    assert.equal(model.display_name, 'chat.v1');
    assert.ok(!Number.isNaN(Date.parse(model.created_at)));
    await assert.rejects(client().models.retrieve('none'), Anthropic.NotFoundError);
});

async function failure(type, request, options) {
    const problem = await client(options).messages.create(request).then(
        () => assert.fail('there was an answer'),
        (error) => error,
    );
    assert.ok(problem instanceof type, String(problem));
    assert.match(problem.requestID, /^metamodel-/);
    assert.equal(problem.error.type, 'error');
    assert.equal(problem.error.request_id, problem.requestID);
    return problem;
}

test('errors have their types', async () => {
    const refused = await failure(Anthropic.AuthenticationError, ask(), { apiKey: 'sk-wrong' });
    assert.equal(refused.error.error.type, 'authentication_error');
    const wrong = await failure(Anthropic.BadRequestError, ask({ messages: [{ role: 'user', content: 5 }] }));
    assert.match(wrong.message, /messages\.0\.content: /);
    const unknown = await failure(Anthropic.NotFoundError, ask({ model: 'none' }));
    assert.equal(unknown.error.error.type, 'not_found_error');
    const answers = [
        [429, Anthropic.RateLimitError, 'rate_limit_error'],
        [422, Anthropic.UnprocessableEntityError, 'invalid_request_error'],
        [500, Anthropic.InternalServerError, 'api_error'],
        [503, Anthropic.InternalServerError, 'overloaded_error'],
    ];
    for (const [status, type, name] of answers) {
        upstream.on('main-model', (call) => call.json(status, { error: { message: 'because' } }));
        const problem = await failure(type, ask());
        assert.equal(problem.status, status);
        assert.deepEqual(problem.error.error, { type: name, message: 'because' });
    }
});

test('a stream that breaks is an error', async () => {
    upstream.on('main-model', (call) => {
        call.chunk({ role: 'assistant', content: 'These are words that never' });
        setImmediate(() => call.cut());
    });

    await assert.rejects(client().messages.stream(ask()).finalMessage(), (problem) => {
        assert.ok(problem instanceof Anthropic.APIError, String(problem));
        assert.equal(problem.error.error.type, 'api_error');
        return true;
    });
});

test('a client that gives up closes the upstream call', async () => {
    upstream.on('main-model', (call) => call.chunk({ role: 'assistant', content: 'busy with it' }));
    const stream = client().messages.stream(ask());
    const ended = stream.finalMessage().catch((problem) => problem);

    const call = await within(upstream.called('main-model'), 'the call arrives');
    stream.abort();
    await within(call.aborted, 'the upstream sees the close', 5_000);
    assert.ok((await ended) instanceof Anthropic.APIUserAbortError);
});
