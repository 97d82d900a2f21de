// Each failure reaches the SDK as the error class that its users catch, with what they need to go on.

import assert from 'node:assert/strict';
import { after, before, beforeEach } from 'node:test';
import OpenAI from 'openai';
import { start_fake_upstream } from './support/fake_upstream.mjs';
import { server_toml, start_gateway, upstream_toml, user } from './support/gateway.mjs';
import { test, within } from './support/wait.mjs';

// What the upstream does reaches the client: the gateway neither tries again nor leaves it alone.
const told_as_it_is = (name) => `
[upstreams.${name}.retry]
max_attempts = 1
[upstreams.${name}.breaker]
failures = 1000
`;

let upstream, gateway;

const profiles = `
[profiles."chat.v1"]
type = "passthrough"
upstream = "main"
[profiles."gone.v1"]
type = "passthrough"
upstream = "gone"
`;

before(async () => {
    upstream = await start_fake_upstream();
    upstream.on('main-model', (call) => call.answer('Hello'));
    gateway = await start_gateway({
        config: `${server_toml}
${upstream_toml('main', upstream.base_url, told_as_it_is('main'))}
${upstream_toml('gone', 'http://127.0.0.1:1/v1', told_as_it_is('gone'))}
${profiles}`,
    });
});
after(async () => {
    await gateway.stop();
    await upstream.stop();
});
beforeEach(() => upstream.reset());

// The error of a chat, which has to be of `type`.
async function failure(type, { request = {}, client = {}, options = {} } = {}) {
    const asked = gateway
        .client(client)
        .chat.completions.create({ model: 'chat.v1', messages: user('Hi'), ...request }, options);
    const problem = await asked.then(
        () => assert.fail('there was an answer'),
        (error) => error,
    );
    assert.ok(problem instanceof type, `${problem?.constructor.name}: ${problem?.message}`);
    return problem;
}

test('a wrong key is an AuthenticationError', async () => {
    const problem = await failure(OpenAI.AuthenticationError, { client: { apiKey: 'sk-wrong' } });

    assert.equal(problem.status, 401);
    assert.equal(problem.code, 'invalid_api_key');
    assert.equal(problem.type, 'invalid_request_error');
});

test('a missing key is an AuthenticationError', async () => {
    const problem = await failure(OpenAI.AuthenticationError, { client: { defaultHeaders: { Authorization: null } } });

    assert.equal(problem.code, 'missing_api_key');
});

test('an unknown model is a NotFoundError that names it', async () => {
    const problem = await failure(OpenAI.NotFoundError, { request: { model: 'no-such-model' } });

    assert.equal(problem.status, 404);
    assert.equal(problem.code, 'model_not_found');
    assert.match(problem.message, /no-such-model/);
    assert.ok(problem.requestID);
});

const malformed = [
    ['no messages', { messages: [] }, 'messages'],
    ['a role that does not exist', { messages: [{ role: 'wizard', content: 'Hi' }] }, 'messages[0].role'],
    ['a temperature out of range', { temperature: 7 }, 'temperature'],
    ['a token limit that is a string', { max_tokens: 'many' }, 'max_tokens'],
];
for (const [name, request, param] of malformed) {
    test(`${name} is a BadRequestError that names the field`, async () => {
        const problem = await failure(OpenAI.BadRequestError, { request });

        assert.equal(problem.param, param);
        assert.equal(problem.type, 'invalid_request_error');
        assert.equal(upstream.calls.length, 0);
    });
}

test('two token limits at once are a BadRequestError', async () => {
    const problem = await failure(OpenAI.BadRequestError, { request: { max_tokens: 5, max_completion_tokens: 5 } });

    assert.equal(problem.code, 'conflicting_params');
});

const relayed = [
    [400, OpenAI.BadRequestError],
    [404, OpenAI.NotFoundError],
    [409, OpenAI.ConflictError],
    [422, OpenAI.UnprocessableEntityError],
    [429, OpenAI.RateLimitError],
    [500, OpenAI.InternalServerError],
    [503, OpenAI.InternalServerError],
];
for (const [status, type] of relayed) {
    test(`an upstream's ${status} is a ${type.name} with its own body`, async () => {
        const error = { message: `because ${status}`, type: 'made_up_type', param: 'p', code: `c_${status}` };
        upstream.on('main-model', (call) => call.json(status, { error }));

        const problem = await failure(type);

        assert.equal(problem.status, status);
        assert.deepEqual(problem.error, error);
    });
}

test("an upstream's 401 is our misconfiguration and not the client's", async () => {
    upstream.on('main-model', (call) => call.json(401, { error: { message: 'sk-of-somebody is revoked' } }));

    const problem = await failure(OpenAI.InternalServerError);

    assert.equal(problem.status, 502);
    assert.equal(problem.code, 'upstream_auth_failed');
    assert.doesNotMatch(problem.message, /sk-of-somebody/);
});

test('a page of HTML with status 200 is an InternalServerError', async () => {
    upstream.on('main-model', (call) => {
        call.response.writeHead(200, { 'Content-Type': 'text/html' });
        call.response.end('<html>Sign in</html>');
    });

    const problem = await failure(OpenAI.InternalServerError);

    assert.equal(problem.status, 502);
    assert.equal(problem.code, 'upstream_protocol_error');
});

