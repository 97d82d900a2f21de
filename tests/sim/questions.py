"""Questions whose right answer is known, how models spell an answer, and how a reader finds it in a text."""

import re
from dataclasses import dataclass

import dice

LABELS = ("approve", "reject", "escalate")
BRIEF_TOKENS = 32  # with a smaller `max_tokens` a simulated model gives the bare answer


@dataclass(frozen=True)
class Question:
    """`options` are the answers that models give, in canonical spelling; the first one is right."""

    number: int
    kind: str  # "number" or "label"
    text: str
    options: tuple

    def index_of(self, answer):
        """The option that `answer` is, None for something else."""
        return self.options.index(answer) if answer in self.options else None


def _number_question(seed, number):
    boxes, each, back = (
        low + dice.pick(high - low, seed, "number", name, number)
        for name, low, high in (("boxes", 20, 90), ("each", 12, 48), ("back", 11, 99))
    )
    whole = boxes * each
    text = (
        f"Question {number}: a shop sells {boxes} boxes of {each} pens, and {back} pens come back. "
        "How many pens stay sold? Work it out and end with the number."
    )
    return Question(number, "number", text, tuple(map(str, (whole - back, whole, whole + back, whole - back + 10))))


def _label_question(seed, number):
    right = dice.pick(len(LABELS), seed, "label", number)
    facts = ("the receipt is there and 12 days old", "the goods were used up", "the receipt names somebody else")
    text = (
        f"Question {number}: a customer wants the money back; {facts[right]}. "
        f"Is this one to {', to '.join(LABELS[:-1])} or to {LABELS[-1]}? Answer with that word."
    )
    return Question(number, "label", text, LABELS[right:] + LABELS[:right])


def make(seed, count):
    """Numbers and labels in turn."""
    kinds = (_number_question, _label_question)
    return [kinds[number % 2](seed, number) for number in range(count)]


def number_of(text):
    """The question's number in its own text, None when there is none."""
    found = re.search(r"\bQuestion (\d+):", text)
    return int(found[1]) if found else None


# How models end their answers. The readings of the gateway have to see through all of them.
_NUMBER_ENDINGS = ("ANSWER: {0:,}", "That makes \\boxed{{{0}}}.", "**Answer:** {0}", "{0}.0", "So the answer is {0}.")
_LABEL_ENDINGS = ("ANSWER: {0}", "Answer: **{1}**.", "\\boxed{{{0}}}", "The answer is {0}.")


def spell(question, option, style, max_tokens=None):
    """One way of writing an answer; `style` is any whole number."""
    answer = question.options[option]
    is_brief = max_tokens is not None and max_tokens <= BRIEF_TOKENS
    if question.kind == "number":
        ending = _NUMBER_ENDINGS[style % len(_NUMBER_ENDINGS)].format(int(answer))
        return answer if is_brief else f"First the pens in all boxes, then those that came back.\n{ending}"
    ending = _LABEL_ENDINGS[style % len(_LABEL_ENDINGS)].format(answer, answer.capitalize())
    return answer.capitalize() if is_brief else f"What counts is what the customer can show.\n{ending}"


_MARKED = re.compile(r"answer(?: is|\s*\**:)", re.I)


def read_answer(text):
    """The final answer of a text in canonical spelling, None when there is none."""
    boxed = re.findall(r"\\boxed\{([^{}]*)\}", text)
    marks = list(_MARKED.finditer(text))
    if boxed:
        answer = boxed[-1]
    elif marks:
        answer = text[marks[-1].end() :]
    else:
        answer = text.strip().rsplit("\n", 1)[-1]
    answer = answer.strip(" *_`.\n\t").lower()
    if re.fullmatch(r"-?[\d,]+(\.0+)?", answer):
        return str(int(float(answer.replace(",", ""))))
    return answer if re.fullmatch(r"[a-z]+", answer) else None
