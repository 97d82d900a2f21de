// The Responses API of OpenAI's SDK: created whole and streamed, with tools, schemas, images and reasoning.

import assert from 'node:assert/strict';
import { after, before, beforeEach } from 'node:test';
import OpenAI from 'openai';
import { zodTextFormat } from 'openai/helpers/zod';
import { z } from 'zod';
import { start_fake_upstream } from './support/fake_upstream.mjs';
import { api_key, start_gateway } from './support/gateway.mjs';
import { call_weather, has_tool_results, models, profiles_toml, script_all } from './support/profiles.mjs';
import { test } from './support/wait.mjs';

let upstream, gateway, client;

before(async () => {
    upstream = await start_fake_upstream();
    script_all(upstream, (call) => call.answer('unused'));
    gateway = await start_gateway({ config: profiles_toml(upstream.base_url) });
    client = gateway.client();
});
after(async () => {
    await gateway.stop();
    await upstream.stop();
});
beforeEach(() => upstream.reset());

const weather = {
    type: 'function',
    name: 'weather',
    description: 'The weather of a town',
    parameters: { type: 'object', properties: { town: { type: 'string' } }, required: ['town'], additionalProperties: false },
    strict: true,
};

for (const model of models) {
    test(`${model}: a response has its text, status and usage`, async () => {
        script_all(upstream, (call) => call.answer('Good morning to all of you.'));

        const response = await client.responses.create({ model, input: 'Hi' });

        assert.equal(response.output_text, 'Good morning to all of you.');
        assert.equal(response.status, 'completed');
        assert.match(response.id, /^resp_[0-9a-f]{24}$/);
        assert.equal(response.usage.total_tokens, response.usage.input_tokens + response.usage.output_tokens);
        assert.equal('x_meta_model' in response, false);
    });

    test(`${model}: a stream tells the same in pieces`, async () => {
        script_all(upstream, (call) => {
            call.chunk({ role: 'assistant', content: '' });
            for (const piece of ['Good ', 'morning ', 'to all \u{1f600}']) call.chunk({ content: piece });
            call.finish();
        });

        const stream = await client.responses.create({ model, input: 'Hi', stream: true });
        const types = [];
        let text = '';
        let final;
        for await (const event of stream) {
            types.push(event.type);
            if (event.type === 'response.output_text.delta') text += event.delta;
            if (event.type === 'response.completed') final = event.response;
        }

        assert.equal(text, 'Good morning to all \u{1f600}');
        assert.equal(final.output_text, text);
        assert.equal(types[0], 'response.created');
        assert.equal(types.at(-1), 'response.completed');
        assert.ok(final.usage.total_tokens > 0);
    });

    test(`${model}: the stream helper gives the final response`, async () => {
        script_all(upstream, (call) => call.answer('Good morning.'));

        const stream = client.responses.stream({ model, input: 'Hi' });
        let text = '';
        stream.on('response.output_text.delta', (event) => (text = event.snapshot));
        const final = await stream.finalResponse();

        assert.equal(final.output_text, 'Good morning.');
        assert.equal(text, 'Good morning.');
    });

    test(`${model}: the stream helper takes progress and heartbeats`, async () => {
        script_all(upstream, (call) => call.answer('Good morning.'));

        const stream = client.responses.stream({ model, input: 'Hi', x_meta_model: { progress: true } });
        const final = await stream.finalResponse();

        assert.equal(final.output_text, 'Good morning.');
    });

    for (const streams of [false, true]) {
        test(`${model}: a loop of parallel calls, ${streams ? 'streamed' : 'whole'}`, async () => {
            script_all(upstream, (call) =>
                has_tool_results(call) ? call.answer('Sunny in both.') : call_weather(call, ['Rome', 'Oslo']));
            const input = [{ role: 'user', content: 'What is the weather in Rome and Oslo?' }];
            const ask = () =>
                streams
                    ? client.responses.stream({ model, input, tools: [weather] }).finalResponse()
                    : client.responses.create({ model, input, tools: [weather] });

            const first = await ask();
            const made = first.output.filter((item) => item.type === 'function_call');
            assert.deepEqual(made.map((item) => JSON.parse(item.arguments).town), ['Rome', 'Oslo']);
            input.push(...first.output);
            for (const item of made) {
                input.push({ type: 'function_call_output', call_id: item.call_id, output: 'sunny' });
            }
            const second = await ask();

            assert.equal(second.output_text, 'Sunny in both.');
            const shown = upstream.calls_to('main-model').at(-1).body.messages;
            assert.deepEqual(shown.slice(0, 4).map((message) => message.role), ['user', 'assistant', 'tool', 'tool']);
            assert.equal(shown[1].tool_calls.length, 2);
        });
    }

    test(`${model}: parse gives an object of a schema`, async () => {
        script_all(upstream, (call) => call.answer('{"town":"Rome","degrees":21}'));
        const schema = z.object({ town: z.string(), degrees: z.number() });

        const response = await client.responses.parse({
            model,
            input: 'Where is it warm?',
            text: { format: zodTextFormat(schema, 'place') },
        });

        assert.deepEqual(response.output_parsed, { town: 'Rome', degrees: 21 });
        assert.equal(upstream.calls[0].body.response_format.type, 'json_schema');
        assert.equal(upstream.calls[0].body.response_format.json_schema.name, 'place');
    });
}

