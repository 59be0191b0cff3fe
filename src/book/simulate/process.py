"""The simulation: the order in which a month happens, and the tables that come of it.

At the first day of a month the true state gives every active client a probability of leaving, of dying and of buying
each product (these are the truth written for that cut). The month then draws exits and purchases, new clients, life
events, draining, balances, contacts and offers; all of them act on probabilities from the next month on.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa

from appetence.book.contract import TABLES
from appetence.book.simulate.advisors import advisors_table, make_advisors
from appetence.book.simulate.arrays import Bools, Floats32, Ints
from appetence.book.simulate.balances import Balances
from appetence.book.simulate.calendar import Calendar
from appetence.book.simulate.campaigns import Campaigns
from appetence.book.simulate.catalogue import INDEX, products_table
from appetence.book.simulate.clients import client_identifiers, clients_table
from appetence.book.simulate.columns import NO_DAY
from appetence.book.simulate.contacts import Contacts
from appetence.book.simulate.contracts import Contracts, align_loan_insurance, contracts_table, open_contracts
from appetence.book.simulate.demand import Demand
from appetence.book.simulate.effects import JOINT_SALE
from appetence.book.simulate.events import LifeEvents
from appetence.book.simulate.exits import Exits
from appetence.book.simulate.facts import Consents, Facts, protected_table
from appetence.book.simulate.hazards import ASSETS, RECOVERY, Leaving
from appetence.book.simulate.history import note_openings, open_first_contracts, open_history
from appetence.book.simulate.people import joiner_share, make_people
from appetence.book.simulate.prospects import Prospects
from appetence.book.simulate.state import initial_state
from appetence.book.simulate.streams import Streams
from appetence.book.simulate.truth import Truth
from appetence.book.simulate.write import MARKER, TRUTH, TableWriter, staged, write_table
from appetence.config import SimulateSettings
from appetence.months import Month

Progress = Callable[[str, float], None]

CLIENTS_PER_ADVISOR = 200
"""Active clients, on average."""

INITIALLY_DRAINING = 0.03
LATE_OPENINGS = 0.04
"""Share of openings that come through brokers and are entered days to weeks later."""

_LOAN, _LOAN_INSURANCE = INDEX["home_loan"], INDEX["loan_insurance"]


def simulate(settings: SimulateSettings, directory: Path, progress: Progress | None = None) -> None:
    """Write a simulated client book: one Parquet file per table of the contract, the truth in `truth/` beside them.

    The directory appears, or is replaced, when all is written. The same settings give the same bytes.

    Parameters
    ----------
    settings
        `clients` counts all clients ever, the rows of the `clients` table: about four in five hold a contract when the
        window opens, the others join in the course of it and replace those who leave. Balances, contacts and life
        events lie inside the `months` from `first_month` on; contracts may have been opened before.
    directory
        Where to; may exist if it is empty or holds a simulated book.
    progress
        Called with what is being done and the share done, from 0 to 1.

    Raises
    ------
    AppetenceError
        The directory holds something else than a simulated book.
    """
    report = progress or _silent
    with staged(Path(directory)) as staging:
        simulation = _Simulation(settings, staging)
        for month in range(settings.months):
            report(str(Month.parse(settings.first_month) + month), month / (settings.months + 1))
            simulation.step(month)
        report("tables", settings.months / (settings.months + 1))
        simulation.write_tables()
        (staging / TRUTH / MARKER).write_text(settings.model_dump_json(indent=2) + "\n", encoding="utf-8")
    report("done", 1.0)


def _silent(step: str, share: float) -> None:
    """Report nothing."""


class _Simulation:
    def __init__(self, settings: SimulateSettings, directory: Path) -> None:
        self.directory = directory
        self.calendar = Calendar(Month.parse(settings.first_month), settings.months)
        self.streams = streams = Streams.of(settings.seed)
        active = settings.clients * (1 - joiner_share(settings.months))
        self.advisors = make_advisors(streams.people, max(1, round(active / CLIENTS_PER_ADVISOR)))
        self.people = make_people(streams.people, settings.clients, self.calendar, self.advisors)
        self.client_ids = client_identifiers(self.people)
        self.state = initial_state(streams.history, self.people, self.calendar)
        self.contracts = Contracts(4 * settings.clients)
        open_history(streams.history, self.state, self.contracts)
        self.state.active = self.people.join_month < 0
        self._enter_draining(np.flatnonzero(self.state.active), INITIALLY_DRAINING)
        self.exits = Exits(self.state, self.contracts, streams.exits, streams.delays)
        self.events = LifeEvents(self.state, streams.events)
        self.contacts = Contacts(self.state, streams.contacts, streams.texts)
        self.consents = Consents(self.state, streams.consents)
        self.campaigns = Campaigns(self.state, streams.campaigns, self.consents.no_marketing)
        self.facts = Facts(self.state, streams.facts)
        self.facts.declare_first(np.flatnonzero(self.state.active), 0)
        self.balances = Balances(self.state, self.contracts, streams.balances)
        self.balances.note_accounts()
        self.balance_rows = TableWriter(directory / "balances.parquet", TABLES["balances"].arrow_schema())
        self.truth = Truth(directory / TRUTH, self.client_ids)
        self.contract_ids = self.contracts.ids()

    def step(self, month: int) -> None:
        """Let one month happen."""
        state = self.state
        clients = np.flatnonzero(state.active)
        leaving, demand = Leaving(state, clients, month), Demand(state, clients, month)
        hazard = leaving.hazard(leaving.draining)
        staying: Floats32 = (1 - hazard - leaving.death)[:, None].astype(np.float32)
        willing = demand.probabilities()
        self.truth.write(clients, self.calendar.start(month), leaving, hazard, demand, willing * staying)
        drains = self._draw_draining(leaving)

        self.exits.leave_and_die(clients, month, hazard, leaving.death)
        self.exits.end_terms(month)
        self.exits.end_by_firm(month)
        self.exits.drop_some(month)
        self._buy(clients, month, willing)
        self.exits.retire_empty(clients)
        joiners = open_first_contracts(self.streams.history, state, self.contracts, month)
        state.last["contact"][joiners] = month
        self._live_on(clients, month, drains)
        self.facts.declare_first(joiners, month)

    def _live_on(self, clients: Ints, month: int, drains: Bools) -> None:
        state = self.state
        state.draining[clients] = drains
        stayed = clients[state.active[clients]]
        self.events.draw(stayed, month)
        self.contract_ids = self.contracts.ids()
        rows, claimants = self.balances.move(month, self.contract_ids)
        self.balance_rows.write(rows)
        self.contacts.draw(stayed, month, claimants)
        self.campaigns.draw(stayed, month, self.contacts.reviewed)
        self.facts.declare_at_reviews(self.contacts.reviewed, month)

    def _draw_draining(self, leaving: Leaving) -> Bools:
        draw = self.streams.erosion.random(leaving.draining.size)
        return np.where(leaving.draining, draw >= RECOVERY, draw < leaving.drain_start())

    def _enter_draining(self, clients: Ints, share: float) -> None:
        rng = self.streams.erosion
        # How fast a client would drain is a trait; most of the time it does nothing.
        self.state.drain_rate = rng.uniform(0.05, 0.16, len(self.people))
        money = (self.state.held[clients][:, ASSETS] > 0).any(axis=1)
        self.state.draining[clients] = money & (rng.random(clients.size) < share)

    def _buy(self, clients: Ints, month: int, willing: Floats32) -> None:
        rng, state = self.streams.purchases, self.state
        buys = rng.random(willing.shape, dtype=np.float32) < willing
        joint = buys[:, _LOAN] & (rng.random(clients.size) < JOINT_SALE)
        fits = state.held[clients, _LOAN] > 0
        buys[:, _LOAN_INSURANCE] &= fits
        buys[:, _LOAN_INSURANCE] |= joint
        buys[:, INDEX["premium_card"]] &= state.held[clients, INDEX["current_account"]] > 0
        buys &= state.active[clients, None]
        row, product = np.nonzero(buys)
        buyer = clients[row]
        opened = self.calendar.days(self.streams.contracts, month, row.size)
        # What is bought together is opened on one day.
        opened = opened[np.searchsorted(row, row)]
        index = open_contracts(
            self.contracts, self.streams.contracts, buyer, product, opened, self.people.income[buyer]
        )
        self._tie_loan_insurance(index, buyer, product)
        self._enter_late(index, opened)
        note_openings(state, buyer, product, opened)

    def _tie_loan_insurance(self, index: Ints, buyer: Ints, product: Ints) -> None:
        contracts = self.contracts
        live = contracts.live
        loans = live[contracts["product"][live] == _LOAN]
        loans = loans[np.argsort(contracts["client"][loans], kind="stable")]
        insurance = product == _LOAN_INSURANCE
        place = np.searchsorted(contracts["client"][loans], buyer[insurance])
        align_loan_insurance(contracts, loans[place], index[insurance])

    def _enter_late(self, index: Ints, opened: Ints) -> None:
        rng, end = self.streams.delays, self.calendar.end
        lag = 2 + np.rint(rng.exponential(15, index.size)).astype(np.int64)
        late = (rng.random(index.size) < LATE_OPENINGS) & (opened + 1 < end)
        self.contracts["known"][index] = np.where(late, np.minimum(opened + lag, end - 1), NO_DAY)

    def write_tables(self) -> None:
        """Write what was collected over the months."""
        self.balance_rows.close()
        self.truth.close()
        ids, streams = self.client_ids, self.streams
        prospects = Prospects(streams.prospects, self.people, self.calendar, self.advisors)
        contracts = self.contracts
        openings = np.column_stack([contracts[name] for name in ("client", "product", "opened")]).astype(np.int64)
        offers = self.campaigns.table(openings, ids)
        tables: dict[str, pa.Table] = {
            "clients": clients_table(streams.names, self.people, self.advisors, ids),
            "client_facts": self.facts.table(ids),
            "protected": protected_table(self.people, ids),
            "consents": self.consents.table(ids),
            "advisors": advisors_table(streams.names, self.advisors),
            "products": products_table(self.calendar),
            "contracts": contracts_table(contracts, ids),
            "interactions": self.contacts.table(ids),
            "life_events": self.events.table(ids),
            "defaults": self.exits.defaults.table(self.contracts.ids()),
            "offers": pa.concat_tables([offers, prospects.offers_table(len(offers) + 1)]),
            "prospects": prospects.table(ids),
            "prospect_status": prospects.status_table(),
        }
        for name, table in tables.items():
            write_table(table, self.directory / f"{name}.parquet")
