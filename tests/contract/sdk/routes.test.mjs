// The routes beside chat: embeddings, moderations and completions through the SDK's own helpers.

import assert from 'node:assert/strict';
import { after, before, beforeEach } from 'node:test';
import { start_fake_upstream } from './support/fake_upstream.mjs';
import { server_toml, start_gateway, upstream_toml } from './support/gateway.mjs';
import { test } from './support/wait.mjs';

let upstream, gateway;

before(async () => {
    upstream = await start_fake_upstream();
    gateway = await start_gateway({
        config: `${server_toml}
${upstream_toml('main', upstream.base_url)}
[profiles."panel.v1"]
type = "moa"
generators = ["main", "other"]
synthesizer = "main"
${upstream_toml('other', upstream.base_url)}
`,
    });
});
after(async () => {
    await gateway.stop();
    await upstream.stop();
});
beforeEach(() => upstream.reset());

const numbers = [0.25, -1.5, 3];

// Answers as OpenAI does: base64 of little-endian floats where the SDK asks for it.
function answer_embeddings(call) {
    const embedding =
        call.body.encoding_format === 'base64'
            ? Buffer.from(new Float32Array(numbers).buffer).toString('base64')
            : numbers;
    call.json(200, {
        object: 'list',
        data: [{ object: 'embedding', index: 0, embedding }],
        model: call.body.model,
        usage: { prompt_tokens: 2, total_tokens: 2 },
    });
}

test('embeddings are decoded from the base64 that the SDK asks for by itself', async () => {
    upstream.on('main-model', answer_embeddings);

    const made = await gateway.client().embeddings.create({ model: 'main', input: 'Hello' });

    assert.deepEqual(upstream.calls[0].body, { model: 'main-model', input: 'Hello', encoding_format: 'base64' });
    assert.equal(upstream.calls[0].path, '/v1/embeddings');
    assert.deepEqual([...made.data[0].embedding], numbers);
    assert.deepEqual(made.usage, { prompt_tokens: 2, total_tokens: 2 });
});

test('embeddings as floats with dimensions', async () => {
    upstream.on('main-model', answer_embeddings);

    const made = await gateway
        .client()
        .embeddings.create({ model: 'main', input: ['Hello', 'you'], dimensions: 3, encoding_format: 'float' });

    assert.equal(upstream.calls[0].body.dimensions, 3);
    assert.deepEqual(made.data[0].embedding, numbers);
});

test('moderations come back as they are', async () => {
    const results = [{ flagged: true, categories: { violence: true }, category_scores: { violence: 0.9 } }];
    upstream.on('main-model', (call) => call.json(200, { id: 'modr-1', model: call.body.model, results }));

    const made = await gateway.client().moderations.create({ model: 'main', input: 'Hello' });

    assert.equal(upstream.calls[0].path, '/v1/moderations');
    assert.deepEqual(made.results, results);
});

test('a completion is whole, and its model sees a chat', async () => {
    upstream.on('main-model', (call) => call.answer('there was a frog'));

    const made = await gateway.client().completions.create({ model: 'main', prompt: 'Once', max_tokens: 9 });

    assert.equal(upstream.calls[0].path, '/v1/chat/completions');
    assert.deepEqual(upstream.calls[0].body.messages, [{ role: 'user', content: 'Once' }]);
    assert.equal(made.object, 'text_completion');
    assert.equal(made.choices[0].text, 'there was a frog');
    assert.equal(made.choices[0].finish_reason, 'stop');
});

test('a completion is streamed token by token, of an upstream and of an ensemble', async () => {
    upstream.on('main-model', (call) => call.answer('there was a frog'));
    upstream.on('other-model', (call) => call.answer('there was a toad'));
    for (const model of ['main', 'panel.v1']) {
        const stream = await gateway.client().completions.create({ model, prompt: 'Once', stream: true });
        let text = '';
        let finish = null;
        for await (const chunk of stream) {
            assert.equal(chunk.object, 'text_completion');
            text += chunk.choices[0].text;
            finish = chunk.choices[0].finish_reason ?? finish;
        }
        assert.equal(text, 'there was a frog', model);
        assert.equal(finish, 'stop');
    }
});

test('what completions cannot do is a clean error that names the field', async () => {
    const asked = gateway.client().completions.create({ model: 'main', prompt: 'Once', logprobs: 2 });

    await assert.rejects(asked, (e) => {
        assert.equal(e.status, 501);
        assert.equal(e.code, 'unsupported_legacy_param');
        return e.param === 'logprobs';
    });
});

test('an ensemble and an unknown model are clean errors of their class', async () => {
    const client = gateway.client();

    await assert.rejects(client.embeddings.create({ model: 'panel.v1', input: 'Hello' }), (e) => {
        assert.equal(e.status, 400);
        assert.equal(e.code, 'feature_not_supported_in_v1');
        assert.equal(e.param, 'model');
        return e.constructor.name === 'BadRequestError';
    });
    await assert.rejects(client.moderations.create({ model: 'nobody', input: 'Hello' }), (e) => {
        assert.equal(e.code, 'model_not_found');
        return e.constructor.name === 'NotFoundError';
    });
    assert.equal(upstream.calls.length, 0);
});

test('simulated models embed texts with the same words close together', async () => {
    const demo = await start_gateway({ auth: false });
    try {
        const client = demo.client();
        const { data } = await client.embeddings.create({
            model: 'demo-chat',
            input: ['the frog jumps', 'the frog sleeps', 'quarterly figures'],
        });
        const likeness = (a, b) => a.reduce((sum, x, i) => sum + x * b[i], 0);
        const [one, two, three] = data.map((entry) => [...entry.embedding]);
        assert.ok(Math.abs(likeness(one, one) - 1) < 1e-5);
        assert.ok(likeness(one, two) > 0.5 && likeness(one, three) < 0.3);
        const made = await client.moderations.create({ model: 'demo-chat', input: ['a', 'b'] });
        assert.deepEqual(made.results.map((result) => result.flagged), [false, false]);
    } finally {
        await demo.stop();
    }
});
