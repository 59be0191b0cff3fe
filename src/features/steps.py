"""Steps that run one after another in a thread of their own while further ones are made, and can all be run again."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor


class Steps:
    """Work that is planned in one thread and done in another; `close` it."""

    def __init__(self) -> None:
        self._steps: list[Callable[[], object]] = []
        self._running: list[Future[None]] = []
        self._thread = ThreadPoolExecutor(1)
        self._failed = False

    def add(self, step: Callable[[], object]) -> None:
        """Run a step once those before it are done; not at all if one of them failed."""
        self._steps.append(step)
        self._running.append(self._thread.submit(self._run, step))

    def finish(self) -> None:
        """Wait for the steps added; raise the error of the first that failed."""
        for job in self._running:
            job.result()
        self._running.clear()

    def again(self) -> None:
        """Run all steps once more."""
        for step in self._steps:
            step()

    def close(self) -> None:
        """Wait for the step that runs, and forget the others."""
        self._thread.shutdown(cancel_futures=True)

    def _run(self, step: Callable[[], object]) -> None:
        if self._failed:
            return
        try:
            step()
        except BaseException:
            self._failed = True
            raise
