"""What a long piece of work says of itself: how far it is, and how long the rest will take."""

import time

__all__ = ["Countdown", "duration"]


def duration(seconds: float) -> str:
    """A time as people say it: "40 s", "12 min", "3.5 h"."""
    if seconds < 99.5:
        return f"{seconds:.0f} s"
    if seconds < 99.5 * 60:
        return f"{seconds / 60:.0f} min"
    return f"{seconds / 3600:.1f} h"


class Countdown:
    """Prints a line after each part of some work, with an estimate from the parts that are done.

    total: all of the work that there is to do, in any unit that time grows with: parts,
    evaluations, pixels. What needs no work, because it is stored already, does not count.
    """

    def __init__(self, total: float):
        self.total = total
        self.done = 0.0
        self.start = time.monotonic()

    def step(self, text: str, work: float = 1) -> None:
        """Say what came of one more part."""
        self.done += work
        print(f"  {text} ({self.progress()})", flush=True)

    def progress(self) -> str:
        """How much is done, and about how long the rest takes if it goes on like this."""
        share = self.done / self.total
        if share >= 1:
            return "done"
        rest = (time.monotonic() - self.start) * (1 - share) / share
        return f"{share:.0%} done, about {duration(rest)} left"
