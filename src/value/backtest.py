"""Value promised against value realised: at earlier dates, what clients were said to bring in a year, and did.

At each test date everything is made as it would have been then: the models of attrition, of silent erosion and of
credit default learn from rows whose windows had closed, the life table and the rates of default from facts known, and
the contracts in force are valued over the next twelve months without any discount. Realised is what these same
contracts brought in those months: revenue less cost less credit losses where the book records them, else their margins
for the months that they stayed in force. Two plain forecasts stand beside: nobody leaves, and the last twelve months
again.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import ibis
import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from appetence.book import Book
from appetence.book.clocks import index_of, month_index
from appetence.config import Asking, BacktestSettings, FeatureSettings, TrainingSettings, ValueSettings
from appetence.errors import UsageError
from appetence.features.population import population
from appetence.models.blocks import Blocks, plan_blocks
from appetence.models.credit import CREDIT_DEFAULT
from appetence.models.curves import History
from appetence.models.fitting import Predictions, can_fit, predict_test
from appetence.models.kinds import ATTRITION, EROSION
from appetence.models.metrics import Interval, resampled_means
from appetence.models.preparing import Prepared, prepare, side_by_side
from appetence.models.questions import Question, ask
from appetence.models.severity import fit_severity
from appetence.months import Month, shift
from appetence.progress import Progress, part, silent
from appetence.value.clients import Expected, client_annuities, value_clients
from appetence.value.credit import loss_given_default
from appetence.value.margins import held_contracts
from appetence.value.profit import client_profits

Floats = npt.NDArray[np.float64]

AHEAD = 12
"""Months that a promise is checked after."""

DECILES = 10
UNITS, FEWEST_UNITS = ("household", "cohort"), 10
"""What moves together: households, or clients who joined in the same month; the wider interval of the two is told."""

STAYING, AGAIN = "nobody leaves", "last year again"


@dataclass(frozen=True)
class Promise:
    """Money promised to some clients and realised; `ratio` is realised over promised, with its interval."""

    clients: int
    promised: float
    realised: float
    ratio: Interval

    def as_dict(self) -> dict[str, float]:
        """Return it for JSON."""
        interval = {"ratio": self.ratio.value, "ratio_low": self.ratio.low, "ratio_high": self.ratio.high}
        return {"clients": self.clients, "promised": self.promised, "realised": self.realised, **interval}


@dataclass(frozen=True)
class ValueBacktest:
    """How promises were kept.

    Attributes
    ----------
    dates
        {test date: all clients of it}
    deciles
        Clients of all dates by what they were promised, the least first.
    error
        Root mean squared error of a client's year, in money: of the promise, and of each plain forecast. (The mean
        absolute error would praise a forecast near the median, which is that nobody leaves.)
    questions
        The questions whose models took part, by date.
    realised_by
        "recorded" revenue and cost, or "margins" of months in force.
    """

    dates: Mapping[str, Promise]
    deciles: tuple[Promise, ...]
    whole: Promise
    error: Mapping[str, float]
    plain: Mapping[str, float]
    questions: Mapping[str, tuple[str, ...]]
    realised_by: str
    currency: str

    def as_dict(self) -> dict[str, Any]:
        """Return it for JSON."""
        return {
            "dates": {date: found.as_dict() for date, found in self.dates.items()},
            "deciles": [found.as_dict() for found in self.deciles],
            "whole": self.whole.as_dict(),
            "root_mean_squared_error": dict(self.error),
            "plain_totals": dict(self.plain),
            "questions": {date: list(names) for date, names in self.questions.items()},
            "realised_by": self.realised_by,
        }

    def lines(self) -> Iterator[str]:
        """Return it for a reader."""
        how = "revenue less cost less credit losses as recorded"
        how = how if self.realised_by == "recorded" else "margins of the months in force (the book records no revenue)"
        yield f"value promised for {AHEAD} months ahead against realised, {self.currency}; realised: {how}"
        yield f"{'date':12}{'clients':>9}{'promised':>14}{'realised':>14}   realised / promised"
        for date, found in (*self.dates.items(), ("all", self.whole)):
            yield f"{date:12}{_told(found)}   {', '.join(self.questions.get(date, ()))}".rstrip()
        yield "by tenth of the clients, those promised least first"
        for number, found in enumerate(self.deciles, start=1):
            yield f"{number:<12}{_told(found)}"
        yield f"{'forecast':18}{'total':>14}{'root mean squared error of a client':>38}"
        totals = {"promised": self.whole.promised, **self.plain}
        for name, total in totals.items():
            yield f"{name:18}{total:14,.0f}{self.error[name]:38,.2f}"


def _told(found: Promise) -> str:
    ratio = found.ratio
    return (
        f"{found.clients:9,}{found.promised:14,.0f}{found.realised:14,.0f}   "
        f"{ratio.value:.2f} ({ratio.low:.2f} to {ratio.high:.2f})"
    )


def backtest_value(
    book: Book,
    asking: Asking,
    features: FeatureSettings,
    training: TrainingSettings,
    backtest: BacktestSettings,
    value: ValueSettings,
    currency: str = "EUR",
    progress: Progress = silent,
) -> ValueBacktest:
    """Check promises at the test dates after which a year was observed.

    Parameters
    ----------
    training, backtest
        How models are made; how many test dates there are, and how far apart.
    value
        Margins are those of the settings; horizon and discount are not used.

    Raises
    ------
    UsageError
        The book shows no test date with a year after it.
    """
    until = Month.of(book.observed_until)
    found = [until - (AHEAD + k * backtest.spacing) for k in reversed(range(backtest.tests))]
    dates = [month.start for month in found if month > Month.of(book.observed_from)]
    if not dates:
        raise UsageError(
            f"a promise is checked {AHEAD} months later: the book must show more months",
            f"{until - Month.of(book.observed_from)}",
        )
    blocks = {
        question: origins
        for question in ask(book, asking).questions
        if question.name in (ATTRITION, EROSION, CREDIT_DEFAULT)
        and (origins := _origins(book, question, dates, training)) is not None
    }
    said = _predicted(book, blocks, features, training, part(progress, 0.0, 0.8))
    settings = value.model_copy(update={"horizon": AHEAD, "discount_rate": 0.0, "tail": False})
    rows = []
    for number, date in enumerate(dates):
        progress(f"valuing the contracts of {date}", 0.8 + 0.2 * number / len(dates))
        rows.append(_promised_at(book, date, {q: one for (q, at), one in said.items() if at == date}, settings))
    told = {str(date): tuple(sorted(q for q, at in said if at == date)) for date in dates}
    by = "recorded" if book.has("balances") else "margins"
    return _summary(pd.concat(rows, ignore_index=True), told, by, currency, training)


def _origins(book: Book, question: Question, dates: Sequence[dt.date], training: TrainingSettings) -> Blocks | None:
    """Lay out a question's blocks at each date, as if its window closed with the book; None where all are too early."""
    found = []
    for date in dates:
        closed = shift(date, question.window.gap + question.window.horizon)
        blocks = plan_blocks(book.observed_from, closed, question.window, training, tests=1)
        found += [] if blocks is None else [blocks.tests[-1]]
    return Blocks(tuple(found), found[-1]) if found else None