test('an upstream that refuses connections is an InternalServerError', async () => {
    const problem = await failure(OpenAI.InternalServerError, { request: { model: 'gone.v1' } });

    assert.equal(problem.status, 502);
    assert.equal(problem.code, 'upstream_error');
    assert.doesNotMatch(problem.message, /127\.0\.0\.1/);
});

test('a 429 is retried by the SDK after the time that the upstream names', async () => {
    const arrivals = [];
    upstream.on('main-model', (call) => {
        arrivals.push(call.arrived_ms);
        if (arrivals.length > 1) return call.answer('Now');
        // Longer than the SDK's own first back-off, 0.5 s, so that honouring it shows.
        return call.json(429, { error: { message: 'slow down' } }, { 'retry-after-ms': '900', 'retry-after': '1' });
    });

    const answer = await gateway
        .client({ maxRetries: 1 })
        .chat.completions.create({ model: 'chat.v1', messages: user('Hi') });

    assert.equal(answer.choices[0].message.content, 'Now');
    assert.equal(arrivals.length, 2);
    assert.ok(arrivals[1] - arrivals[0] >= 850, `retried after ${arrivals[1] - arrivals[0]} ms`);
});

test('a client that gives up closes the upstream call', async () => {
    upstream.on('main-model', () => {});

    await failure(OpenAI.APIConnectionTimeoutError, { options: { timeout: 300 } });

    const call = await within(upstream.called('main-model'), 'the call arrives');
    await within(call.aborted, 'the upstream sees the close', 5_000);
});

const file = () => new File(['{}'], 'a.jsonl');
const absent = {
    'files.list': (client) => client.files.list(),
    'files.create': (client) => client.files.create({ purpose: 'batch', file: file() }),
    'images.generate': (client) => client.images.generate({ prompt: 'a frog' }),
    'audio.speech.create': (client) =>
        client.audio.speech.create({ model: 'chat.v1', voice: 'alloy', input: 'Hi' }),
    'audio.transcriptions.create': (client) =>
        client.audio.transcriptions.create({ model: 'chat.v1', file: file() }),
    'batches.list': (client) => client.batches.list(),
    'vectorStores.list': (client) => client.vectorStores.list(),
    'fineTuning.jobs.list': (client) => client.fineTuning.jobs.list(),
    'models.delete': (client) => client.models.delete('chat.v1'),
};
for (const [name, ask] of Object.entries(absent)) {
    test(`${name}, which is not served, is a clean error`, async () => {
        const asked = Promise.resolve(ask(gateway.client())).then(
            () => assert.fail('there was an answer'),
            (error) => error,
        );
        const problem = await within(asked, `${name} is answered`, 5_000);

        // A path that is served with other methods says so, for which the SDK has no class.
        const [type, status, named] =
            name === 'models.delete'
                ? [OpenAI.APIError, 405, 'invalid_request_error']
                : [OpenAI.NotFoundError, 404, 'not_found_error'];
        assert.ok(problem instanceof type, `${problem?.constructor.name}: ${problem?.message}`);
        assert.equal(problem.status, status);
        assert.match(problem.headers.get('content-type'), /^application\/json/);
        assert.deepEqual(Object.keys(problem.error).sort(), ['code', 'message', 'param', 'type']);
        assert.equal(problem.error.type, named);
        assert.ok(problem.requestID);
        assert.equal(upstream.calls.length, 0);
    });
}

test('a full gateway says so and the SDK comes back', async () => {
    const small = await start_gateway({
        config: `${server_toml}
[server.limits]
max_in_flight = 1
${upstream_toml('main', upstream.base_url)}
[profiles."chat.v1"]
type = "passthrough"
upstream = "main"
`,
    });
    try {
        upstream.on('main-model', (call) => call.chunk({ role: 'assistant', content: 'busy' }));
        const ask = (client, more = {}) =>
            client.chat.completions.create({ model: 'chat.v1', messages: user('Hi'), ...more });
        const first = await ask(small.client(), { stream: true });

        const problem = await ask(small.client()).then(
            () => assert.fail('there was an answer'),
            (error) => error,
        );
        assert.ok(problem instanceof OpenAI.InternalServerError, String(problem));
        assert.equal(problem.status, 503);
        assert.equal(problem.code, 'overloaded');
        assert.match(problem.headers.get('retry-after'), /^[0-9]+$/);
        assert.match(problem.headers.get('retry-after-ms'), /^[0-9]+$/);
        assert.equal(problem.headers.get('x-should-retry'), 'true');

        // With retries on, the SDK waits as told; by then the first stream is gone.
        const refused = upstream.calls.length;
        const second = ask(small.client({ maxRetries: 4 }));
        upstream.on('main-model', (call) => call.answer('free again'));
        first.controller.abort();
        const answer = await within(second, 'the second request is served', 20_000);
        assert.equal(answer.choices[0].message.content, 'free again');
        assert.equal(upstream.calls.length, refused + 1);
    } finally {
        await small.stop();
    }
});
