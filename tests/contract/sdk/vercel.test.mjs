// Vercel's AI SDK on the chat wire: only its base URL was changed.

import assert from 'node:assert/strict';
import { after, before, beforeEach } from 'node:test';
import { createOpenAI } from '@ai-sdk/openai';
import { APICallError, embedMany, generateText, Output, stepCountIs, streamText, tool } from 'ai';
import { z } from 'zod';
import { start_fake_upstream } from './support/fake_upstream.mjs';
import { api_key, start_gateway } from './support/gateway.mjs';
import { call_weather, has_tool_results, models, profiles_toml, script_all } from './support/profiles.mjs';
import { test } from './support/wait.mjs';

let upstream, gateway, provider;

before(async () => {
    upstream = await start_fake_upstream();
    script_all(upstream, (call) => call.answer('unused'));
    gateway = await start_gateway({ config: profiles_toml(upstream.base_url) });
    provider = createOpenAI({ baseURL: `${gateway.address}/v1`, apiKey: api_key });
});
after(async () => {
    await gateway.stop();
    await upstream.stop();
});
beforeEach(() => upstream.reset());

const weather = tool({
    description: 'The weather of a town',
    inputSchema: z.object({ town: z.string() }),
    execute: async ({ town }) => `${town} is sunny`,
});

for (const name of models) {
    const model = () => provider.chat(name);

    test(`${name}: generateText gives the text and why it ended`, async () => {
        script_all(upstream, (call) => call.answer('Good morning to all of you.'));

        const result = await generateText({ model: model(), prompt: 'Hi', maxRetries: 0 });

        assert.equal(result.text, 'Good morning to all of you.');
        assert.equal(result.finishReason, 'stop');
    });

    test(`${name}: streamText gives the same in pieces`, async () => {
        script_all(upstream, (call) => {
            call.chunk({ role: 'assistant', content: '' });
            for (const piece of ['Good ', 'morning ', 'to all \u{1f600}']) call.chunk({ content: piece });
            call.finish();
        });

        const result = streamText({ model: model(), prompt: 'Hi', maxRetries: 0 });
        let text = '';
        for await (const piece of result.textStream) text += piece;

        assert.equal(text, 'Good morning to all \u{1f600}');
        assert.equal(await result.finishReason, 'stop');
    });

    test(`${name}: parallel calls are made, and their results are answered`, async () => {
        script_all(upstream, (call) =>
            has_tool_results(call) ? call.answer('Sunny in both.') : call_weather(call, ['Rome', 'Oslo']));

        const result = streamText({
            model: model(),
            prompt: 'What is the weather in Rome and Oslo?',
            tools: { weather },
            stopWhen: stepCountIs(3),
            maxRetries: 0,
        });
        let text = '';
        for await (const piece of result.textStream) text += piece;
        const steps = await result.steps;

        assert.deepEqual(steps[0].toolCalls.map((made) => made.input.town), ['Rome', 'Oslo']);
        assert.deepEqual(steps[0].toolResults.map((got) => got.output), ['Rome is sunny', 'Oslo is sunny']);
        assert.equal(text, 'Sunny in both.');
    });

    test(`${name}: an object of a schema`, async () => {
        script_all(upstream, (call) => call.answer('{"town":"Rome","degrees":21}'));

        const { output } = await generateText({
            model: model(),
            prompt: 'Where is it warm?',
            output: Output.object({ schema: z.object({ town: z.string(), degrees: z.number() }) }),
            maxRetries: 0,
        });

        assert.deepEqual(output, { town: 'Rome', degrees: 21 });
        assert.equal(upstream.calls[0].body.response_format.type, 'json_schema');
    });
}

test('an unknown model is an error with its status and text', async () => {
    await assert.rejects(
        generateText({ model: provider.chat('nobody'), prompt: 'Hi', maxRetries: 0 }),
        (problem) => APICallError.isInstance(problem) && problem.statusCode === 404 && /nobody/.test(problem.message),
    );
});

test('embedMany gives a vector for each text', async () => {
    upstream.on('main-model', (call) =>
        call.json(200, {
            object: 'list',
            model: 'main-model',
            data: call.body.input.map((_, index) => ({ object: 'embedding', index, embedding: [index, 0.5] })),
            usage: { prompt_tokens: 4, total_tokens: 4 },
        }));

    const { embeddings, usage } = await embedMany({ model: provider.embedding('main'), values: ['a', 'b'], maxRetries: 0 });

    assert.deepEqual(embeddings, [[0, 0.5], [1, 0.5]]);
    assert.equal(usage.tokens, 4);
});
