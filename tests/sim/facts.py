"""The facts that a run has to reproduce. Each check gives a sentence, and whether it holds.

Claims about better and worse are tests on differences paired by question, at 95 %. Comparisons with theory allow 4
standard errors: with some thirty rows a sound run fails one of them about twice in a thousand runs.
"""

from math import sqrt

import theory
from books import PICO_PER_USD
from intervals import mean_interval
from models import MODELS
from session import tag_of

THEORY_ERRORS = 4.0
MOST_LOST_TO_A_LIAR = 0.15  # of accuracy, beside the same panel without it


class Results:
    """Rows by panel and strategy."""

    def __init__(self, rows):
        self.rows = {(row.panel.name, row.strategy.name): row for row in rows}

    def right(self, panel, strategy):
        return [float(answer.is_right) for answer in self.rows[panel, strategy].answers]

    def gain(self, panel, strategy, over="single best"):
        """By question, on one panel."""
        return [a - b for a, b in zip(self.right(panel, strategy), self.right(panel, over))]


def expected_accuracy(row, asked):
    """The exact accuracy over the kinds of question that were asked."""
    by_count = {}
    members = [MODELS[key] for key in row.strategy.slots]
    for question in asked:
        by_count[len(question.options)] = by_count.get(len(question.options), 0) + 1
    total = 0.0
    for count, share in by_count.items():
        if row.strategy.samples > 1:
            value = theory.samples_accuracy(members[0], row.strategy.samples, count, row.strategy.rule)
        else:
            value = theory.panel_accuracy(members, count, row.panel.follow, row.strategy.rule)
        total += share * value
    return total / len(asked)


def unlawful_answers(row, asked, world):
    """Answers that the strategy's rule cannot give, from what its models said to the very question."""
    found = []
    for answer, question in zip(row.answers, asked):
        models = [MODELS[key] for key in row.strategy.slots]
        if row.strategy.samples > 1:
            said = [world.choose(models[0], question, sample) for sample in range(row.strategy.samples)]
        else:
            said = [world.choose(model, question) for model in models]
        if row.strategy.rule(tuple(said)).get(answer.option, 0.0) == 0.0:
            found.append(f"{question.text!r}: models said {said}, the answer was {answer.option}")
    return found


def check_rows(rows, asked, worlds, expected):
    """What holds for every row: an answer to each question, by the rule, at the price in the books, as often right as
    theory says."""
    for row in rows:
        name = f"{row.panel.name}, {row.strategy.name}"
        yield f"{name}: every question answered, ledger and books agree", not row.faults, row.faults
        unlawful = unlawful_answers(row, asked, worlds[row.panel.name])
        yield f"{name}: every answer follows from what the models said", not unlawful, unlawful
        value = expected[row.panel.name, row.strategy.name]
        error = sqrt(max(value * (1 - value), 1e-9) / len(asked))
        distance = abs(row.hits / len(asked) - value) / error
        yield f"{name}: accuracy within {THEORY_ERRORS} standard errors of theory ({distance:.1f})", distance <= THEORY_ERRORS, []


def _is_above(values, bound=0.0):
    mean, low, high = mean_interval(values)
    return f"{mean:+.3f} [{low:+.3f}, {high:+.3f}]", low > bound


def check_facts(results):
    """The known facts, by letters."""
    vote = "majority vote"
    gain = results.gain("independent", vote)
    told, holds = _is_above(gain)
    yield f"a majority of independent voters beats the best of them: {told}", holds, []

    correlated = results.gain("correlated", vote)
    told, holds = _is_above([much / 2 - little for much, little in zip(gain, correlated)])
    mean = sum(correlated) / len(correlated)
    yield f"a correlated panel gains {mean:+.3f}, less than half as much: by {told}", holds, []

    told, holds = _is_above(results.gain("adversary", vote))
    yield f"with one liar among six, the vote still beats the best single model: {told}", holds, []
    with_liar, without = results.right("adversary", vote), results.right("independent", vote)
    told, holds = _is_above([a - b for a, b in zip(with_liar, without)], -MOST_LOST_TO_A_LIAR)
    yield f"and loses less than {MOST_LOST_TO_A_LIAR} to the liar: {told}", holds, []

    for panel in ("independent", "correlated"):
        agreed, fused = (results.rows[panel, name] for name in ("agreement, else MoA", "MoA"))
        calls = [a.calls - b.calls for a, b in zip(agreed.answers, fused.answers)]
        spared = -sum(calls) / len(calls)
        yield f"{panel}: agreement spares {spared:.2f} calls a question and never adds one", spared > 0 >= max(calls), []
        mean, low, high = mean_interval(results.gain(panel, "agreement, else MoA", over="MoA"))
        yield f"{panel}: and loses no accuracy: {mean:+.3f} [{low:+.3f}, {high:+.3f}]", high >= 0, []


def check_sums(rows, asked, sold):
    """The fleet's own view. Of strategies that end calls early the requests are judged one by one, in check_rows."""
    yield "the fleet could read every prompt of the gateway", not sold.faults, sold.faults
    ours = theirs = calls = 0
    for row in rows:
        if not row.strategy.ends_early:
            tags = [tag_of(row.panel, row.strategy, question) for question in asked]
            ours += sum(answer.cost for answer in row.answers)
            theirs += sum(map(sold.cost, tags))
            calls += sum(len(sold.sales[tag]) for tag in tags)
    told = f"{theirs / PICO_PER_USD:.6f} USD for {calls} calls in the books, {ours / PICO_PER_USD:.6f} in the headers"
    yield told, ours == theirs, []
