#!/usr/bin/env python3
"""Simulated models with known errors answer questions through the real gateway: do ensembles pay, and does theory agree?

    python3 tests/sim/run.py --binary PATH/meta-model [--questions N] [--seed N] [--quick]

Prints a table and the facts that it checked. Exit code 1 when one of them does not hold. Answers, accuracies and checks
depend on the seed alone; times are measured, and with them what votes cost that end calls early. See docs/strategies.md.
"""

import argparse
import asyncio
import os
import sys
import time

import facts
import models
import questions
import report
import strategies
from books import Books
from gateway import Gateway
from session import Session
from upstream import Fleet

QUESTIONS, QUICK_QUESTIONS = 600, 200
QUICK_PACE = 0.1  # of the latencies
MOST_TOLD = 5


def options():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--binary", default=os.environ.get("META_MODEL_BINARY"), help="default: $META_MODEL_BINARY")
    parser.add_argument("--questions", type=int, default=None, help=f"default {QUESTIONS}, with --quick {QUICK_QUESTIONS}")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--quick", action="store_true", help="fewer questions and faster models")
    parser.add_argument("--concurrency", type=int, default=12, help="requests at a time")
    chosen = parser.parse_args()
    if not chosen.binary:
        parser.error("--binary or META_MODEL_BINARY is needed")
    chosen.questions = chosen.questions or (QUICK_QUESTIONS if chosen.quick else QUESTIONS)
    return chosen


async def ask_all(chosen, worlds, asked, sold):
    """The rows of all panels and strategies."""
    fleet = Fleet(chosen.seed, worlds, asked, sold, pace=QUICK_PACE if chosen.quick else 1.0)
    compared = {panel: strategies.of_panel(panel) for panel in models.PANELS}
    port = await fleet.start()
    text = strategies.configuration(port, [s for each in compared.values() for s in each])
    rows = []
    with Gateway(chosen.binary, text) as gateway:
        session = Session(gateway.port, sold, chosen.concurrency)
        for panel, each in compared.items():
            for strategy in each:
                rows.append(await session.run(panel, strategy, asked))
    await fleet.stop()
    return rows


def judge(rows, asked, worlds, expected, sold):
    """Prints what was checked; the number of checks that failed."""
    failures = 0
    every = list(facts.check_rows(rows, asked, worlds, expected))
    known = [*facts.check_facts(facts.Results(rows)), *facts.check_sums(rows, asked, sold)]
    for sentence, _, _ in known:
        print(f"  {sentence}")
    for sentence, holds, details in known + every:
        if not holds:
            failures += 1
            print(f"DOES NOT HOLD: {sentence}")
            for detail in details[:MOST_TOLD]:
                print(f"    {detail}")
    print(f"{len(known) + len(every) - failures} of {len(known) + len(every)} checks hold")
    return failures


def main():
    chosen = options()
    started = time.monotonic()
    asked = questions.make(chosen.seed, chosen.questions)
    worlds = {panel.name: models.World(chosen.seed, panel) for panel in models.PANELS}
    sold = Books()
    rows = asyncio.run(ask_all(chosen, worlds, asked, sold))
    expected = {(row.panel.name, row.strategy.name): facts.expected_accuracy(row, asked) for row in rows}
    print(f"{chosen.questions} questions, seed {chosen.seed}, {time.monotonic() - started:.0f} s")
    print(report.table(rows, expected) + "\n")
    return 1 if judge(rows, asked, worlds, expected, sold) else 0


if __name__ == "__main__":
    sys.exit(main())
