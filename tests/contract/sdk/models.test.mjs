// The catalogue as the SDK sees it.

import assert from 'node:assert/strict';
import { after, before } from 'node:test';
import OpenAI from 'openai';
import { start_fake_upstream } from './support/fake_upstream.mjs';
import { server_toml, start_gateway, upstream_toml } from './support/gateway.mjs';
import { test } from './support/wait.mjs';

let upstream, gateway;

before(async () => {
    upstream = await start_fake_upstream();
    upstream.on('main-model', (call) => call.answer('Hello'));
    gateway = await start_gateway({
        config: `${server_toml}
${upstream_toml('main', upstream.base_url)}
[profiles."team/chat.v1"]
type = "passthrough"
upstream = "main"
aliases = ["Writer"]
[profiles."another.v1"]
type = "passthrough"
upstream = "main"
`,
    });
});
after(async () => {
    await gateway.stop();
    await upstream.stop();
});

test('the list has profiles, then aliases, and no upstreams', async () => {
    const ids = [];
    for await (const model of gateway.client().models.list()) ids.push(model.id);

    assert.deepEqual(ids, ['another.v1', 'team/chat.v1', 'Writer']);
});

test('an entry says what the model can do', async () => {
    const model = await gateway.client().models.retrieve('another.v1');

    assert.equal(model.id, 'another.v1');
    assert.equal(model.object, 'model');
    assert.equal(typeof model.created, 'number');
    assert.equal(model.owned_by, 'meta-model');
    assert.equal(model.capabilities.function_calling, true);
});

test('a name with a slash is found', async () => {
    assert.equal((await gateway.client().models.retrieve('team/chat.v1')).id, 'team/chat.v1');
});

test('an alias says whose it is', async () => {
    assert.equal((await gateway.client().models.retrieve('Writer')).alias_of, 'team/chat.v1');
});

test('an unknown model is a NotFoundError', async () => {
    await assert.rejects(gateway.client().models.retrieve('nobody'), (problem) => {
        assert.ok(problem instanceof OpenAI.NotFoundError);
        assert.equal(problem.code, 'model_not_found');
        return true;
    });
});

test('the list asks for the key', async () => {
    await assert.rejects(gateway.client({ apiKey: 'sk-wrong' }).models.list(), OpenAI.AuthenticationError);
});
