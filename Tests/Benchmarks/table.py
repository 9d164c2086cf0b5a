"""The numbers of a run: one list for each way and quantity, with a value from each process; printed as medians."""

import statistics


class Table:
    def __init__(self, ways: list[str]) -> None:
        self.ways = ways
        # way -> quantity -> one value for each process
        self.numbers: dict[str, dict[str, list[float]]] = {way: {} for way in ways}

    def note(self, way: str, name: str, value: float) -> None:
        self.numbers[way].setdefault(name, []).append(value)

    def values(self, way: str, name: str) -> list[float]:
        return self.numbers[way].get(name, [])

    def head(self, title: str) -> None:
        columns = "".join(f"{way:>10}" for way in self.ways)
        ratios = "".join(f"   {way}/nginx" for way in self.agents)
        against = "   agent/against" if "against" in self.ways else ""
        print(f"\n{title:38}{columns}{ratios}{against}")

    @property
    def agents(self) -> list[str]:
        return [way for way in self.ways if way not in ("direct", "nginx")]

    def row(self, name: str, label: str | None = None) -> None:
        """One quantity: the median of each way, and the ratios of the processes that were measured side by side."""
        self._print(label or name.strip(), {way: self.values(way, name) for way in self.ways})

    def added(self, name: str, label: str) -> None:
        """What the hop adds to a quantity, beside no hop at all."""
        base = self.values("direct", name)
        self._print(label, {
            way: [mine - none for mine, none in zip(self.values(way, name), base)] if way != "direct" else []
            for way in self.ways
        })

    def _print(self, label: str, values: dict[str, list[float]]) -> None:
        if not any(values.values()):
            return
        cells = "".join(f"{statistics.median(each):>10.1f}" if each else f"{'-':>10}" for each in values.values())
        ratios = "".join(f"   {_ratio(values[way], values.get('nginx', []))}" for way in self.agents)
        against = f"   {_ratio(values['agent'], values['against'])}" if "against" in self.ways else ""
        print(f"{label:38}{cells}{ratios}{against}")


def _ratio(mine: list[float], other: list[float]) -> str:
    ratios = [one / two for one, two in zip(mine, other) if two > 0]
    if not ratios:
        return f"{'-':<18}"
    spread = f" ({min(ratios):.2f} to {max(ratios):.2f})" if len(ratios) > 1 else ""
    return f"{statistics.median(ratios):.2f}{spread}".ljust(18)
