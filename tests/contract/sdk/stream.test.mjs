// Streams through a passthrough profile: as they come, to the end, cut, refused and left.

import assert from 'node:assert/strict';
import { after, before, beforeEach } from 'node:test';
import OpenAI from 'openai';
import { start_fake_upstream, usage_of } from './support/fake_upstream.mjs';
import { server_toml, start_gateway, upstream_toml, user } from './support/gateway.mjs';
import { deferred, test, within } from './support/wait.mjs';

let upstream, gateway;

before(async () => {
    upstream = await start_fake_upstream();
    upstream.on('main-model', (call) => call.answer('unused'));
    gateway = await start_gateway({
        config: `${server_toml}
${upstream_toml('main', upstream.base_url)}
[profiles."chat.v1"]
type = "passthrough"
upstream = "main"
`,
    });
});
after(async () => {
    await gateway.stop();
    await upstream.stop();
});
beforeEach(() => upstream.reset());

const ask = (more = {}, options = {}) =>
    gateway.client().chat.completions.create({ model: 'chat.v1', messages: user('Hi'), stream: true, ...more }, options);

async function collect(stream) {
    const chunks = [];
    for await (const chunk of stream) chunks.push(chunk);
    return chunks;
}

const text_of = (chunks) => chunks.map((chunk) => chunk.choices[0]?.delta.content ?? '').join('');

test('chunks come through one by one, and nothing is added', async () => {
    upstream.on('main-model', (call) => {
        call.chunk({ role: 'assistant', content: '' });
        for (const piece of ['One', ' two', ' \u{1f600}', ' three']) call.chunk({ content: piece });
        call.finish();
    });

    const chunks = await collect(await ask());

    assert.equal(chunks.length, 6);
    assert.equal(text_of(chunks), 'One two \u{1f600} three');
    assert.equal(chunks.at(-1).choices[0].finish_reason, 'stop');
    assert.equal(chunks.some((chunk) => 'usage' in chunk), false);
    assert.equal('stream_options' in upstream.calls[0].body, false);
});

test('a chunk reaches the client before the upstream makes the next', async () => {
    const seen = deferred();
    upstream.on('main-model', async (call) => {
        call.chunk({ role: 'assistant', content: 'first' });
        await within(seen.promise, 'the client sees the first chunk');
        call.chunk({ content: ' second' });
        call.finish();
    });

    let text = '';
    for await (const chunk of await ask()) {
        text += chunk.choices[0].delta.content ?? '';
        if (text === 'first') seen.resolve();
    }

    assert.equal(text, 'first second');
});

test('usage comes in a last chunk when it is asked for', async () => {
    upstream.on('main-model', (call) => call.answer('Hello'));

    const chunks = await collect(await ask({ stream_options: { include_usage: true } }));

    assert.deepEqual(chunks.at(-1).usage, usage_of(''));
    assert.deepEqual(chunks.at(-1).choices, []);
    assert.equal(text_of(chunks), 'Hello');
});

test('tool call deltas add up', async () => {
    upstream.on('main-model', (call) => {
        const delta = (index, call_part) => call.chunk({ tool_calls: [{ index, ...call_part }] });
        call.chunk({ role: 'assistant', content: null });
        delta(0, { id: 'call_a', type: 'function', function: { name: 'weather', arguments: '' } });
        delta(0, { function: { arguments: '{"city":' } });
        delta(0, { function: { arguments: '"Oslo"}' } });
        delta(1, { id: 'call_b', type: 'function', function: { name: 'time', arguments: '{}' } });
        call.finish('tool_calls');
    });

    const answer = await gateway
        .client()
        .chat.completions.stream({ model: 'chat.v1', messages: user('Hi'), tools: [] })
        .finalChatCompletion();

    const calls = answer.choices[0].message.tool_calls;
    assert.deepEqual(
        calls.map((made) => [made.id, made.function.name, made.function.arguments]),
        [
            ['call_a', 'weather', '{"city":"Oslo"}'],
            ['call_b', 'time', '{}'],
        ],
    );
    assert.equal(answer.choices[0].finish_reason, 'tool_calls');
});

test('a client that leaves in mid-stream closes the upstream call', async () => {
    upstream.on('main-model', (call) => call.chunk({ role: 'assistant', content: 'still talking' }));

    const stream = await ask();
    for await (const chunk of stream) {
        assert.equal(chunk.choices[0].delta.content, 'still talking');
        stream.controller.abort();
    }

    await within(upstream.calls[0].aborted, 'the upstream sees the close', 5_000);
});

test('a client that leaves before the first byte closes the upstream call', async () => {
    upstream.on('main-model', () => {});
    const leaving = new AbortController();

    const refused = assert.rejects(ask({}, { signal: leaving.signal }), OpenAI.APIUserAbortError);
    const call = await within(upstream.called('main-model'), 'the call arrives');
    leaving.abort();

    await refused;
    await within(call.aborted, 'the upstream sees the close', 5_000);
});

test('an error event after the first chunks is an APIError', async () => {
    const seen = deferred();
    upstream.on('main-model', async (call) => {
        call.chunk({ role: 'assistant', content: 'so far' });
        await within(seen.promise, 'the client sees the first chunk');
        call.event({ error: { message: 'the model fell over', type: 'api_error', param: null, code: 'overloaded_model' } });
        call.response.end();
    });

    const stream = await ask();
    let text = '';
    await assert.rejects(
        async () => {
            for await (const chunk of stream) {
                text += chunk.choices[0].delta.content ?? '';
                seen.resolve();
            }
        },
        (problem) => problem instanceof OpenAI.APIError && problem.message.includes('fell over'),
    );

    assert.equal(text, 'so far');
});

test('a cut stream is an error and never a clean end', async () => {
    const seen = deferred();
    upstream.on('main-model', async (call) => {
        call.chunk({ role: 'assistant', content: 'half a' });
        await within(seen.promise, 'the client sees the first chunk');
        call.cut();
    });

    const stream = await ask();
    await assert.rejects(async () => {
        for await (const chunk of stream) if (chunk.choices[0].delta.content) seen.resolve();
    }, OpenAI.APIError);
});

test('an error before any content is a proper status', async () => {
    upstream.on('main-model', (call) => {
        call.event({ error: { message: 'no capacity', type: 'api_error', param: null, code: null } });
        call.response.end();
    });

    await assert.rejects(ask(), OpenAI.InternalServerError);
});

test('a refusal of a stream keeps its status and body', async () => {
    upstream.on('main-model', (call) =>
        call.json(400, { error: { message: 'too spicy', type: 'invalid_request_error', param: 'messages', code: 'content_filter' } }),
    );

    await assert.rejects(ask(), (problem) => {
        assert.ok(problem instanceof OpenAI.BadRequestError);
        assert.equal(problem.code, 'content_filter');
        assert.equal(problem.param, 'messages');
        return true;
    });
});

test('an upstream that answers a stream request as a whole is streamed on', async () => {
    upstream.on('main-model', (call) => {
        const message = { role: 'assistant', content: 'all at once, as one JSON body, whatever was asked' };
        const choices = [{ index: 0, message, finish_reason: 'stop' }];
        call.json(200, { id: 'x', object: 'chat.completion', created: 1, model: 'm', choices, usage: usage_of('') });
    });

    const chunks = await collect(await ask());

    assert.equal(text_of(chunks), 'all at once, as one JSON body, whatever was asked');
    assert.equal(chunks.at(-1).choices[0].finish_reason, 'stop');
});
