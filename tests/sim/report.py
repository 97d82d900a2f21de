"""The table of a run."""

from intervals import quantile, wilson

HEADINGS = ("strategy", "accuracy", "95 % interval", "theory", "USD per 1,000", "calls", "p50 ms", "p95 ms")


def _cells(row, expected):
    count = len(row.answers)
    low, high = wilson(row.hits, count)
    milliseconds = [1000 * answer.seconds for answer in row.answers]
    return (
        row.strategy.name,
        f"{row.hits / count:.3f}",
        f"{low:.3f}–{high:.3f}",
        f"{expected:.3f}",
        f"{sum(answer.cost for answer in row.answers) / 1e12 / count * 1000:.3f}",
        f"{sum(answer.calls for answer in row.answers) / count:.2f}",
        f"{quantile(milliseconds, 0.5):.0f}",
        f"{quantile(milliseconds, 0.95):.0f}",
    )


def table(rows, expected):
    """Markdown, one table for each panel."""
    lines = []
    for panel in dict.fromkeys(row.panel for row in rows):
        lines += ["", f"**{panel.name}**: {panel.about}.", ""]
        body = [_cells(row, expected[panel.name, row.strategy.name]) for row in rows if row.panel is panel]
        widths = [max(map(len, column)) for column in zip(HEADINGS, *body)]
        for i, cells in enumerate([HEADINGS, *body]):
            lines.append("| " + " | ".join(cell.ljust(width) for cell, width in zip(cells, widths)) + " |")
            if i == 0:
                lines.append("|" + "|".join("-" * (width + 2) for width in widths) + "|")
    return "\n".join(lines)
