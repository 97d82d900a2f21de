// Vercel's AI SDK on its default wire, the Responses API: only its base URL was changed.

import assert from 'node:assert/strict';
import { after, before, beforeEach } from 'node:test';
import { createOpenAI } from '@ai-sdk/openai';
import { APICallError, generateText, Output, stepCountIs, streamText, tool } from 'ai';
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

const stateless = { openai: { store: false } };

const weather = tool({
    description: 'The weather of a town',
    inputSchema: z.object({ town: z.string() }),
    execute: async ({ town }) => `${town} is sunny`,
});

for (const name of models) {
    test(`${name}: generateText gives the text and why it ended`, async () => {
        script_all(upstream, (call) => call.answer('Good morning to all of you.'));

        const result = await generateText({ model: provider(name), system: 'Be kind.', prompt: 'Hi', maxRetries: 0 });

        assert.equal(result.text, 'Good morning to all of you.');
        assert.equal(result.finishReason, 'stop');
        assert.equal(upstream.calls[0].body.messages[0].role, 'system');
    });

    test(`${name}: streamText gives the same in pieces`, async () => {
        script_all(upstream, (call) => {
            call.chunk({ role: 'assistant', content: '' });
            for (const piece of ['Good ', 'morning ', 'to all \u{1f600}']) call.chunk({ content: piece });
            call.finish();
        });

        const result = streamText({ model: provider(name), prompt: 'Hi', maxRetries: 0 });
        let text = '';
        for await (const piece of result.textStream) text += piece;

        assert.equal(text, 'Good morning to all \u{1f600}');
        assert.equal(await result.finishReason, 'stop');
        assert.ok((await result.usage).totalTokens > 0);
    });

    test(`${name}: parallel calls are made, and their results are answered`, async () => {
        script_all(upstream, (call) =>
            has_tool_results(call) ? call.answer('Sunny in both.') : call_weather(call, ['Rome', 'Oslo']));

        const result = streamText({
            model: provider(name),
            prompt: 'What is the weather in Rome and Oslo?',
            tools: { weather },
            stopWhen: stepCountIs(3),
            providerOptions: stateless,
            maxRetries: 0,
        });
        let text = '';
        for await (const piece of result.textStream) text += piece;
        const steps = await result.steps;

        assert.deepEqual(steps[0].toolCalls.map((made) => made.input.town), ['Rome', 'Oslo']);
        assert.deepEqual(steps[0].toolResults.map((got) => got.output), ['Rome is sunny', 'Oslo is sunny']);
        assert.equal(text, 'Sunny in both.');
        assert.equal(upstream.calls_to('main-model').at(-1).body.messages[1].tool_calls.length, 2);
    });

    test(`${name}: steps refer to items that the gateway keeps`, async () => {
        script_all(upstream, (call) =>
            has_tool_results(call) ? call.answer('Sunny.') : call_weather(call, ['Rome']));

        const result = await generateText({
            model: provider(name),
            prompt: 'What is the weather in Rome?',
            tools: { weather },
            stopWhen: stepCountIs(3),
            maxRetries: 0,
        });

        assert.equal(result.text, 'Sunny.');
        const { messages } = upstream.calls_to('main-model').at(-1).body;
        assert.deepEqual(messages.map((message) => message.role), ['user', 'assistant', 'tool']);
        assert.equal(messages[1].tool_calls[0].id, 'call_0');
    });

    test(`${name}: an object of a schema`, async () => {
        script_all(upstream, (call) => call.answer('{"town":"Rome","degrees":21}'));

        const { output } = await generateText({
            model: provider(name),
            prompt: 'Where is it warm?',
            output: Output.object({ schema: z.object({ town: z.string(), degrees: z.number() }) }),
            maxRetries: 0,
        });

        assert.deepEqual(output, { town: 'Rome', degrees: 21 });
        assert.equal(upstream.calls[0].body.response_format.type, 'json_schema');
    });
}

test('reasoning is told as a summary, and comes back sealed in the next step', async () => {
    script_all(upstream, (call) => {
        if (has_tool_results(call)) {
            call.answer('Sunny.');
            return;
        }
        call.chunk({ role: 'assistant', reasoning_content: 'Which ' });
        call.chunk({ reasoning_content: 'town?' });
        call_weather(call, ['Rome']);
    });

    const result = streamText({
        model: provider('chat.v1'),
        prompt: 'What is the weather in Rome?',
        tools: { weather },
        stopWhen: stepCountIs(3),
        providerOptions: {
            openai: {
                store: false,
                forceReasoning: true,
                reasoningSummary: 'auto',
                include: ['reasoning.encrypted_content'],
            },
        },
        maxRetries: 0,
    });
    await result.consumeStream();
    const steps = await result.steps;

    assert.equal(steps[0].reasoningText, 'Which town?');
    assert.equal(await result.text, 'Sunny.');
    assert.equal(upstream.calls.at(-1).body.messages[1].reasoning_content, 'Which town?');
});

test('an unknown model is an error with its status and text', async () => {
    await assert.rejects(
        generateText({ model: provider('nobody'), prompt: 'Hi', maxRetries: 0 }),
        (problem) => APICallError.isInstance(problem) && problem.statusCode === 404 && /nobody/.test(problem.message),
    );
});
