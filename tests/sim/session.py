"""Asks the gateway every question by every strategy, and keeps what came back."""

import asyncio
import time
from dataclasses import dataclass, field

import books
from gateway import Client
from questions import read_answer


@dataclass
class Answer:
    """To one question. `option`: index among the question's options, None for something else or no answer."""

    option: int | None
    seconds: float
    cost: int  # pico-dollars, as the gateway tells it
    calls: int
    fault: str | None = None  # no answer, or a ledger that differs from the books

    @property
    def is_right(self):
        return self.option == 0


@dataclass
class Row:
    """One strategy on one panel."""

    panel: object
    strategy: object
    answers: list = field(default_factory=list)

    @property
    def faults(self):
        return [answer.fault for answer in self.answers if answer.fault]

    @property
    def hits(self):
        return sum(answer.is_right for answer in self.answers)


class Session:
    def __init__(self, port, sold, concurrency):
        self._port = port
        self._books = sold
        self._concurrency = concurrency

    async def run(self, panel, strategy, asked):
        """A Row whose answers are in the order of `asked`. At most `concurrency` requests are open at a time."""
        replies = [None] * len(asked)
        waiting = list(reversed(list(enumerate(asked))))

        async def work():
            client = Client(self._port)
            while waiting:
                place, question = waiting.pop()
                replies[place] = await self._ask(client, panel, strategy, question)
            client.close()

        await asyncio.gather(*(work() for _ in range(self._concurrency)))
        # When all calls are over: the books of a request are complete.
        row = Row(panel, strategy)
        for question, reply in zip(asked, replies):
            sales = self._books.sales[tag_of(panel, strategy, question)]
            row.answers.append(_judged(strategy, question, reply, sales))
        return row

    async def _ask(self, client, panel, strategy, question):
        """(seconds, status, headers, body)"""
        body = {
            "model": strategy.profiles[question.kind],
            "messages": [{"role": "user", "content": question.text}],
            "seed": 0,
            "user": tag_of(panel, strategy, question),
        }
        if strategy.has_ledger:
            body["x_meta_model"] = {"trace": True}
        started = time.perf_counter()
        reply = await client.post("/v1/chat/completions", body)
        return time.perf_counter() - started, *reply


def _judged(strategy, question, reply, sales):
    """The Answer that a reply is, its ledger held against `sales`."""
    seconds, status, headers, body = reply
    if status != 200:
        return Answer(None, seconds, 0, 0, f"status {status}: {body.get('error')}")
    text = body["choices"][0]["message"]["content"] or ""
    option = question.index_of(read_answer(text))
    fault = None if option is not None else f"not an answer to {question.text!r}: {text!r}"
    if strategy.has_ledger:
        legs = body["x_meta_model"]["legs"]
        cost = books.pico(headers["x-metamodel-cost-usd"])
        fault = fault or books.disagreement(sales, legs, cost)
        return Answer(option, seconds, cost, len(legs), fault)
    # A relayed call tells its tokens and no price: what it cost is for its reader to work out.
    used = [(body["usage"]["prompt_tokens"], body["usage"]["completion_tokens"])]
    sold = [(sale.tokens_in, sale.tokens_out) for sale in sales]
    fault = fault or (None if sold == used else f"usage {used}, in the books {sold}")
    return Answer(option, seconds, sum(sale.cost for sale in sales), 1, fault)


def tag_of(panel, strategy, question):
    """What the books know a request by."""
    return f"{panel.name}/{strategy.code}/{question.number:05}"
