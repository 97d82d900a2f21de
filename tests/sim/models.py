"""The simulated models: how often they are right, how much their errors have in common, how fast and dear they are.

Correlation is a mixture with a shared latent draw. For every question a common draw is made: a number u, uniform on
[0, 1), and a wrong answer w. With probability `follow` a model answers by the common draw (right if u is below its
accuracy, else w), otherwise by a draw of its own. Each model is then right with exactly its accuracy whatever `follow`
is, and two equally good models are right or wrong together with correlation follow².

A further sample of a model (a call with another seed) repeats its first answer with probability SETTLED, otherwise it
is a fresh draw of the model's own.
"""

from dataclasses import dataclass
from math import exp

import dice

SETTLED = 0.5


@dataclass(frozen=True)
class Model:
    """Prices in US dollars for a million tokens, at most three decimals; `latency_ms` is the median."""

    key: str
    accuracy: float
    latency_ms: float
    input_usd: float
    output_usd: float
    is_liar: bool = False  # always the same wrong answer, with a text that attacks its reader


@dataclass(frozen=True)
class Panel:
    name: str
    about: str
    members: tuple  # keys of models
    follow: float


MODELS = {
    model.key: model
    for model in (
        Model("ada", 0.74, 40, 0.3, 0.9),
        Model("bell", 0.72, 35, 0.2, 0.8),
        Model("cray", 0.70, 45, 0.2, 0.6),
        Model("dirac", 0.70, 30, 0.1, 0.4),
        Model("euler", 0.68, 25, 0.1, 0.4),
        Model("liar", 0.0, 20, 0.1, 0.4, is_liar=True),
        Model("chief", 0.80, 60, 0.5, 1.5),
        Model("large", 0.90, 110, 3.0, 15.0),
    )
}

_FIVE = ("ada", "bell", "cray", "dirac", "euler")
PANELS = (
    Panel("independent", "five models whose errors have nothing in common", _FIVE, follow=0.0),
    Panel("correlated", "the same five, error correlation 0.64", _FIVE, follow=0.8),
    Panel("adversary", "the five independent ones and one that always lies", (*_FIVE, "liar"), follow=0.0),
)


class World:
    """What each model answers on one panel. Depends on the seed, the panel's correlation and the question only."""

    def __init__(self, seed, panel):
        self.seed = seed
        self.panel = panel

    def choose(self, model, question, sample=0):
        """Index of the option that a model's answer is."""
        if model.is_liar:
            return 1
        number = question.number
        if sample > 0:
            if dice.uniform(self.seed, "settled", model.key, number, sample) >= SETTLED:
                return self._draw(model, question, "sample", model.key, sample)
        # Asked with the same dice on every panel, so that panels can be compared question by question.
        if dice.uniform(self.seed, "follows", model.key, number) < self.panel.follow:
            return self._draw(model, question, "common")
        return self._draw(model, question, "own", model.key)

    def _draw(self, model, question, *source):
        if dice.uniform(self.seed, "right", *source, question.number) < model.accuracy:
            return 0
        wrong = len(question.options) - 1
        return 1 + dice.pick(wrong, self.seed, "wrong", *source, question.number)

    def latency(self, model, question, task):
        """Seconds; log-normal with a spread of a quarter."""
        spread = dice.normal(self.seed, "latency", model.key, task, question.number)
        return model.latency_ms / 1000 * exp(0.25 * spread)
