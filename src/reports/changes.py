"""The month's changes: each client's scores against those of the last month published."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import pyarrow as pa

from appetence.book import Book
from appetence.months import Month
from appetence.reports.history import History
from appetence.reports.portfolios import TIERS
from appetence.reports.sheets import Sheet
from appetence.scoring.consents import objecting_clients


class Before(NamedTuple):
    """What the last month published said of a client."""

    advisor_id: str | None
    risk: float | None
    tier: str | None
    lifetime_value: float | None

    @property
    def at_stake(self) -> float | None:
        """The money at stake then."""
        return None if self.risk is None or self.lifetime_value is None else self.risk * self.lifetime_value


class Moved(NamedTuple):
    """A client scored in both months."""

    sheet: Sheet
    before: Before

    @property
    def change(self) -> float | None:
        """Of the money at stake."""
        now, then = self.sheet.at_stake, self.before.at_stake
        return None if now is None or then is None else now - then

    @property
    def rise(self) -> int:
        """Tiers risen by; below zero, fallen."""
        if self.sheet.tier is None or self.before.tier is None:
            return 0
        return TIERS.index(self.before.tier) - TIERS.index(self.sheet.tier)


class Gone(NamedTuple):
    """A client who is no longer scored: by name, or id where the book has none."""

    client_id: str
    name: str
    before: Before


class Counts(NamedTuple):
    """How many clients changed, and by how much the money at stake did among those scored in both months."""

    new: int
    gone: int
    up: int
    down: int


@dataclass(frozen=True)
class Changes:
    """What changed among some clients.

    Parameters
    ----------
    new
        Scored for the first time since the last month published, or again.
    arrived
        Scored then with another advisor, or with none.
    up, down
        In a higher or lower tier than then; those with most money moved first.
    moved
        All scored in both months, those with most money moved first.
    """

    new: tuple[Sheet, ...]
    arrived: tuple[Sheet, ...]
    up: tuple[Moved, ...]
    down: tuple[Moved, ...]
    moved: tuple[Moved, ...]

    def told(self, most: int) -> list[Moved]:
        """Return the clients whose tier changed and those with most money moved, in order of the money."""
        biggest = [one for one in self.moved if one.change is not None and abs(one.change) >= 0.5][:most]
        tiers = [one for one in self.moved if one.rise != 0]
        wanted = {one.sheet.client_id for one in [*biggest, *tiers]}
        return [one for one in self.moved if one.sheet.client_id in wanted][:most]


class Comparison:
    """A month's scores against the last month published.

    Parameters
    ----------
    history
        As published; without an earlier month there is nothing to compare.
    scored
        All clients scored this month.
    names
        Of those no longer scored, where the book has them.
    objecting
        Clients who object to profiling: those no longer scored are counted, and not told by name.
    """

    def __init__(
        self,
        history: History,
        scored: Collection[str],
        names: Mapping[str, str | None] | None = None,
        objecting: Collection[str] = (),
    ) -> None:
        self.month: Month | None = history.month
        rows = (history.clients[name].to_pylist() for name in history.clients.schema.names)
        self._before = {
            client_id: Before(advisor_id, risk, tier, value)
            for client_id, advisor_id, risk, tier, value in zip(*rows, strict=True)
        }
        known, now = names or {}, set(scored)
        self._gone: dict[str | None, list[Gone]] = defaultdict(list)
        self._objecting: dict[str | None, int] = defaultdict(int)
        for client_id, before in self._before.items():
            if client_id in now:
                continue
            if client_id in objecting:
                self._objecting[before.advisor_id] += 1
            else:
                gone = Gone(client_id, known.get(client_id) or client_id, before)
                self._gone[before.advisor_id].append(gone)

    def before(self, sheet: Sheet) -> Before | None:
        """Return what was said of a client; None for one who was not scored."""
        return self._before.get(sheet.client_id)

    def gone(self, advisor_id: str | None) -> tuple[Gone, ...]:
        """Return an advisor's clients who are no longer scored, those with most at stake then first."""
        return tuple(sorted(self._gone[advisor_id], key=lambda one: (-(one.before.at_stake or 0.0), one.client_id)))

    def objecting(self, advisor_id: str | None) -> int:
        """Count an advisor's clients who are no longer scored because they object to profiling."""
        return self._objecting[advisor_id]

    def all_gone(self) -> int:
        """Count the clients of the whole book who are no longer scored, whoever their advisor was."""
        return sum(len(found) for found in self._gone.values()) + sum(self._objecting.values())

    def of(self, sheets: Sequence[Sheet]) -> Changes:
        """Compare some clients."""
        moved = [Moved(sheet, before) for sheet in sheets if (before := self.before(sheet)) is not None]
        moved.sort(key=lambda one: (-abs(one.change or 0.0), one.sheet.client_id))
        return Changes(
            tuple(sheet for sheet in sheets if self.before(sheet) is None),
            tuple(one.sheet for one in moved if one.before.advisor_id != one.sheet.advisor_id),
            tuple(one for one in moved if one.rise > 0),
            tuple(one for one in moved if one.rise < 0),
            tuple(moved),
        )

    def count(self, advisor_id: str | None, sheets: Sequence[Sheet]) -> Counts:
        """Count an advisor's changes."""
        found = self.of(sheets)
        gone = len(self._gone[advisor_id]) + self._objecting[advisor_id]
        return Counts(len(found.new), gone, len(found.up), len(found.down))


def compare(book: Book, history: History, scored: pa.ChunkedArray) -> Comparison:
    """Return a month's scores against those before, with the names of clients no longer scored.

    Parameters
    ----------
    scored
        Ids of all clients scored.
    """
    now = set(scored.to_pylist())
    gone = [client_id for client_id in history.clients["client_id"].to_pylist() if client_id not in now]
    if not gone:
        return Comparison(history, now)
    wanted = book.memtable("clients_gone", pa.table({"client_id": pa.array(gone, pa.string())}))
    rows = book.execute(book.table("clients").semi_join(wanted, "client_id").select("client_id", "name")).to_pylist()
    return Comparison(history, now, {row["client_id"]: row["name"] for row in rows}, objecting_clients(book))
