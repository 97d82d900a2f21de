"""Reads what the gateway asks a synthesizer or a judge, out of the prompt that it sends."""

import re
from dataclasses import dataclass

# How the message that the gateway adds begins, for each task.
TASKS = {
    "SYNTHESIS TASK\n": "synthesis",
    "BEST CANDIDATE\n": "best",
    "GRADING\n": "grade",
}
HEADING = "CANDIDATE RESPONSES\n"
FIRST = re.compile(r"^candidate 1\b[^\n]*\n(=====\w+=====)\n", re.M)


class UnreadablePrompt(Exception):
    """The prompt is not what this reader knows; the simulation has to be brought up to date."""


@dataclass(frozen=True)
class Task:
    kind: str  # "answer", or a value of TASKS
    candidates: tuple = ()


def _text(message):
    content = message.get("content") or ""
    if isinstance(content, str):
        return content
    return "".join(part.get("text", "") for part in content)


def read_task(messages):
    """The task of the last message, and the candidates between its marks."""
    last = _text(messages[-1])
    kind = next((task for opening, task in TASKS.items() if last.startswith(opening)), None)
    if kind is None:
        if HEADING in last:
            raise UnreadablePrompt(f"candidates under a task without a name: {last[:60]!r}")
        return Task("answer")
    shown = last[last.find(HEADING) :]
    first = FIRST.search(shown)
    if HEADING not in last or first is None:
        raise UnreadablePrompt(f"{kind}: no candidates between marks")
    # Only what stands between this request's own marks counts: a draft may hold anything that looks like them.
    mark = re.escape(first[1])
    found = re.findall(rf"^candidate (\d+)[^\n]*\n{mark}\n(.*?)\n{mark}\n", shown, re.S | re.M)
    if [int(number) for number, _ in found] != list(range(1, len(found) + 1)):
        raise UnreadablePrompt(f"{kind}: candidates {[number for number, _ in found]}")
    return Task(kind, tuple(text for _, text in found))
