// One upstream and the profiles that most frameworks are tried on: the upstream itself, and a panel of two with it.

import { server_toml, upstream_toml } from './gateway.mjs';

export const profiles_toml = (base_url) => `${server_toml}
${['main', 'second', 'fuser'].map((name) => upstream_toml(name, base_url)).join('')}
[profiles."chat.v1"]
type = "passthrough"
upstream = "main"
[profiles."panel.v1"]
type = "moa"
generators = ["main", "second"]
synthesizer = "fuser"
grace_secs = 1.0
`;

export const models = ['chat.v1', 'panel.v1'];

// Every upstream gets the same script.
export function script_all(upstream, script) {
    for (const name of ['main', 'second', 'fuser']) upstream.on(`${name}-model`, script);
}

// A call of `weather` with what a town needs, in the form that was asked for.
export function call_weather(call, towns) {
    const tool_calls = towns.map((town, index) => ({
        id: `call_${index}`,
        type: 'function',
        function: { name: 'weather', arguments: JSON.stringify({ town }) },
    }));
    if (!call.body.stream) {
        call.answer(null, { message: { tool_calls }, finish_reason: 'tool_calls' });
        return;
    }
    // Fragments of the calls come in turns.
    call.chunk({ role: 'assistant', content: null });
    tool_calls.forEach((made, index) =>
        call.chunk({ tool_calls: [{ ...made, index, function: { name: 'weather', arguments: '' } }] }));
    for (let at = 0; tool_calls.some((made) => at < made.function.arguments.length); at += 4) {
        tool_calls.forEach((made, index) => {
            const piece = made.function.arguments.slice(at, at + 4);
            if (piece) call.chunk({ tool_calls: [{ index, function: { arguments: piece } }] });
        });
    }
    call.finish('tool_calls');
}

export const has_tool_results = (call) => call.body.messages.some((message) => message.role === 'tool');
