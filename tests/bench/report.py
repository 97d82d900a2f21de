"""From single measurements to the table: paired ratios within each round, medians over rounds."""
import statistics


def spread(values):
    """(median, min, max), or None without values."""
    return (statistics.median(values), min(values), max(values)) if values else None


def complete_figures(measurements):
    """Adds the figures that need a second measurement of the same round."""
    by_key = {(m["round"], m["source"], m["server"]): m for m in measurements}

    def latency(round_number, source):
        direct = by_key.get((round_number, source, "direct"))
        return direct["latency_p50_us"] if direct and not direct["void"] else None

    for entry in measurements:
        if entry["void"] or entry["server"] == "direct":
            continue
        if entry["source"] == "latency":
            base = latency(entry["round"], "latency")
            if base is not None:
                entry["added_p50_us"] = entry["latency_p50_us"] - base
        if entry["source"] == "moa":
            legs = [latency(entry["round"], leg) for leg in ("moa_generator", "moa_synthesizer")]
            if None not in legs:
                entry["added_p50_us"] = entry["latency_p50_us"] - sum(legs)


def figures_by_round(measurements, row, server, source=""):
    """round -> the figure; the median of a round that measured it several times."""
    rounds = {}
    for entry in measurements:
        is_wanted = entry["source"] == (source or row.source) and entry["server"] == server
        if is_wanted and not entry["void"] and row.figure in entry:
            rounds.setdefault(entry["round"], []).append(entry[row.figure])
    return {number: statistics.median(values) for number, values in rounds.items()}


def is_of_row(measurement, row):
    return measurement["source"] == row.source and measurement["server"] != "direct"


def verdict(row, ratio, value):
    """pass, over, or stretch when even that goal is met; "-" where nothing is gated or measured."""
    judged = ratio if row.gate_on == "ratio" else value
    if row.gate is None or judged is None:
        return "-"
    sign = -1 if row.is_higher_better else 1
    if row.stretch is not None and sign * judged[0] <= sign * row.stretch:
        return "stretch"
    return "pass" if sign * judged[0] <= sign * row.gate else "over"


def is_own_limit(measurements, source):
    """Whether the gateway set the rate, not the tools: busy, and direct is twice as fast."""
    busy = [m["busy_share"] for m in measurements
            if m["source"] == source and m["server"] == "gateway" and not m["void"]]
    rates = {
        server: [m["requests_per_second"] for m in measurements
                 if m["source"] == source and m["server"] == server and not m["void"]]
        for server in ("direct", "gateway", "nginx")
    }
    if not busy or not rates["direct"]:
        return False
    fastest = max(statistics.median(rates[name]) for name in ("gateway", "nginx") if rates[name])
    return statistics.median(busy) >= 0.95 and statistics.median(rates["direct"]) >= 2 * fastest


def summarize(measurements, rows):
    complete_figures(measurements)
    return [summary_of(measurements, row) for row in rows]


def summary_of(measurements, row):
    base_server, base_source = row.base
    nginx = figures_by_round(measurements, row, base_server, base_source)
    gateway = figures_by_round(measurements, row, "gateway")
    ratios = [
        gateway[number] / nginx[number]
        for number in gateway
        if nginx.get(number, 0) > 0 and gateway[number] > 0
    ]
    summary = {
        "name": row.name, "title": row.title, "gate": row.gate, "stretch": row.stretch,
        "gate_on": row.gate_on, "rounds": len(gateway) or len(nginx),
        "nginx": spread(list(nginx.values())), "gateway": spread(list(gateway.values())),
        "ratio": spread(ratios), "note": "",
    }
    summary["verdict"] = verdict(row, summary["ratio"], summary["gateway"])
    if any(m["void"] for m in measurements if is_of_row(m, row)):
        summary["note"] = "void rounds left out"
        if not gateway:
            summary["verdict"] = "void"
    if row.figure == "requests_per_second" and gateway:
        if not is_own_limit(measurements, row.source):
            summary["note"] = "the tools set this rate, not the gateway alone"
    return summary


def number(value):
    if value is None:
        return "-"
    if abs(value) >= 100:
        return f"{value:.0f}"
    return f"{value:.2f}" if abs(value) < 10 else f"{value:.1f}"


def table_line(summary):
    middle = {key: summary[key][0] if summary[key] else None for key in ("nginx", "gateway")}
    ratio = summary["ratio"]
    ratio_text = f"{ratio[0]:.2f} [{ratio[1]:.2f}-{ratio[2]:.2f}]" if ratio else "-"
    sign = "x" if summary["gate_on"] == "ratio" and summary["gate"] is not None else ""
    goals = [number(summary[key]) + sign if summary[key] else "-" for key in ("gate", "stretch")]
    columns = [number(middle["nginx"]), number(middle["gateway"]), ratio_text, *goals]
    widths = [9, 9, 18, 8, 8]
    cells = " ".join(text.rjust(width) for text, width in zip(columns, widths))
    return f"{summary['title']:<38}{cells}  {summary['verdict']:<8}{summary['note']}".rstrip()


def table(summaries):
    head = f"{'':<38}{'nginx':>9} {'gateway':>9} {'ratio [min-max]':>18} {'gate':>8} {'stretch':>8}"
    measured = [s for s in summaries if s["nginx"] or s["gateway"]]
    return "\n".join([head + "  verdict", *map(table_line, measured)])


def peer_table(measurements, rows, peers):
    """What other proxies spent on the same loads in the same rounds, and the gateway's share of it."""
    lines = []
    for peer in peers:
        lines.append(f"{peer:<38}{'figure':>9} {'gateway':>9} {'gateway to it':>18}")
        for row in rows:
            theirs = figures_by_round(measurements, row, peer)
            ours = figures_by_round(measurements, row, "gateway")
            ratios = [ours[n] / theirs[n] for n in ours if theirs.get(n, 0) > 0]
            if ratios:
                middle, least, most = spread(ratios)
                columns = [spread(list(side.values()))[0] for side in (theirs, ours)]
                lines.append(
                    f"  {row.title:<36}{number(columns[0]):>9} {number(columns[1]):>9} "
                    f"{f'{middle:.2f} [{least:.2f}-{most:.2f}]':>18}"
                )
    return "\n".join(lines)
