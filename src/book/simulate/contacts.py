"""Contacts between clients and the firm, and the texts they leave."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from appetence.book.simulate.arrays import Bools, Floats, Ints
from appetence.book.simulate.columns import NO_DAY, codes, contract_table, dates, identifiers, integers
from appetence.book.simulate.people import CHANNELS
from appetence.book.simulate.state import State
from appetence.book.simulate.texts import TOPICS, VOCABULARY, draw_texts

OUTCOMES = ("settled", "refused")
_REFUSED = 0.12
KINDS = ("visit", "call", "email", "complaint", "claim", "review", "survey")
ALL_CHANNELS = (*CHANNELS, "post")
ID_WIDTH = 9

_VISIT, _CALL, _EMAIL, _COMPLAINT, _CLAIM, _REVIEW, _SURVEY = range(7)
_BRANCH, _PHONE, _MAIL, _APP, _POST = range(5)


class Contacts:
    """Draws the contacts of each month, enters them in the state and collects them."""

    def __init__(self, state: State, rng: np.random.Generator, texts: np.random.Generator) -> None:
        self._state, self._rng, self._texts = state, rng, texts
        self._parts: list[tuple[Ints, ...]] = []
        self.reviewed: tuple[Ints, Ints] = (np.empty(0, np.int64), np.empty(0, np.int64))

    def draw(self, clients: Ints, month: int, claimants: Ints) -> None:
        """Draw the contacts of a month; `claimants` have had a claim (one entry per claim)."""
        state = self._state
        unhappy = np.exp(-0.5 * state.people.satisfaction[clients])
        claimed = month - state.last["claim"][clients].astype(np.int32) <= 2
        care = np.exp(0.45 * state.people.quality[clients])
        troubled = month - state.last["complaint"][clients].astype(np.int32) <= 3
        lured = np.where(state.draining[clients], 3.0, 1.0) * np.where(troubled, 2.5, 1.0)
        january = 2.2 if state.calendar.of_year(month) == 0 else 1.0
        self._topic("complaint", clients, month, 0.0075 * unhappy * np.where(claimed, 3.0, 1.0), _COMPLAINT)
        self._topic("competitor", clients, month, 0.0050 * lured, _CALL)
        self._topic("fees", clients, month, 0.0060 * january * unhappy, _EMAIL)
        for project, chance in self._projects(clients, month).items():
            self._topic(project, clients, month, chance, _VISIT)
        self._claims(claimants, month)
        self._routine(clients, month, care)
        self._survey(clients, month, troubled)

    def _projects(self, clients: Ints, month: int) -> dict[str, Floats]:
        state = self._state
        age = state.people.ages(state.calendar.start(month))[clients]
        person = ~state.people.company[clients] & (age >= 18)

        def bump(rate: float, peak: float, width: float) -> Floats:
            return rate * np.exp(-(((age - peak) / width) ** 2) / 2) * person

        moved = month - state.last["new_home"][clients].astype(np.int32) <= 3
        rich = state.account[clients] > 12_000
        return {
            "project_home": bump(0.007, 35, 9) * np.where(moved, 8.0, 1.0),
            "project_car": bump(0.006, 36, 14),
            "project_retirement": bump(0.008, 54, 7),
            "project_savings": bump(0.004, 58, 16) * np.where(rich, 3.0, 1.0),
        }

    def _topic(self, topic: str, clients: Ints, month: int, chance: Floats, kind: int) -> None:
        who = clients[self._rng.random(clients.size) < chance]
        kinds = np.full(who.size, kind)
        if kind in {_CALL, _EMAIL, _VISIT}:
            kinds = self._rng.choice((_VISIT, _CALL, _EMAIL), who.size, p=(0.25, 0.45, 0.30))
        self._add(who, month, kinds, topic)
        self._state.last[topic][who] = month

    def _claims(self, claimants: Ints, month: int) -> None:
        self._add(claimants, month, np.full(claimants.size, _CLAIM), "claim")
        self._state.last["claim"][claimants] = month

    def _routine(self, clients: Ints, month: int, care: Floats) -> None:
        # The half-yearly review goes out in spring and autumn; good advisors also call more.
        season = 2.0 if self._state.calendar.of_year(month) in (3, 4, 9, 10) else 0.5
        reviewed = clients[self._rng.random(clients.size) < 0.030 * season * care]
        days = self._add(reviewed, month, np.full(reviewed.size, _REVIEW), "review")
        self.reviewed = (reviewed, days)
        seen = [reviewed]
        for kind, rate in ((_VISIT, 0.020 * care), (_CALL, 0.040 * care), (_EMAIL, np.full(clients.size, 0.055))):
            who = clients[self._rng.random(clients.size) < rate]
            self._add(who, month, np.full(who.size, kind), "routine")
            if kind != _EMAIL:
                seen.append(who)
        self._state.last["contact"][np.concatenate(seen)] = month

    def _survey(self, clients: Ints, month: int, troubled: Bools) -> None:
        asked = self._rng.random(clients.size) < 0.025
        who = clients[asked]
        mood = (
            7.4 + 1.5 * self._state.people.satisfaction[who] - 2.2 * troubled[asked] - 1.0 * self._state.draining[who]
        )
        nps = np.clip(np.rint(mood + 1.2 * self._rng.standard_normal(who.size)), 0, 10).astype(np.int64)
        self._add(who, month, np.full(who.size, _SURVEY), "survey", nps)

    def _add(self, who: Ints, month: int, kind: Ints, topic: str, nps: Ints | None = None) -> Ints:
        days = self._state.calendar.days(self._rng, month, who.size)
        topics = np.full(who.size, TOPICS.index(topic))
        scores = np.full(who.size, -1) if nps is None else nps
        self._parts.append((who, days, kind, topics, scores))
        return days

    def _channels(self, client: Ints, kind: Ints) -> Ints:
        preferred = self._state.people.channel[client]
        any_channel = np.where(self._rng.random(client.size) < 0.7, preferred, self._rng.integers(0, 5, client.size))
        fixed = np.array([_BRANCH, _PHONE, _MAIL, -1, -1, _BRANCH, _APP])[kind]
        return np.where(fixed >= 0, fixed, any_channel)

    def table(self, client_ids: pa.Array) -> pa.Table:
        """Return the `interactions` table, in the order of the days."""
        client, day, kind, topic, nps = (np.concatenate(column) for column in zip(*self._parts, strict=True))
        order = np.lexsort((kind, client, day))
        client, day, kind, topic, nps = (column[order] for column in (client, day, kind, topic, nps))
        channel = self._channels(client, kind)
        text = draw_texts(self._texts, topic)
        silent = self._texts.random(client.size) < np.where(kind == _SURVEY, 0.6, np.where(kind == _CALL, 0.3, 0.12))
        end = self._state.calendar.end
        slow = (channel == _POST) | (self._texts.random(client.size) < 0.02)
        lag = 1 + self._texts.integers(1, 12, client.size)
        known = np.where(slow & (day + 1 < end), np.minimum(day + lag, end - 1), NO_DAY)
        ended = day + 1 + self._texts.integers(4, 120, client.size)
        ended = np.where((kind == _CLAIM) & (ended < end), ended, NO_DAY)
        refused = self._texts.random(client.size) < _REFUSED
        return contract_table(
            "interactions",
            {
                "interaction_id": identifiers(np.arange(client.size) + 1, ID_WIDTH),
                "client_id": codes(client, client_ids),
                "at": dates(day),
                "channel": codes(channel, ALL_CHANNELS),
                "kind": codes(kind, KINDS),
                "text": codes(np.where(silent, -1, text), VOCABULARY),
                "nps": integers(nps, nps >= 0),
                "outcome": codes(np.where(ended == NO_DAY, -1, refused.astype(np.int64)), OUTCOMES),
                "outcome_on": dates(ended),
                "known_on": dates(known),
            },
        )
