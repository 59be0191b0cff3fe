"""Steps that run in threads of their own while further ones are made, and that can all be run again."""

from __future__ import annotations

from collections.abc import Callable, Collection
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass


@dataclass(frozen=True)
class _Step:
    run: Callable[[], object]
    lane: int
    after: tuple[int, ...]


class Steps:
    """Work planned in one thread and done in others, one for each lane; `close` it.

    Parameters
    ----------
    lanes
        A lane's steps run one after another, as they were added.
    """

    def __init__(self, lanes: int) -> None:
        self._threads = [ThreadPoolExecutor(1) for _ in range(lanes)]
        self._steps: list[_Step] = []
        self._jobs: list[Future[None]] = []

    def add(self, run: Callable[[], object], lane: int, after: Collection[int] = ()) -> int:
        """Run a step when those of the given numbers are done; return its own number."""
        self._steps.append(_Step(run, lane, tuple(after)))
        self._jobs.append(self._threads[lane].submit(self._run, self._steps[-1]))
        return len(self._steps) - 1

    def finish(self) -> None:
        """Wait for the steps; raise the error of the first that failed."""
        for job in self._jobs:
            job.result()

    def again(self) -> None:
        """Begin to run all steps once more; those before must be done."""
        for number, step in enumerate(self._steps):
            self._jobs[number] = self._threads[step.lane].submit(self._run, step)

    def close(self) -> None:
        """Wait for the steps that run, and forget the others."""
        for thread in self._threads:
            thread.shutdown(cancel_futures=True)

    def _run(self, step: _Step) -> None:
        for number in step.after:
            self._jobs[number].result()
        step.run()