test('an image arrives as the chat has it', async () => {
    script_all(upstream, (call) => call.answer('A frog.'));

    const response = await client.responses.create({
        model: 'chat.v1',
        instructions: 'Name it.',
        input: [
            {
                role: 'user',
                content: [
                    { type: 'input_text', text: 'What is it?' },
                    { type: 'input_image', image_url: 'data:image/png;base64,AAAA', detail: 'auto' },
                ],
            },
        ],
    });

    assert.equal(response.output_text, 'A frog.');
    assert.deepEqual(upstream.calls[0].body.messages, [
        { role: 'system', content: 'Name it.' },
        {
            role: 'user',
            content: [
                { type: 'text', text: 'What is it?' },
                { type: 'image_url', image_url: { url: 'data:image/png;base64,AAAA', detail: 'auto' } },
            ],
        },
    ]);
});

test('reasoning is shown and comes back to the model', async () => {
    script_all(upstream, (call) => {
        call.chunk({ role: 'assistant', content: '' });
        for (const piece of ['One ', 'moment.']) call.chunk({ reasoning_content: piece });
        call.chunk({ content: 'Done.' });
        call.finish();
    });
    const input = [{ role: 'user', content: 'Hi' }];

    const stream = client.responses.stream({ model: 'chat.v1', input });
    let reasoning = '';
    stream.on('response.reasoning_text.delta', (event) => (reasoning += event.delta));
    const first = await stream.finalResponse();
    assert.equal(reasoning, 'One moment.');
    assert.equal(first.output[0].content[0].text, 'One moment.');
    assert.equal(first.output_text, 'Done.');
    input.push(...first.output, { role: 'user', content: 'Again' });
    await client.responses.stream({ model: 'chat.v1', input }).finalResponse();

    assert.deepEqual(upstream.calls[1].body.messages[1], {
        role: 'assistant',
        reasoning_content: 'One moment.',
        content: 'Done.',
    });
});

test('a stream that breaks is a failed response', async () => {
    script_all(upstream, (call) => {
        call.chunk({ content: 'So far' });
        call.event({ error: { message: 'out of memory', type: 'server_error', code: 'oom' } });
        call.response.end();
    });

    const final = await client.responses.stream({ model: 'chat.v1', input: 'Hi' }).finalResponse();

    assert.equal(final.status, 'failed');
    assert.deepEqual(final.error, { code: 'oom', message: 'out of memory' });
});

test('errors are of the SDK\'s classes and name their field', async () => {
    script_all(upstream, (call) => call.json(429, { error: { message: 'busy', type: 'overloaded' } }));

    await assert.rejects(client.responses.create({ model: 'nobody', input: 'Hi' }), (problem) => {
        assert.ok(problem instanceof OpenAI.NotFoundError);
        assert.equal(problem.code, 'model_not_found');
        return true;
    });
    await assert.rejects(client.responses.create({ model: 'chat.v1', input: 5 }), (problem) => {
        assert.ok(problem instanceof OpenAI.BadRequestError);
        assert.equal(problem.param, 'input');
        return true;
    });
    await assert.rejects(
        client.responses.create({ model: 'chat.v1', input: 'Hi', tools: [{ type: 'web_search' }] }),
        (problem) => problem.status === 501 && problem.param === 'tools' && problem.code === 'unsupported_tool',
    );
    await assert.rejects(
        client.responses.create({ model: 'chat.v1', input: 'Hi' }),
        (problem) => problem instanceof OpenAI.RateLimitError,
    );
    await assert.rejects(
        new OpenAI({ baseURL: `${gateway.address}/v1`, apiKey: `not-${api_key}`, maxRetries: 0 }).responses.create({
            model: 'chat.v1',
            input: 'Hi',
        }),
        (problem) => problem instanceof OpenAI.AuthenticationError,
    );
});
