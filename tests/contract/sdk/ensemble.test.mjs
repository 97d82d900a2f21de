// A Mixture-of-Agents profile is one model to the SDK: drafts in parallel, one synthesised answer, streamed as it is made.

import assert from 'node:assert/strict';
import { after, before, beforeEach } from 'node:test';
import OpenAI from 'openai';
import { zodResponseFormat } from 'openai/helpers/zod';
import { z } from 'zod';
import { start_fake_upstream, usage_of } from './support/fake_upstream.mjs';
import { server_toml, start_gateway, upstream_toml, user } from './support/gateway.mjs';
import { deferred, test, within } from './support/wait.mjs';

const generators = ['alpha', 'beta', 'gamma'];
let upstream, gateway;

before(async () => {
    upstream = await start_fake_upstream();
    script_all();
    gateway = await start_gateway({
        config: `${server_toml}
${[...generators, 'fuser'].map((name) => upstream_toml(name, upstream.base_url)).join('')}
[profiles."panel.v1"]
type = "moa"
generators = ["alpha", "beta", "gamma"]
synthesizer = "fuser"
grace_secs = 1.0
aliases = ["panel"]
`,
    });
});
after(async () => {
    await gateway.stop();
    await upstream.stop();
});
beforeEach(() => {
    upstream.reset();
    script_all();
});

function script_all() {
    for (const name of generators) {
        upstream.on(`${name}-model`, (call) => call.answer(`The draft of ${name}, which is long enough to be of use.`));
    }
    upstream.on('fuser-model', (call) => call.answer('The fused answer.'));
}

const ask = (more = {}, options = {}) =>
    gateway
        .client()
        .chat.completions.create({ model: 'panel.v1', messages: user('What is best?'), ...more }, options);

test('the answer is the one the synthesizer made of the drafts', async () => {
    const { data, response } = await ask().withResponse();

    assert.equal(data.choices[0].message.content, 'The fused answer.');
    assert.equal(data.choices[0].finish_reason, 'stop');
    assert.equal(data.model, 'panel.v1');
    assert.equal('x_meta_model' in data, false);
    assert.equal(response.headers.get('x-metamodel-profile'), 'panel.v1');
    assert.equal(response.headers.get('x-metamodel-generators'), '3');

    const prompt = JSON.stringify(upstream.calls_to('fuser-model')[0].body.messages);
    for (const name of generators) {
        assert.equal(upstream.calls_to(`${name}-model`).length, 1);
        assert.match(prompt, new RegExp(`The draft of ${name},`));
    }
    assert.doesNotMatch(prompt, /alpha-model|beta-model|gamma-model/);
});

test('an alias answers under the name that was asked for', async () => {
    assert.equal((await ask({ model: 'panel' })).model, 'panel');
});

test('a stream is a strict OpenAI stream', async () => {
    const chunks = [];
    for await (const chunk of await ask({ stream: true, stream_options: { include_usage: true } })) chunks.push(chunk);

    assert.deepEqual(
        [...new Set(chunks.map((chunk) => `${chunk.object} ${chunk.model} ${chunk.id}`))],
        [`chat.completion.chunk panel.v1 ${chunks[0].id}`],
    );
    assert.match(chunks[0].id, /^chatcmpl-/);
    assert.equal(chunks[0].choices[0].delta.role, 'assistant');
    const said = chunks.flatMap((chunk) => chunk.choices);
    assert.equal(said.map((choice) => choice.delta.content ?? '').join(''), 'The fused answer.');
    assert.equal(said.at(-1).finish_reason, 'stop');
    assert.deepEqual(chunks.at(-1).choices, []);
    assert.equal(chunks.at(-1).usage.total_tokens, usage_of('').total_tokens);
    assert.ok(chunks.slice(0, -1).every((chunk) => chunk.usage === null));
});

test('a stream without the option carries no usage', async () => {
    for await (const chunk of await ask({ stream: true })) assert.equal('usage' in chunk, false);
});

test("the SDK's stream helper puts the answer together", async () => {
    const answer = await gateway
        .client()
        .chat.completions.stream({ model: 'panel.v1', messages: user('What is best?') })
        .finalChatCompletion();

    assert.equal(answer.choices[0].message.content, 'The fused answer.');
});

test('progress does not disturb the stream helper', async () => {
    const stream = gateway.client().chat.completions.stream({
        model: 'panel.v1',
        messages: user('Hi'),
        x_meta_model: { progress: true },
    });
    const told = [];
    stream.on('chunk', (chunk) => chunk.x_meta_model?.progress && told.push(chunk.x_meta_model.progress));

    const completion = await stream.finalChatCompletion();

    assert.equal(completion.choices[0].message.content, 'The fused answer.');
    assert.equal(told.filter(({ role, state }) => role === 'generator' && state === 'done').length, 3);
});

test("the synthesizer's tokens reach the client as they are made", async () => {
    const seen = deferred();
    upstream.on('fuser-model', async (call) => {
        assert.equal(call.body.stream, true);
        call.chunk({ role: 'assistant', content: '' });
        call.chunk({ content: 'The first words' });
        await within(seen.promise, 'the client sees the first words');
        call.chunk({ content: ' and the rest.' });
        call.finish();
    });

    let text = '';
    for await (const chunk of await ask({ stream: true })) {
        text += chunk.choices[0]?.delta.content ?? '';
        if (text === 'The first words') seen.resolve();
    }

    assert.equal(text, 'The first words and the rest.');
});

test('one failed generator is left out and named', async () => {
    upstream.on('beta-model', (call) => call.json(500, { error: { message: 'broken' } }));

    const { data, response } = await ask().withResponse();

    assert.equal(data.choices[0].message.content, 'The fused answer.');
    assert.equal(response.headers.get('x-metamodel-degraded'), 'true');
    assert.match(response.headers.get('x-metamodel-failed-generators'), /^beta:/);
});

