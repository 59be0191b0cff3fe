"""Progress on long work: a bar on a terminal, plain lines elsewhere, never on standard output."""

from __future__ import annotations

import contextlib
import sys
import time
from collections.abc import Callable, Iterator

Progress = Callable[[str, float], None]
"""Called with what is being done, and the share of it that is done, 0 to 1."""


def silent(text: str, share: float) -> None:
    """Show nothing."""


def part(progress: Progress, start: float, end: float) -> Progress:
    """Return a progress that fills only the stretch from `start` to `end` of another.

    >>> seen = []
    >>> part(lambda text, share: seen.append(share), 0.5, 1.0)("half of the second half", 0.5)
    >>> seen
    [0.75]
    """
    return lambda text, share: progress(text, start + (end - start) * share)


@contextlib.contextmanager
def show_progress() -> Iterator[Progress]:
    """Show progress on standard error while the block runs."""
    if not sys.stderr.isatty():
        yield _PlainLines()
        return
    from rich.console import Console
    from rich.progress import BarColumn, TextColumn, TimeElapsedColumn
    from rich.progress import Progress as Bar

    columns = (TextColumn("{task.description}", markup=False), BarColumn(), TimeElapsedColumn())
    with Bar(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("", total=1.0)
        yield lambda text, share: bar.update(task, description=text, completed=share)


class _PlainLines:
    """A line whenever the work changes its name."""

    def __init__(self) -> None:
        self._started = time.monotonic()
        self._shown = ""

    def __call__(self, text: str, share: float) -> None:
        if text != self._shown:
            self._shown = text
            print(f"[{time.monotonic() - self._started:5.0f} s {share:4.0%}] {text}", file=sys.stderr, flush=True)
