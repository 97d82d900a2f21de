// `meta-model serve --demo`: the first minute of a newcomer with the official SDK and no other server.

import assert from 'node:assert/strict';
import { after, before } from 'node:test';
import OpenAI from 'openai';
import { start_gateway, user } from './support/gateway.mjs';
import { test } from './support/wait.mjs';

let gateway;

before(async () => {
    gateway = await start_gateway({ auth: false });
});
after(() => gateway.stop());

const ask = (model, more = {}) =>
    gateway.client().chat.completions.create({ model, messages: user('Why is the sky blue?'), ...more });

test('the fleet shows a passthrough and a panel', async () => {
    const ids = [];
    for await (const model of gateway.client().models.list()) ids.push(model.id);

    assert.ok(ids.includes('demo-chat'), ids.join(' '));
    assert.ok(ids.includes('demo-panel'), ids.join(' '));
});

for (const model of ['demo-chat', 'demo-panel']) {
    test(`${model} answers, and says that it is simulated`, async () => {
        const answer = await ask(model);

        assert.match(answer.choices[0].message.content, /simulated/i);
        assert.equal(answer.choices[0].finish_reason, 'stop');
    });

    test(`${model} streams in many chunks`, async () => {
        let text = '';
        let chunks = 0;
        for await (const chunk of await ask(model, { stream: true })) {
            text += chunk.choices[0]?.delta.content ?? '';
            chunks += 1;
        }

        assert.match(text, /simulated/i);
        assert.ok(chunks > 5, `${chunks} chunks`);
    });

    test(`${model} says the same to the same question`, async () => {
        const [first, second] = await Promise.all([ask(model), ask(model)]);

        assert.equal(first.choices[0].message.content, second.choices[0].message.content);
    });
}

test('a model that is down is an error', async () => {
    await assert.rejects(ask('demo-down'), OpenAI.InternalServerError);
});

test('a model that calls tools calls the one it is offered', async () => {
    const tools = [{ type: 'function', function: { name: 'weather', parameters: { type: 'object', properties: {} } } }];

    const answer = await ask('demo-tools', { tools });

    assert.equal(answer.choices[0].finish_reason, 'tool_calls');
    assert.equal(answer.choices[0].message.tool_calls[0].function.name, 'weather');
    JSON.parse(answer.choices[0].message.tool_calls[0].function.arguments);
});
