// A scripted model server. Each model id has a script: a function that gets one call and answers it as it likes.

import http from 'node:http';
import { deferred } from './wait.mjs';

let next_id = 0;

// One POST that the gateway made: what came (`text`, `body`, `headers`) and the ways to answer it.
class call {
    constructor(request, response, text) {
        this.text = text;
        this.body = JSON.parse(text);
        this.headers = request.headers;
        this.path = request.url;
        this.arrived_ms = performance.now();
        this.response = response;
        this.id = `chatcmpl-fake${++next_id}`;
        // Settles when the gateway closes the connection before the reply has ended.
        this.aborted = new Promise((resolve) => {
            response.on('close', () => response.writableFinished || resolve());
        });
    }

    json(status, body, headers = {}) {
        this.response.writeHead(status, { 'Content-Type': 'application/json', ...headers });
        this.response.end(JSON.stringify(body));
    }

    // Whole answer in the form that was asked for. `message` and `extra` are merged over the defaults.
    answer(content, { message = {}, finish_reason = 'stop', extra = {} } = {}) {
        if (this.body.stream) {
            this.chunk({ role: 'assistant', content: '' });
            this.chunk({ content, ...message });
            this.finish(finish_reason);
            return;
        }
        this.json(200, {
            id: this.id,
            object: 'chat.completion',
            created: 1760000000,
            model: this.body.model,
            choices: [{ index: 0, message: { role: 'assistant', content, ...message }, finish_reason }],
            usage: usage_of(content),
            ...extra,
        });
    }

    // One event of a stream; the first one sends the head.
    event(value) {
        if (!this.response.headersSent) {
            this.response.writeHead(200, { 'Content-Type': 'text/event-stream' });
        }
        this.response.write(`data: ${typeof value === 'string' ? value : JSON.stringify(value)}\n\n`);
    }

    chunk(delta, finish_reason = null, extra = {}) {
        this.event({
            id: this.id,
            object: 'chat.completion.chunk',
            created: 1760000000,
            model: this.body.model,
            choices: [{ index: 0, delta, finish_reason }],
            ...extra,
        });
    }

    // Ends a stream as OpenAI does, with usage where it was asked for.
    finish(finish_reason = 'stop') {
        this.chunk({}, finish_reason);
        if (this.body.stream_options?.include_usage) {
            const { id, body } = this;
            const usage = usage_of('');
            this.event({ id, object: 'chat.completion.chunk', created: 1760000000, model: body.model, choices: [], usage });
        }
        this.event('[DONE]');
        this.response.end();
    }

    // Cuts the connection where it stands.
    cut() {
        this.response.socket.destroy();
    }
}

export function usage_of(content) {
    const completion_tokens = Math.max(7, Math.ceil((content ?? '').length / 4));
    return { prompt_tokens: 11, completion_tokens, total_tokens: 11 + completion_tokens };
}

export async function start_fake_upstream() {
    const scripts = new Map();
    const calls = [];
    const waiting = [];

    const server = http.createServer(async (request, response) => {
        response.on('error', () => {}); // the gateway may leave at any time
        if (request.method === 'GET') {
            const data = [...scripts.keys()].map((id) => ({ id, object: 'model', created: 0, owned_by: 'fake' }));
            response.writeHead(200, { 'Content-Type': 'application/json' });
            response.end(JSON.stringify({ object: 'list', data }));
            return;
        }
        let text = '';
        request.setEncoding('utf8');
        for await (const part of request) text += part;
        const made = new call(request, response, text);
        calls.push(made);
        waiting.splice(0).forEach((check) => check());
        await scripts.get(made.body.model)(made);
    });
    await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));

    return {
        base_url: `http://127.0.0.1:${server.address().port}/v1`,
        // Calls since the last `reset`, in order of arrival.
        calls,
        calls_to: (model) => calls.filter((made) => made.body.model === model),
        // The script for calls to `model`; the newest one holds.
        on: (model, script) => scripts.set(model, script),
        // The `count`-th call to `model` since the last `reset`.
        called(model, count = 1) {
            const seen = deferred();
            const check = () => {
                const made = calls.filter((one) => one.body.model === model)[count - 1];
                if (made) seen.resolve(made);
                else waiting.push(check);
            };
            check();
            return seen.promise;
        },
        reset: () => calls.splice(0),
        async stop() {
            server.closeAllConnections();
            await new Promise((resolve) => server.close(resolve));
        },
    };
}
