"""The strategies that are compared: their profiles in the gateway's configuration, and their rules."""

from collections.abc import Callable
from dataclasses import dataclass, replace

import rules
from models import MODELS
from questions import LABELS

SAMPLES = 5


@dataclass(frozen=True)
class Strategy:
    """`slots`: the models whose answers `rule` takes, in its order. `profiles`: by kind of question."""

    name: str
    slots: tuple
    rule: Callable
    profiles: dict
    toml: str
    samples: int = 1  # more: the one model of `slots`, asked so often
    has_ledger: bool = True  # False: a relayed call, whose reply carries its own usage and no cost
    ends_early: bool = False  # it may end calls that no longer matter
    code: str = ""  # its place on its panel, of one length for all: it stands in bodies, which are billed by the byte


def _quoted(keys):
    return "[" + ", ".join(f'"{key}"' for key in keys) + "]"


def _one_profile(name, slots, rule, profile, body, **more):
    toml = f'[profiles."{profile}"]\n{body}\n'
    return Strategy(name, tuple(slots), rule, {"number": profile, "label": profile}, toml, **more)


def _alone(name, key):
    body = f'type = "passthrough"\nupstream = "{key}"'
    return _one_profile(name, (key,), rules.first_says, f"alone.{key}", body, has_ledger=False)


def _vote(name, slots, rule, profile, voters, aggregation, **more):
    """A ballot is of one kind, so that each kind of question has its own profile."""
    common = f'type = "voting"\nupstreams = {voters}\naggregation = "{aggregation}"\n'
    toml = (
        f'[profiles."{profile}.number"]\n{common}ballot = "number"\n'
        f'[profiles."{profile}.label"]\n{common}ballot = "label"\nlabels = {_quoted(LABELS)}\n'
    )
    profiles = {kind: f"{profile}.{kind}" for kind in ("number", "label")}
    return Strategy(name, tuple(slots), rule, profiles, toml, ends_early=True, **more)


def _fusion(name, members, rule, profile, more):
    body = (
        f'type = "moa"\ngenerators = {_quoted(members)}\nsynthesizer = "chief"\n'
        # All drafts are waited for, so that what is fused does not depend on the machine's mood.
        f"min_drafts = {len(members)}\n{more}"
    )
    slots = members if rule is rules.best_of else (*members, "chief")
    return _one_profile(name, slots, rule, profile, body)


def _cascade(name, slots, rule, profile, gate):
    body = f'type = "cascade"\nsteps = [{{ use = "{slots[0]}", accept = {{ {gate} }} }}, {{ use = "{slots[-1]}" }}]'
    return _one_profile(name, slots, rule, profile, body)


def of_panel(panel):
    """In the order of the table; the first one is the panel's best single model."""
    members = panel.members
    p = panel.name
    best, second = sorted(members, key=lambda key: -MODELS[key].accuracy)[:2]
    repeated = f'[{{ upstream = "{best}", samples = {SAMPLES} }}]'
    out = [
        _alone("single best", best),
        _fusion("best of n, judge", members, rules.best_of, f"{p}.best", 'synthesis_mode = "best-of"'),
        _vote("majority vote", members, rules.most_frequent, f"{p}.majority", _quoted(members), "majority"),
        _fusion("MoA", members, rules.fuse, f"{p}.moa", ""),
        _fusion("agreement, else MoA", members, rules.agree_or_fuse, f"{p}.agree", 'agreement = "canonical"'),
        _alone("large alone", "large"),
        _cascade(
            "cascade, agreement", (best, second, "large"), rules.cascade_agreeing, f"{p}.agreeing",
            f'agree_with = "{second}"',
        ),
        _cascade(
            "cascade, judge", (best, "large"), rules.cascade_graded, f"{p}.graded", 'judge = "chief", judge_threshold = 0.7'
        ),
        _vote(
            "self-consistency", (best,), rules.most_frequent, f"{p}.self", repeated, "plurality", samples=SAMPLES
        ),
    ]  # fmt: skip
    # What does not use the whole panel is the same on the adversary's panel as on the independent one.
    kept = [s for s in out if panel.name != "adversary" or s.slots[: len(members)] == members or s is out[0]]
    return [replace(s, code=f"{place:02}") for place, s in enumerate(kept)]


def configuration(port, strategies):
    """The gateway's configuration, with the fleet at `port`."""
    parts = ["[features]\nvoting = true\n"]
    for model in MODELS.values():
        parts.append(
            f'[upstreams.{model.key}]\nmodel_id = "{model.key}"\nbase_url = "http://127.0.0.1:{port}/{model.key}/v1"\n'
            'context = 32768\nmax_output = 2048\nhealth_check = "off"\n'
            f"[upstreams.{model.key}.pricing]\ninput_usd_per_mtok = {model.input_usd}\n"
            f"output_usd_per_mtok = {model.output_usd}\n"
        )
    return "\n".join(parts + sorted({strategy.toml for strategy in strategies}))
