"""Bytes that are held at a time, by part, and what they were when they were most."""

from collections import Counter


class Ledger:
    """Tensors come and go; the peak stays."""

    def __init__(self) -> None:
        self.held: Counter[str] = Counter()
        self.peak: Counter[str] = Counter()
        """By part, bytes, at the moment when all of them together were most."""

    def take(self, part: str, size: float) -> None:
        self.held[part] += round(size)
        if self.held.total() > self.peak.total():
            self.peak = self.held.copy()

    def give(self, part: str, size: float) -> None:
        self.held[part] -= round(size)

    def swap(self, part: str, taken: float, given: float) -> None:
        """Make one tensor out of another, which goes when it is done."""
        self.take(part, taken)
        self.give(part, given)