def _predicted(
    book: Book,
    blocks: Mapping[Question, Blocks],
    features: FeatureSettings,
    training: TrainingSettings,
    progress: Progress,
) -> dict[tuple[str, dt.date], pd.DataFrame]:
    """Return per question and test date the clients' probabilities and shares, by models of then."""
    if not blocks:
        return {}
    ready = prepare(book, blocks, features, training, part(progress, 0.0, 0.4))

    def tested(question: Question) -> list[tuple[dt.date, Predictions, Floats]]:
        labelled = ready.labelled[question]
        found = []
        for origin in blocks[question].tests:
            if labelled.events < question.fewest_events or not can_fit(labelled, origin):
                continue
            one = predict_test(question, labelled, origin, training.parameters, training.seed)
            share = np.ones(len(one.rows))
            if question.rule is not None:
                at = labelled.at(origin)
                known = at.block((*origin.fit, *origin.calibrate))
                share = fit_severity(known, question.rule.threshold, training.seed).share(at.block([origin.at]).X)
            found.append((origin.at, one, share))
        return found

    found = side_by_side(tested, ready.labelled, "tested", part(progress, 0.4, 1.0))
    return {
        (question.name, at): _by_client(ready, one, share, question.window.horizon)
        for question, dates in found.items()
        for at, one, share in dates
    }


def _by_client(ready: Prepared, one: Predictions, share: Floats, horizon: int) -> pd.DataFrame:
    ids = ready.snapshots.keys.get_level_values(0)[one.rows]
    return pd.DataFrame({"probability": one.p, "share": share, "horizon": horizon}, index=ids)


def _promised_at(book: Book, date: dt.date, said: Mapping[str, pd.DataFrame], settings: ValueSettings) -> pd.DataFrame:
    """Return per client what was promised at a date, what plain forecasts said, and what was realised."""
    clients = population(book, [date])["client_id"].combine_chunks().cast(pa.string())
    ids = clients.to_pylist()
    heard = {name: _expected(table, ids) for name, table in said.items()}
    history = History.of(book, date)
    leaving = heard.get(ATTRITION)
    months = AHEAD if leaving is None else max(AHEAD, leaving.horizon)
    base = history.curves(clients, None, 1, months)
    staying = base.staying
    if leaving is not None:
        bent = history.curves(clients, np.nan_to_num(leaving.probability), leaving.horizon, months).staying
        staying = np.where(np.isnan(leaving.probability)[:, None], staying, bent)
    worth = client_annuities(history, clients, staying, settings, heard.get(EROSION))
    promised = value_clients(book, date, clients, worth, staying, settings, heard.get(CREDIT_DEFAULT))
    forever = np.ones((len(ids), AHEAD))
    stays = value_clients(
        book, date, clients, client_annuities(history, clients, forever, settings, None), forever, settings
    )
    past = client_profits(book, date, AHEAD, loss_given_default(book).value)
    homes = book.execute(book.table("clients").select("client_id", "household_id", "joined_on")).to_pandas()
    homes = homes.set_index("client_id").reindex(ids)
    return pd.DataFrame(
        {
            "date": str(date),
            "household": homes["household_id"].fillna(pd.Series(ids, index=ids)).to_numpy(),
            "cohort": pd.to_datetime(homes["joined_on"]).dt.strftime("%Y-%m").fillna("").to_numpy(),
            "promised": promised.total,
            STAYING: stays.margin,
            AGAIN: np.nan if past is None else _aligned(past, "profit", clients),
            "realised": _realised(book, date, clients, settings),
        }
    )


