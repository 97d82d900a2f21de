"""Exact accuracies by enumeration of everything that the models of a panel may answer."""

from functools import lru_cache

import models


def _marginal(model, count):
    if model.is_liar:
        return [0.0, 1.0] + [0.0] * (count - 2)
    return [model.accuracy] + [(1 - model.accuracy) / (count - 1)] * (count - 1)


def _mixed(certain, weight, spread):
    """`certain` with probability `weight`, else by `spread`."""
    return [(1 - weight) * p + (weight if i == certain else 0.0) for i, p in enumerate(spread)]


def _latents(members, count, follow):
    """(probability, what the common draw means for each model) of every case of the common draw."""
    if follow == 0:
        return [(1.0, None)]
    edges = sorted({0.0, 1.0, *(m.accuracy for m in members)})
    cases = []
    for low, high in zip(edges, edges[1:]):
        u = (low + high) / 2
        for wrong in range(1, count):
            meant = [1 if m.is_liar else 0 if u < m.accuracy else wrong for m in members]
            cases.append(((high - low) / (count - 1), meant))
    return cases


def _expected(distributions, rule):
    """Probability of a right answer when the models answer independently by `distributions`."""
    total = 0.0

    def walk(i, weight, answers):
        nonlocal total
        if i == len(distributions):
            total += weight * rule(answers).get(0, 0.0)
            return
        for option, p in enumerate(distributions[i]):
            if p > 0:
                walk(i + 1, weight * p, answers + (option,))

    walk(0, 1.0, ())
    return total


def panel_accuracy(members, count, follow, rule):
    """Of different models, each asked once; `count` options. `rule`: one of rules.py."""
    rule = lru_cache(maxsize=None)(rule)
    spreads = [_marginal(m, count) for m in members]
    total = 0.0
    for weight, meant in _latents(members, count, follow):
        mixed = spreads if meant is None else [_mixed(m, follow, s) for m, s in zip(meant, spreads)]
        total += weight * _expected(mixed, rule)
    return total


def samples_accuracy(model, samples, count, rule):
    """Of one model asked `samples` times."""
    rule = lru_cache(maxsize=None)(rule)
    spread = _marginal(model, count)
    total = 0.0
    for first, weight in enumerate(spread):
        certain = [1.0 if i == first else 0.0 for i in range(count)]
        rest = [_mixed(first, models.SETTLED, spread)] * (samples - 1)
        total += weight * _expected([certain, *rest], rule)
    return total
