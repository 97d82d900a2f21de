"""What the simulated synthesizer, judge and grader do with the candidates that they read.

The synthesizer never sees the truth: it takes the final answer that most candidates give. Between tied answers its own
decides if it is one of them, else chance. In SLIP of the questions it does not listen and writes its own answer.

Judge and grader have a stated skill: each distinct answer that is right seems right to them with probability HIT, each
wrong one with probability FALSE_ALARM. The judge chooses by chance among the answers that seem right, or among all if
none does; the grader gives 9 of 10 to what seems right and 3 to the rest.
"""

from collections import Counter

import dice
from questions import read_answer

SLIP = 0.03
HIT = 0.85
FALSE_ALARM = 0.25
GOOD_GRADE, BAD_GRADE = 9, 3


def leaders(answers):
    """The most frequent answers."""
    counts = Counter(answers)
    most = max(counts.values(), default=0)
    return [answer for answer, count in counts.items() if count == most]


def synthesize(seed, question, own, candidates):
    """The answer in canonical spelling. `own`: the synthesizer's own one."""
    answers = [answer for answer in map(read_answer, candidates) if answer is not None]
    if not answers or dice.uniform(seed, "slip", question.number) < SLIP:
        return own
    tied = leaders(answers)
    if own in tied:
        return own
    return min(tied, key=lambda answer: dice.uniform(seed, "tie", question.number, answer))


def seems_right(seed, role, question, answer):
    skill = HIT if answer == question.options[0] else FALSE_ALARM
    return dice.uniform(seed, "seems", role, question.number, answer) < skill


def choose_best(seed, question, candidates):
    """The chosen candidate's number, from 1 on."""
    answers = [read_answer(text) for text in candidates]
    distinct = sorted({answer for answer in answers if answer is not None})
    if not distinct:
        return 1
    accepted = [a for a in distinct if seems_right(seed, "judge", question, a)] or distinct
    chosen = min(accepted, key=lambda answer: dice.uniform(seed, "choice", question.number, answer))
    return answers.index(chosen) + 1


def grade(seed, question, candidate):
    return GOOD_GRADE if seems_right(seed, "grader", question, read_answer(candidate)) else BAD_GRADE
