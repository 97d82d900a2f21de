// Runs the built binary, named by META_MODEL_BINARY, for as long as a test file needs it.

import { spawn } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import readline from 'node:readline';
import OpenAI from 'openai';
import { deferred, within } from './wait.mjs';

export const api_key = 'sk-client-of-the-tests';

// One upstream entry of a configuration, reached at `base_url` under its own name as model id.
export function upstream_toml(name, base_url, more = '') {
    return `
[upstreams.${name}]
model_id = "${name}-model"
base_url = "${base_url}"
context = 32768
max_output = 4096
${more}`;
}

// `config`: text of the TOML file; without it the demo fleet is served. `auth` says whether clients send a key.
export async function start_gateway({ config, auth = true } = {}) {
    const binary = process.env.META_MODEL_BINARY;
    if (!binary) throw new Error('META_MODEL_BINARY has to name the built meta-model');

    const folder = await mkdtemp(join(tmpdir(), 'meta-model-sdk-'));
    const options = ['--demo'];
    if (config !== undefined) {
        const file = join(folder, 'meta-model.toml');
        await writeFile(file, config);
        options.splice(0, 1, '--config', file);
    }
    const child = spawn(binary, ['serve', ...options, '--port', '0'], {
        cwd: folder,
        stdio: ['ignore', 'pipe', 'pipe'],
    });

    // Whatever happens to this test file, nothing is left running.
    process.on('exit', () => child.kill('SIGKILL'));

    let log = '';
    const listening = deferred();
    const ended = deferred();
    child.on('error', (problem) => listening.reject(problem));
    child.on('exit', (code, signal) => {
        listening.reject(new Error(`the gateway ended (${code ?? signal}) before it listened:\n${log}`));
        ended.resolve({ code, signal });
    });
    for (const stream of [child.stdout, child.stderr]) {
        readline.createInterface({ input: stream }).on('line', (line) => {
            log += `${line}\n`;
            const found = line.match(/^listening on (http:\/\/\S+)$/);
            if (found && stream === child.stdout) listening.resolve(found[1]);
        });
    }
    // Where the end is never waited for, a late rejection is nobody's concern.
    listening.promise.catch(() => {});
    const address = await within(listening.promise, 'the gateway listens', 30_000);

    return {
        address,
        log: () => log,
        client: (more = {}) =>
            new OpenAI({ baseURL: `${address}/v1`, apiKey: auth ? api_key : 'unused', maxRetries: 0, ...more }),
        // Stops it as Ctrl-C does; anything but a clean end, a sanitizer's report included, fails the test file.
        async stop() {
            child.kill('SIGINT');
            const end = await within(ended.promise, 'the gateway stops', 60_000);
            await rm(folder, { recursive: true, force: true });
            if (end.code !== 0) throw new Error(`the gateway ended with ${end.code ?? end.signal}:\n${log}`);
            if (log.includes(api_key)) throw new Error(`a credential was logged:\n${log}`);
        },
    };
}

// The `[server]` table that most test files want.
export const server_toml = `
[server]
bearer_token = "${api_key}"
`;

export const user = (content) => [{ role: 'user', content }];