test('a generator that never answers costs its own leg only', async () => {
    upstream.on('gamma-model', () => {});

    const answer = await within(ask(), 'the answer comes without it');

    assert.equal(answer.choices[0].message.content, 'The fused answer.');
    await within(upstream.calls_to('gamma-model')[0].aborted, 'its call is closed', 5_000);
});

test('a synthesizer that fails falls back to a draft', async () => {
    upstream.on('fuser-model', (call) => call.json(500, { error: { message: 'broken' } }));

    assert.match((await ask()).choices[0].message.content, /^The draft of (alpha|beta|gamma),/);
});

test('a synthesizer that is cut in mid-answer is an error', async () => {
    const seen = deferred();
    upstream.on('fuser-model', async (call) => {
        call.chunk({ role: 'assistant', content: 'The first words' });
        await within(seen.promise, 'the client sees the first words');
        call.cut();
    });

    const stream = await ask({ stream: true });
    await assert.rejects(async () => {
        for await (const chunk of stream) if (chunk.choices[0]?.delta.content) seen.resolve();
    }, OpenAI.APIError);
});

test('all generators failing is an InternalServerError', async () => {
    for (const name of generators) upstream.on(`${name}-model`, (call) => call.json(503, { error: { message: 'down' } }));

    await assert.rejects(ask(), (problem) => {
        assert.ok(problem instanceof OpenAI.InternalServerError);
        assert.equal(problem.status, 502);
        assert.equal(problem.code, 'all_generators_failed');
        return true;
    });
    assert.equal(upstream.calls_to('fuser-model').length, 0);
});

test('a client that leaves closes every leg', async () => {
    for (const name of generators) upstream.on(`${name}-model`, () => {});
    const leaving = new AbortController();

    const refused = assert.rejects(ask({}, { signal: leaving.signal }), OpenAI.APIUserAbortError);
    const calls = await Promise.all(
        generators.map((name) => within(upstream.called(`${name}-model`), `${name} is called`)),
    );
    leaving.abort();

    await refused;
    for (const call of calls) await within(call.aborted, 'the leg is closed', 5_000);
    assert.equal(upstream.calls_to('fuser-model').length, 0);
});

const tools = [{ type: 'function', function: { name: 'weather', parameters: { type: 'object', properties: {} } } }];
const made = { id: 'call_1', type: 'function', function: { name: 'weather', arguments: '{"city":"Oslo"}' } };

function script_calls(names, message) {
    for (const name of names) {
        upstream.on(`${name}-model`, (call) => {
            const calls = call.body.stream ? [{ index: 0, ...message }] : [message];
            call.answer(null, { message: { tool_calls: calls }, finish_reason: 'tool_calls' });
        });
    }
}

test('drafts that call a tool give one whole call', async () => {
    script_calls(generators, made);

    const answer = await ask({ tools });

    assert.equal(answer.choices[0].finish_reason, 'tool_calls');
    assert.equal(answer.choices[0].message.tool_calls.length, 1);
    assert.deepEqual(answer.choices[0].message.tool_calls[0].function, made.function);
});

test("the stream helper reads the synthesizer's call", async () => {
    script_calls([...generators, 'fuser'], made);

    const answer = await gateway
        .client()
        .chat.completions.stream({ model: 'panel.v1', messages: user('How warm?'), tools, tool_choice: 'required' })
        .finalChatCompletion();

    assert.equal(answer.choices[0].finish_reason, 'tool_calls');
    assert.equal(answer.choices[0].message.tool_calls.length, 1);
    assert.equal(answer.choices[0].message.tool_calls[0].id, made.id);
    assert.equal(answer.choices[0].message.tool_calls[0].function.arguments, made.function.arguments);
});

test('a tool that nobody declared is never called', async () => {
    script_calls(generators, { ...made, function: { name: 'rogue', arguments: '{}' } });

    await assert.rejects(ask({ tools }, { maxRetries: 0 }), (error) => {
        assert.equal(error.status, 503);
        assert.equal(error.code, 'no_quorum_after_constraint');
        return true;
    });
});

test('parse gives an object of the schema, whole and streamed', async () => {
    const found = '{"town":"Rome","degrees":21}';
    for (const name of [...generators, 'fuser']) upstream.on(`${name}-model`, (call) => call.answer(found));
    const wish = {
        model: 'panel.v1',
        messages: user('Where is it warm?'),
        response_format: zodResponseFormat(z.object({ town: z.string(), degrees: z.number() }), 'place'),
    };

    const whole = await gateway.client().chat.completions.parse(wish);
    const streamed = await gateway.client().chat.completions.stream(wish).finalChatCompletion();

    for (const answer of [whole, streamed]) {
        assert.deepEqual(answer.choices[0].message.parsed, { town: 'Rome', degrees: 21 });
    }
});

test('a draft outside the schema does not become the answer', async () => {
    upstream.on('alpha-model', (call) => call.answer('It is warm in Rome.'));
    upstream.on('beta-model', (call) => call.answer('{"town":"Rome","degrees":21}'));
    upstream.on('gamma-model', (call) => call.answer('{"town":"Rome"}'));
    upstream.on('fuser-model', (call) => call.answer('I would say Rome.'));

    const answer = await gateway.client().chat.completions.parse({
        model: 'panel.v1',
        messages: user('Where is it warm?'),
        response_format: zodResponseFormat(z.object({ town: z.string(), degrees: z.number() }), 'place'),
    });

    assert.deepEqual(answer.choices[0].message.parsed, { town: 'Rome', degrees: 21 });
});
