"""What each strategy answers, given what its models say: the probability of each answer, 0 being the right one.

The gateway's own rules (votes, agreement, gates) and the experts' stated ones, written down a second time so that the
gateway's answers can be held against them, and so that accuracies can be computed instead of simulated.
"""

from itertools import product

from experts import FALSE_ALARM, HIT, SLIP, leaders


def first_says(answers):
    """One model, asked once."""
    return {answers[0]: 1.0}


def most_frequent(answers):
    """What most say; of tied answers that of the first voter who gave one of them. A vote by majority whose ties go to
    the first voter has the same winner, it only ends earlier."""
    tied = leaders(answers)
    return {next(answer for answer in answers if answer in tied): 1.0}


def fuse(answers):
    """The synthesizer's rule; its own answer is the last one."""
    *drafts, own = answers
    tied = leaders(drafts)
    out = {own: SLIP}
    for answer in [own] if own in tied else tied:
        share = 1.0 if own in tied else 1.0 / len(tied)
        out[answer] = out.get(answer, 0.0) + (1 - SLIP) * share
    return out


def agree_or_fuse(answers):
    """Drafts that all agree are the answer."""
    return {answers[0]: 1.0} if len(set(answers[:-1])) == 1 else fuse(answers)


def best_of(answers):
    """The judge's rule, over all that may seem right to it."""
    distinct = sorted(set(answers))
    skills = [HIT if answer == 0 else FALSE_ALARM for answer in distinct]
    out = dict.fromkeys(distinct, 0.0)
    for seeming in product((True, False), repeat=len(distinct)):
        weight = 1.0
        for seems, skill in zip(seeming, skills):
            weight *= skill if seems else 1 - skill
        accepted = [a for a, seems in zip(distinct, seeming) if seems] or distinct
        for answer in accepted:
            out[answer] += weight / len(accepted)
    return out


def cascade_agreeing(answers):
    """The first step counts if the second model says the same, else the third answers."""
    return {answers[0] if answers[0] == answers[1] else answers[2]: 1.0}


def cascade_graded(answers):
    """The first step counts if the grader likes it, else the second answers."""
    cheap, strong = answers
    accepted = HIT if cheap == 0 else FALSE_ALARM
    out = {cheap: accepted}
    out[strong] = out.get(strong, 0.0) + 1 - accepted
    return out
