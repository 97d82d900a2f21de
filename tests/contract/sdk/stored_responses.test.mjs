// Stored responses with OpenAI's SDK: retrieved, continued, listed, deleted, made in the background, followed and resumed.

import assert from 'node:assert/strict';
import { after, before, beforeEach } from 'node:test';
import OpenAI from 'openai';
import { start_fake_upstream } from './support/fake_upstream.mjs';
import { start_gateway } from './support/gateway.mjs';
import { models, profiles_toml, script_all } from './support/profiles.mjs';
import { deferred, test, within } from './support/wait.mjs';

let upstream, gateway, client;

before(async () => {
    upstream = await start_fake_upstream();
    gateway = await start_gateway({ config: profiles_toml(upstream.base_url) });
    client = gateway.client();
});
after(async () => {
    await gateway.stop();
    await upstream.stop();
});
beforeEach(() => {
    upstream.reset();
    script_all(upstream, (call) => call.answer('Good morning to all of you.'));
});

const is_running = (response) => response.status === 'queued' || response.status === 'in_progress';

async function ended(response) {
    let now = response;
    while (is_running(now)) now = await client.responses.retrieve(now.id);
    return now;
}

// A stream of an answer that waits for `open` after its first words.
function script_held(open) {
    script_all(upstream, async (call) => {
        call.chunk({ role: 'assistant', content: 'Good ' });
        await Promise.race([open.promise, call.aborted]);
        for (const word of ['morning ', 'to ', 'all.']) call.chunk({ content: word });
        call.finish();
    });
}

for (const model of models) {
    test(`${model}: a response is retrieved as it was, until it is deleted`, async () => {
        const made = await client.responses.create({ model, input: 'Hi' });

        assert.deepEqual(await client.responses.retrieve(made.id), made);
        await client.responses.delete(made.id);
        await assert.rejects(client.responses.retrieve(made.id), OpenAI.NotFoundError);
    });

    test(`${model}: a conversation goes on by the id of its last response`, async () => {
        const first = await client.responses.create({ model, input: 'Hi' });
        const stream = client.responses.stream({ model, input: 'And you?', previous_response_id: first.id });
        const second = await stream.finalResponse();
        upstream.reset();

        await client.responses.create({ model, input: 'Bye', previous_response_id: second.id });

        const texts = upstream.calls[0].body.messages
            .filter((message) => message.role !== 'system')
            .map((message) => message.content);
        const answer = 'Good morning to all of you.';
        assert.deepEqual(texts.slice(0, 5), ['Hi', answer, 'And you?', answer, 'Bye']);
    });

    test(`${model}: a response in the background is polled to its end`, async () => {
        const queued = await client.responses.create({ model, input: 'Hi', background: true });

        assert.equal(queued.status, 'queued');
        const done = await within(ended(queued), 'the end of the response');
        assert.equal(done.status, 'completed');
        assert.equal(done.output_text, 'Good morning to all of you.');
    });
}

test('input items are listed page by page', async () => {
    const input = Array.from({ length: 5 }, (_, index) => ({ role: 'user', content: `word ${index}` }));
    const made = await client.responses.create({ model: 'chat.v1', input });

    const texts = [];
    for await (const item of client.responses.inputItems.list(made.id, { limit: 2, order: 'asc' })) {
        texts.push(item.content[0].text);
    }

    assert.deepEqual(texts, input.map((item) => item.content));
});

test('input tokens are counted', async () => {
    const counted = await client.responses.inputTokens.count({ model: 'chat.v1', input: 'Hi there' });

    assert.equal(counted.object, 'response.input_tokens');
    assert.ok(counted.input_tokens > 0);
});

test('what is not stored is not found', async () => {
    const made = await client.responses.create({ model: 'chat.v1', input: 'Hi', store: false });

    await assert.rejects(client.responses.retrieve(made.id), OpenAI.NotFoundError);
    await assert.rejects(
        client.responses.create({ model: 'chat.v1', input: 'Hi', previous_response_id: made.id }),
        (problem) => problem.code === 'previous_response_not_found' && problem.param === 'previous_response_id',
    );
});

test('a response in the background is cancelled with its calls', async () => {
    const open = deferred();
    script_all(upstream, () => open.promise);
    const queued = await client.responses.create({ model: 'chat.v1', input: 'Hi', background: true });
    const made = await within(upstream.called('main-model'), 'the call');

    const cancelled = await client.responses.cancel(queued.id);

    assert.equal(cancelled.status, 'cancelled');
    await within(made.aborted, 'the end of the call');
    assert.equal((await client.responses.cancel(queued.id)).status, 'cancelled');
    assert.equal((await client.responses.retrieve(queued.id)).status, 'cancelled');
    open.resolve();
});

test('a stream in the background is left and resumed after any event', async () => {
    const open = deferred();
    script_held(open);
    const first = await client.responses.create({ model: 'chat.v1', input: 'Hi', background: true, stream: true });
    let id;
    let seen = 0;
    for await (const event of first) {
        id ??= event.response.id;
        seen = event.sequence_number;
        if (event.type === 'response.output_text.delta') break;
    }

    const resumed = await client.responses.retrieve(id, { stream: true, starting_after: seen });
    open.resolve();
    let text = 'Good ';
    let final;
    for await (const event of resumed) {
        assert.equal(event.sequence_number, ++seen);
        if (event.type === 'response.output_text.delta') text += event.delta;
        if (event.type === 'response.completed') final = event.response;
    }

    assert.equal(text, 'Good morning to all.');
    assert.deepEqual(final, await client.responses.retrieve(id).then(({ _request_id, ...response }) => response));
    const again = await client.responses.retrieve(id, { stream: true });
    const numbers = [];
    for await (const event of again) numbers.push(event.sequence_number);
    assert.deepEqual(numbers, Array.from({ length: seen }, (_, index) => index + 1));
});

test('the stream helper resumes by the id of a response', async () => {
    const queued = await client.responses.create({ model: 'panel.v1', input: 'Hi', background: true, stream: true });
    let id;
    for await (const event of queued) {
        id = event.response.id;
        break;
    }

    const final = await client.responses.stream({ response_id: id }).finalResponse();

    assert.equal(final.id, id);
    assert.equal(final.output_text, 'Good morning to all of you.');
});
