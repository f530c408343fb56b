"""What `berth doctor` says of one thing that it looked for."""

from dataclasses import dataclass
from typing import Literal

Verdict = Literal["ok", "unsure", "broken"]


@dataclass(frozen=True)
class Finding:
    """One thing that was looked for."""

    check: str
    verdict: Verdict
    """`broken` keeps something from working, `unsure` may."""
    found: str
    remedy: str = ""
