"""What a benchmark says: its figures, and one BENCH line for each that has a bar."""

import statistics
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field


@dataclass(slots=True)
class Report:
    """Lines for the screen and for RESULTS.md; `is_ok` is false once a bar was missed."""

    title: str
    lines: list[str] = field(default_factory=list)
    is_ok: bool = True

    def say(self, line: str) -> None:
        """Print and keep a line."""
        print(line, flush=True)
        self.lines.append(line)

    def bench(self, name: str, value: float, bar: float, *, at_most: bool = False) -> None:
        """Print the line that a machine reads; a ratio and the bar it has to reach."""
        ok = value <= bar if at_most else value >= bar
        self.is_ok = self.is_ok and ok
        self.say(f"BENCH name={name} value={value:.3f} bar={bar:g} ok={str(ok).lower()}")


def interleaved(rounds: int, measures: dict[str, Callable[[], float]]) -> dict[str, list[float]]:
    """Run every measure once a round, so that a busy moment of the machine meets them all alike."""
    taken: dict[str, list[float]] = {name: [] for name in measures}
    for _ in range(rounds):
        for name, measure in measures.items():
            taken[name].append(measure())
    return taken


def median_ratio(numerator: Sequence[float], denominator: Sequence[float]) -> float:
    """Return the median over the rounds of the ratio within a round."""
    return statistics.median(n / d for n, d in zip(numerator, denominator, strict=True))