def _expected(table: pd.DataFrame, ids: list[str]) -> Expected:
    found = table.reindex(ids)
    return Expected(
        found["probability"].to_numpy(dtype=np.float64),
        int(table["horizon"].iloc[0]),
        found["share"].fillna(0.0).to_numpy(dtype=np.float64),
    )


def _realised(book: Book, date: dt.date, clients: pa.Array, settings: ValueSettings) -> Floats:
    """Return what the contracts in force at a date brought in the year after it, as the book knows it today."""
    end = shift(date, AHEAD)
    lgd = loss_given_default(book).value
    held = held_contracts(book, date, settings.margins == "learned")
    contracts = book.table("contracts")
    known = book.memtable("value_contracts", pa.table({"contract_id": held.contract_id, "margin": held.yearly_margin}))
    if book.has("balances"):
        balances = book.table("balances")
        after = balances.filter(balances.month >= ibis.literal(date), balances.month < ibis.literal(end))
        net = after.revenue.fill_null(0) - after.cost.fill_null(0)
        earned = after.select("contract_id", money=net.cast("float64"))
    else:
        closed = ibis.coalesce(month_index(contracts.closed_on), index_of(end))
        due = ibis.coalesce(month_index(contracts.ends_on), index_of(end))
        stayed = ibis.least(closed, due, ibis.literal(index_of(end))) - index_of(date)
        joined = contracts.select("contract_id", stayed=ibis.greatest(stayed, 0)).join(known, "contract_id")
        earned = joined.select("contract_id", money=joined.margin * joined.stayed / 12.0)
    if book.has("defaults"):
        defaults = book.table("defaults")
        lost = defaults.filter(defaults.defaulted_on >= ibis.literal(date), defaults.defaulted_on < ibis.literal(end))
        earned = earned.union(lost.select("contract_id", money=-lgd * lost.exposure.cast("float64")))
    owned = earned.join(known, "contract_id").join(contracts.select("contract_id", "client_id"), "contract_id")
    summed = book.execute(owned.group_by("client_id").agg(money=owned.money.sum()).order_by("client_id"))
    return _aligned(summed, "money", clients)


def _aligned(table: pa.Table, column: str, clients: pa.Array) -> Floats:
    place = pc.index_in(clients, table["client_id"].combine_chunks())
    values = table[column].combine_chunks().cast(pa.float64()).take(place)
    return np.asarray(pc.fill_null(values, 0.0).to_numpy(zero_copy_only=False), dtype=np.float64)


def _summary(
    rows: pd.DataFrame, questions: Mapping[str, tuple[str, ...]], by: str, currency: str, training: TrainingSettings
) -> ValueBacktest:
    rows = rows[rows["promised"].notna()]
    plain = [name for name in (STAYING, AGAIN) if rows[name].notna().all()]

    def promise(part: pd.DataFrame) -> Promise:
        promised, realised = float(part["promised"].sum()), float(part["realised"].sum())
        found = [_interval(part, unit, training) for unit in UNITS]
        low, high = max(found, key=lambda bounds: bounds[1] - bounds[0])
        return Promise(len(part), promised, realised, Interval(realised / promised, low, high))

    order = rows["promised"].rank(method="first").to_numpy()
    tenth = np.ceil(order / len(rows) * DECILES).astype(np.int64)
    error = {name: float(np.sqrt(((rows[name] - rows["realised"]) ** 2).mean())) for name in ("promised", *plain)}
    return ValueBacktest(
        dates={str(date): promise(part) for date, part in rows.groupby("date")},
        deciles=tuple(promise(rows[tenth == number]) for number in range(1, DECILES + 1)),
        whole=promise(rows),
        error=error,
        plain={name: float(rows[name].sum()) for name in plain},
        questions=questions,
        realised_by=by,
        currency=currency,
    )


def _interval(part: pd.DataFrame, unit: str, training: TrainingSettings) -> tuple[float, float]:
    """Return the bounds of realised over promised, drawing whole units; of one unit alone nothing can be said."""
    if part[unit].nunique() < FEWEST_UNITS:
        return 0.0, 0.0
    values = part[["realised", "promised"]].to_numpy(dtype=np.float64)
    drawn = resampled_means(values, part[unit].to_numpy(), training.bootstrap, training.seed)
    low, high = np.nanquantile(drawn[:, 0] / drawn[:, 1], [0.025, 0.975])
    return float(low), float(high)
