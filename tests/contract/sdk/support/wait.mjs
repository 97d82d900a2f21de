// Waiting for events, always with a bound: a test that hangs says what it was waiting for.

import { test as node_test } from 'node:test';

// A test case that fails when it takes too long, so that the ones after it still run.
export const test = (name, body) => node_test(name, { timeout: 45_000 }, body);

// A promise that is settled from outside.
export function deferred() {
    const settled = {};
    settled.promise = new Promise((resolve, reject) => Object.assign(settled, { resolve, reject }));
    return settled;
}

// What `promise` gives, or an error that names `what` after `limit_ms`.
export async function within(promise, what, limit_ms = 10_000) {
    let timer;
    const late = new Promise((_, reject) => {
        // for the promise beside it, at most limit_ms
        timer = setTimeout(() => reject(new Error(`${what}: nothing after ${limit_ms} ms`)), limit_ms);
    });
    try {
        return await Promise.race([promise, late]);
    } finally {
        clearTimeout(timer);
    }
}
