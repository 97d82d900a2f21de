// Many clients at once: each gets its own answer, whole and in order.

import assert from 'node:assert/strict';
import { after, before } from 'node:test';
import { start_fake_upstream } from './support/fake_upstream.mjs';
import { server_toml, start_gateway, upstream_toml, user } from './support/gateway.mjs';
import { deferred, test, within } from './support/wait.mjs';

const clients = 50;
let upstream, gateway;

before(async () => {
    upstream = await start_fake_upstream();
    for (const name of ['main', 'alpha', 'beta']) upstream.on(`${name}-model`, (call) => call.answer(`echo ${asked(call)}`));
    gateway = await start_gateway({
        config: `${server_toml}
${['main', 'alpha', 'beta'].map((name) => upstream_toml(name, upstream.base_url)).join('')}
[profiles."chat.v1"]
type = "passthrough"
upstream = "main"
[profiles."panel.v1"]
type = "moa"
generators = ["alpha", "beta"]
synthesizer = "main"
`,
    });
});
after(async () => {
    await gateway.stop();
    await upstream.stop();
});

const asked = (call) => JSON.stringify(call.body.messages).match(/question-\d+/)[0];
const questions = Array.from({ length: clients }, (_, index) => `question-${index}`);

async function streamed(client, model, content) {
    let text = '';
    const stream = await client.chat.completions.create({ model, messages: user(content), stream: true });
    for await (const chunk of stream) text += chunk.choices[0]?.delta.content ?? '';
    return text;
}

test('fifty streams are open at the same time and none is mixed up', async () => {
    upstream.reset();
    let open = 0;
    const all_open = deferred();
    upstream.on('main-model', async (call) => {
        call.chunk({ role: 'assistant', content: 'about ' });
        if (++open === clients) all_open.resolve();
        await within(all_open.promise, `all ${clients} streams are open`, 30_000);
        for (const letter of asked(call)) call.chunk({ content: letter });
        call.finish();
    });

    const client = gateway.client();
    const texts = await Promise.all(questions.map((question) => streamed(client, 'chat.v1', question)));

    assert.deepEqual(
        texts,
        questions.map((question) => `about ${question}`),
    );
});

test('fifty ensembles at once each get their own answer', async () => {
    upstream.reset();
    upstream.on('main-model', (call) => call.answer(`fused ${asked(call)}`));

    const client = gateway.client();
    const texts = await Promise.all(questions.map((question) => streamed(client, 'panel.v1', question)));

    assert.deepEqual(
        texts,
        questions.map((question) => `fused ${question}`),
    );
    assert.equal(upstream.calls_to('alpha-model').length, clients);
    assert.equal(upstream.calls_to('beta-model').length, clients);
});
