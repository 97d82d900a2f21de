// Whole answers through a passthrough profile: what the SDK sends arrives, what the model says comes back.

import assert from 'node:assert/strict';
import { after, before, beforeEach } from 'node:test';
import { start_fake_upstream, usage_of } from './support/fake_upstream.mjs';
import { server_toml, start_gateway, upstream_toml, user } from './support/gateway.mjs';
import { test } from './support/wait.mjs';

let upstream, gateway;

before(async () => {
    upstream = await start_fake_upstream();
    upstream.on('main-model', (call) => call.answer('Hello there'));
    gateway = await start_gateway({
        config: `${server_toml}
${upstream_toml('main', upstream.base_url, 'api_key = "sk-of-the-upstream"')}
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
beforeEach(() => {
    upstream.reset();
    upstream.on('main-model', (call) => call.answer('Hello there'));
});

// A client that keeps the bodies it sent.
function recording_client() {
    const sent = [];
    const fetch_and_keep = (url, init) => {
        sent.push(init.body);
        return fetch(url, init);
    };
    return { sent, client: gateway.client({ fetch: fetch_and_keep }) };
}

test('a chat gives the answer, its usage and a request id', async () => {
    const answer = await gateway.client().chat.completions.create({ model: 'chat.v1', messages: user('Hi') });

    assert.equal(answer.choices[0].message.content, 'Hello there');
    assert.equal(answer.choices[0].finish_reason, 'stop');
    assert.deepEqual(answer.usage, usage_of('Hello there'));
    assert.match(answer._request_id, /^metamodel-[0-9a-f]{24}$/);
    assert.equal('x_meta_model' in answer, false);
});

test('the headers name the profile', async () => {
    const { response } = await gateway
        .client()
        .chat.completions.create({ model: 'chat.v1', messages: user('Hi') })
        .withResponse();

    assert.equal(response.headers.get('x-metamodel-profile'), 'chat.v1');
    assert.equal(response.headers.get('x-metamodel-generators'), '1');
});

test('an upstream is reached by its own name too', async () => {
    const answer = await gateway.client().chat.completions.create({ model: 'main', messages: user('Hi') });

    assert.equal(answer.choices[0].message.content, 'Hello there');
});

test('the upstream gets the bytes of the client with its own model id', async () => {
    const { sent, client } = recording_client();

    await client.chat.completions.create({
        model: 'chat.v1',
        messages: user('Grüße, 世界 \u{1f30d} "quoted" \\ \n'),
        temperature: 0.30000000000000004,
        seed: 9007199254740991,
    });

    assert.equal(upstream.calls[0].text, sent[0].replace('"chat.v1"', '"main-model"'));
});

test('unknown fields of request and reply travel', async () => {
    const { sent, client } = recording_client();
    const opaque = { deep: [1, { signature: 'c2lnbg==' }], none: null };
    upstream.on('main-model', (call) =>
        call.answer('Hello', {
            message: { reasoning_content: '', reasoning_details: [opaque] },
            extra: { provider_note: opaque, service_tier: 'flex' },
        }),
    );

    const answer = await client.chat.completions.create({
        model: 'chat.v1',
        messages: [{ role: 'user', content: 'Hi', cache_hint: opaque }],
        prompt_cache_key: 'k-1',
        made_up_field: opaque,
    });

    assert.deepEqual(JSON.parse(sent[0]).made_up_field, opaque);
    assert.deepEqual(upstream.calls[0].body.made_up_field, opaque);
    assert.deepEqual(upstream.calls[0].body.messages[0].cache_hint, opaque);
    assert.equal(upstream.calls[0].body.prompt_cache_key, 'k-1');
    assert.equal('stream' in upstream.calls[0].body, false);
    assert.deepEqual(answer.provider_note, opaque);
    assert.equal(answer.choices[0].message.reasoning_content, '');
    assert.deepEqual(answer.choices[0].message.reasoning_details, [opaque]);
});

test('tools go to the upstream and its calls come back', async () => {
    const tools = [
        {
            type: 'function',
            function: { name: 'weather', parameters: { type: 'object', properties: { city: { type: 'string' } } } },
        },
    ];
    const tool_calls = [
        { id: 'call_1', type: 'function', function: { name: 'weather', arguments: '{"city": "Oslo"}' } },
        { id: 'call_2', type: 'function', function: { name: 'weather', arguments: '{"city": "Rome"}' } },
    ];
    upstream.on('main-model', (call) => call.answer(null, { message: { tool_calls }, finish_reason: 'tool_calls' }));

    const answer = await gateway.client().chat.completions.create({
        model: 'chat.v1',
        messages: user('Weather in Oslo and Rome?'),
        tools,
        tool_choice: 'auto',
        parallel_tool_calls: true,
    });

    assert.deepEqual(upstream.calls[0].body.tools, tools);
    assert.equal(upstream.calls[0].body.tool_choice, 'auto');
    assert.equal(upstream.calls[0].body.parallel_tool_calls, true);
    assert.equal(answer.choices[0].finish_reason, 'tool_calls');
    assert.deepEqual(answer.choices[0].message.tool_calls, tool_calls);
});

test("the SDK's tool runner finishes its conversation", async () => {
    upstream.on('main-model', (call) => {
        const result = call.body.messages.find((message) => message.role === 'tool');
        if (result) return call.answer(`It is ${result.content} in Oslo`);
        const tool_calls = [{ id: 'call_1', type: 'function', function: { name: 'weather', arguments: '{"city":"Oslo"}' } }];
        return call.answer(null, { message: { tool_calls }, finish_reason: 'tool_calls' });
    });

    const runner = gateway.client().chat.completions.runTools({
        model: 'chat.v1',
        messages: user('Weather in Oslo?'),
        tools: [
            {
                type: 'function',
                function: { name: 'weather', parse: JSON.parse, parameters: {}, function: ({ city }) => `4 degrees (${city})` },
            },
        ],
    });

    assert.equal(await runner.finalContent(), 'It is 4 degrees (Oslo) in Oslo');
    assert.equal(upstream.calls.length, 2);
});

test("the client's key stays here and the upstream's own key is used", async () => {
    await gateway.client().chat.completions.create({ model: 'chat.v1', messages: user('Hi') });

    const { headers } = upstream.calls[0];
    assert.equal(headers.authorization, 'Bearer sk-of-the-upstream');
    assert.deepEqual(
        Object.keys(headers).filter((name) => name.startsWith('x-stainless')),
        [],
    );
});
