"""What the simulated upstreams sold, and whether the gateway's ledger says the same, call by call."""

from collections import Counter, defaultdict
from dataclasses import dataclass

PICO_PER_USD = 10**12


def tokens_of(size):
    """Tokens of `size` bytes. The simulated fleet counts as the gateway's estimate does, 2.8 bytes each, so that calls that
    were ended early, which nobody reports on, can be held against the books too."""
    return (10 * size + 27) // 28


def pico(usd):
    """Exact for amounts with up to twelve decimals, as text or number."""
    return round(float(usd) * PICO_PER_USD)


@dataclass(frozen=True)
class Sale:
    upstream: str
    tokens_in: int
    tokens_out: int
    cost: int  # pico-dollars
    was_left: bool  # the caller hung up before the answer; the prompt is billed


class Books:
    """Sales by the tag of the request that they were made for (`user` in the body)."""

    def __init__(self):
        self.sales = defaultdict(list)
        self.faults = []  # what an upstream could not make sense of

    def sell(self, tag, model, tokens_in, tokens_out, was_left):
        # A price for a million tokens in dollars is one in micro-dollars for a token.
        cost = round(model.input_usd * 10**6) * tokens_in + round(model.output_usd * 10**6) * tokens_out
        self.sales[tag].append(Sale(model.key, tokens_in, tokens_out, cost, was_left))

    def cost(self, tag):
        return sum(sale.cost for sale in self.sales[tag])


def disagreement(sales, legs, header_cost):
    """None, or how the ledger of one request (its trace and its header) differs from the books.

    A call that the gateway took in has to be in the books with the same tokens and the same cost. Of a call that it ended
    early the books may have the prompt alone, or an answer that crossed the end on its way; the ledger has the prompt.
    """
    lines = Counter()
    early = Counter()
    for leg in legs:
        if leg["state"] == "done":
            lines[leg["upstream"], leg["tokens_in"], leg["tokens_out"], pico(leg["cost_usd"])] += 1
        elif leg["tokens_in"] > 0:
            early[leg["upstream"], leg["tokens_in"]] += 1
    for sale in sales:
        line = (sale.upstream, sale.tokens_in, sale.tokens_out, sale.cost)
        if lines[line] > 0 and not sale.was_left:
            lines[line] -= 1
        elif early[sale.upstream, sale.tokens_in] > 0:
            early[sale.upstream, sale.tokens_in] -= 1
        else:
            return f"in the books only: {sale}"
    if +lines:
        return f"in the ledger only: {dict(+lines)}"
    total = sum(pico(leg["cost_usd"]) for leg in legs)
    if header_cost is not None and total != header_cost:
        return f"the header says {header_cost}, the trace {total}"
    return None
