// LangChain's classes for OpenAI: only their base URL was changed.

import assert from 'node:assert/strict';
import { after, before, beforeEach } from 'node:test';
import { HumanMessage, ToolMessage } from '@langchain/core/messages';
import { ChatOpenAI, OpenAIEmbeddings } from '@langchain/openai';
import { z } from 'zod';
import { start_fake_upstream } from './support/fake_upstream.mjs';
import { api_key, start_gateway } from './support/gateway.mjs';
import { call_weather, has_tool_results, models, profiles_toml, script_all } from './support/profiles.mjs';
import { test } from './support/wait.mjs';

let upstream, gateway;

before(async () => {
    upstream = await start_fake_upstream();
    script_all(upstream, (call) => call.answer('unused'));
    gateway = await start_gateway({ config: profiles_toml(upstream.base_url) });
});
after(async () => {
    await gateway.stop();
    await upstream.stop();
});
beforeEach(() => upstream.reset());

const base = () => ({ apiKey: api_key, maxRetries: 0, configuration: { baseURL: `${gateway.address}/v1` } });
const weather = { name: 'weather', description: 'The weather of a town', schema: z.object({ town: z.string() }) };

for (const name of models) {
    const chat = (more = {}) => new ChatOpenAI({ model: name, ...base(), ...more });

    test(`${name}: invoke gives the answer`, async () => {
        script_all(upstream, (call) => call.answer('Good morning to all of you.'));

        const answer = await chat().invoke('Hi');

        assert.equal(answer.content, 'Good morning to all of you.');
        assert.equal(answer.response_metadata.finish_reason, 'stop');
    });

    test(`${name}: stream gives the same in pieces, with usage at its end`, async () => {
        script_all(upstream, (call) => {
            call.chunk({ role: 'assistant', content: '' });
            for (const piece of ['Good ', 'morning ', 'to all']) call.chunk({ content: piece });
            call.finish();
        });

        let whole;
        for await (const piece of await chat({ streamUsage: true }).stream('Hi')) {
            whole = whole === undefined ? piece : whole.concat(piece);
        }

        assert.equal(whole.content, 'Good morning to all');
        assert.ok(whole.usage_metadata.total_tokens > 0);
    });

    test(`${name}: parallel calls come whole out of a stream, and their results are answered`, async () => {
        script_all(upstream, (call) =>
            has_tool_results(call) ? call.answer('Sunny in both.') : call_weather(call, ['Rome', 'Oslo']));
        const with_tools = chat().bindTools([weather]);
        const messages = [new HumanMessage('What is the weather in Rome and Oslo?')];

        let asked;
        for await (const piece of await with_tools.stream(messages)) {
            asked = asked === undefined ? piece : asked.concat(piece);
        }
        assert.deepEqual(asked.tool_calls.map(({ name, args }) => [name, args]), [
            ['weather', { town: 'Rome' }],
            ['weather', { town: 'Oslo' }],
        ]);

        const results = asked.tool_calls.map(({ id, args }) => new ToolMessage({ tool_call_id: id, content: `${args.town}: sun` }));
        const answer = await with_tools.invoke([...messages, asked, ...results]);
        assert.equal(answer.content, 'Sunny in both.');
    });

    test(`${name}: an object of a schema`, async () => {
        script_all(upstream, (call) => call.answer('{"town":"Rome","degrees":21}'));
        const schema = z.object({ town: z.string(), degrees: z.number() });

        const found = await chat().withStructuredOutput(schema, { method: 'jsonSchema' }).invoke('Where is it warm?');

        assert.deepEqual(found, { town: 'Rome', degrees: 21 });
        assert.equal(upstream.calls[0].body.response_format.type, 'json_schema');
    });
}

test('an unknown model is an error with its status', async () => {
    await assert.rejects(
        new ChatOpenAI({ model: 'nobody', ...base() }).invoke('Hi'),
        (problem) => problem.status === 404 && /nobody/.test(problem.message),
    );
});

test('embeddings give a vector for each text', async () => {
    upstream.on('main-model', (call) =>
        call.json(200, {
            object: 'list',
            model: 'main-model',
            data: call.body.input.map((_, index) => ({ object: 'embedding', index, embedding: [index, 0.5] })),
            usage: { prompt_tokens: 4, total_tokens: 4 },
        }));

    const vectors = await new OpenAIEmbeddings({ model: 'main', encodingFormat: 'float', ...base() }).embedDocuments(['a', 'b']);

    assert.deepEqual(vectors, [[0, 0.5], [1, 0.5]]);
});
