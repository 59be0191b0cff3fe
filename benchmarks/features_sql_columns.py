"""Each column of the SQL contender of `benchmarks/features.py`, over one row per client of all that was known."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Sequence

Coverage = Sequence[tuple[str, str, Sequence[str]]]
"""Segments in the order in which they are tried: name, SQL condition, families that its clients should hold."""

CHANGES = (3, 6, 12, 24)
CHANNELS = ("branch", "phone", "email", "app", "post")
EVENTS = (
    *("birth", "marriage", "divorce", "death_in_family", "inheritance"),
    *("graduation", "new_home", "move", "job_change", "retirement"),
)
BANDS = ((18, "0–17"), (26, "18–25"), (36, "26–35"), (46, "36–45"), (56, "46–55"), (66, "56–65"), (76, "66–75"))
FAMILY_BITS = 32
"""The lower half of a client's holdings has a bit per product, the upper one per family."""


class Days:
    """The cut and first days of months around it, as SQL."""

    def __init__(self, cut: dt.date) -> None:
        self.index = cut.year * 12 + cut.month - 1
        self.month = cut.month
        self.cut = self.before(0)

    def before(self, months: int) -> str:
        index = self.index - months
        return f"DATE '{index // 12}-{index % 12 + 1:02d}-01'"

    def lag(self, day: str) -> str:
        """Calendar months from a day's month to the cut's; twice as fast as `datediff`."""
        return f"({self.index + 1} - year({day}) * 12 - month({day}))"

    def since(self, day: str) -> str:
        """Full months from a day to the cut, a first of a month: calendar months from the day before, less one."""
        return f"({self.lag(f'({day} - 1)')} - 1)"


def columns_of(on: Days, families: Sequence[str], coverage: Coverage) -> dict[str, str]:
    """Return each column's SQL over the last query's tables."""
    in_families = f"(holds >> {FAMILY_BITS})"
    changes = {
        f"{what}_change_{m}m": f"bit_count({half('holds')}) - bit_count({half(f'held_{m}')})"
        for what, half in (("products", lower), ("families", upper))
        for m in CHANGES
    }
    return {
        "tenure": on.since("joined_on"),
        "oldest_contract": on.since("held_since"),
        "months_to_anniversary": f"(month(joined_on) - {on.month} + 12) % 12",
        "months_to_contract_anniversary": "anniversary",
        **{f"tenure_{f}": on.since(f"since_{n}") for n, f in enumerate(families)},
        **{name: counted(name) for name in ("contracts_held", "closings_announced", "ending_6m")},
        "products_held": f"bit_count({lower('holds')})",
        "families_held": f"bit_count({upper('holds')})",
        **changes,
        **{f"{what}_{m}m": counted(f"{what}_{m}m") for what in ("opened", "closed") for m in CHANGES},
        "months_since_opening": on.since("last_opened"),
        "months_since_closing": on.since("last_closed"),
        "months_to_end": f"-{on.lag('next_end')}",
        **{f"holds_{f}": f"coalesce({in_families} >> {n} & 1, 0) = 1" for n, f in enumerate(families)},
        **{f"months_since_{f}_opening": on.since(f"opened_{n}") for n, f in enumerate(families)},
        "bundle_lift": "bundle_lift",
        "bundles_held": counted("bundles_held"),
        **coverage_columns(families, coverage),
        **money_columns(on, families),
        **contact_columns(on),
        **event_columns(on),
        **household_columns(on),
        **person_columns(on),
    }


def lower(bits: str) -> str:
    return f"(coalesce({bits}, 0) & {(1 << FAMILY_BITS) - 1})"


def upper(bits: str) -> str:
    return f"(coalesce({bits}, 0) >> {FAMILY_BITS})"


def counted(name: str) -> str:
    return f"coalesce({name}, 0)"


def coverage_columns(families: Sequence[str], coverage: Coverage) -> dict[str, str]:
    if not coverage:
        return {}
    masks = [sum(1 << families.index(f) for f in set(wanted)) for _, _, wanted in coverage]
    held = [f"bit_count({upper('holds')} & {mask})" for mask in masks]
    target = [str(mask.bit_count()) for mask in masks]
    rate = [f"{part} / {whole}" for part, whole in zip(held, target, strict=True)]
    return {
        "coverage_segment": by_segment(coverage, [f"'{name}'" for name, _, _ in coverage]),
        "coverage_gap": by_segment(coverage, [f"{t} - {h}" for t, h in zip(target, held, strict=True)]),
        "coverage_rate": by_segment(coverage, rate),
    }


def by_segment(coverage: Coverage, values: Sequence[str]) -> str:
    cases = (f"WHEN {when} THEN {value}" for (_, when, _), value in zip(coverage, values, strict=True))
    return f"CASE {' '.join(cases)} END"


def share(part: str, whole: str) -> str:
    """Part of a whole in cents, null where that is less than 100."""
    return f"({part}) / (CASE WHEN {whole} >= 10000 THEN {whole} END)"


def money_columns(on: Days, families: Sequence[str]) -> dict[str, str]:
    return {
        "assets": "now / 100",
        **{f"assets_change_{m}m": share(f"greatest(now, 0) - l{m + 1}", f"l{m + 1}") for m in (3, 6, 12)},
        "assets_trend_12m": share("-(n * sxy - sx * sy) / nullif(n * sxx - sx * sx, 0)", "(sy / n)"),
        "drawdown_12m": share("peak - greatest(now, 0)", "peak"),
        "assets_volatility_12m": share("sqrt(squares / n)", "(sy / n)"),
        "market_move_12m": "(now - l13 - flow_12) / 100",
        "market_return_12m": share("now - l13 - flow_12", "l13"),
        **{f"net_flow_{m}m": f"coalesce(flow_{m}, 0) / 100" for m in (3, 6, 12)},
        "net_flow_rate_6m": share("flow_6", "l7"),
        "months_since_inflow": f"{on.lag('last_inflow')} - 1",
        "share_of_wallet": share("now", "worth"),
        "share_of_wallet_change_12m": f"{share('now', 'worth')} - {share('l13', 'worth_then')}",
        "revenue_12m": "coalesce(revenue_year, 0) / 100",
        "revenue_change_12m": "revenue_change / 100",
        "cost_12m": "coalesce(cost_year, 0) / 100",
        **{
            "credit_outstanding" if f == "credit" else f"assets_{f}": f"coalesce(in_{n}, 0) / 100"
            for n, f in enumerate(families)
        },
    }


def contact_columns(on: Days) -> dict[str, str]:
    counts = (
        *("contacts_3m", "contacts_12m", *(f"contacts_{c}_12m" for c in CHANNELS), "advisor_contacts_12m"),
        *("complaints_3m", "complaints_12m", "claims_12m", "claims_open", "claims_refused_12m"),
        *("offers_12m", "offers_unanswered_12m"),
    )
    days = ("contact", "advisor", "call", "review", "complaint", "claim")
    return {
        **{name: counted(name) for name in counts},
        **{f"months_since_{day}": on.since(day) for day in days},
        "months_since_offer": on.since("last_offer"),
        "last_nps": "last_nps",
        "nps_change": "nps_change",
    }


def event_columns(on: Days) -> dict[str, str]:
    ahead = f"({64 * 12} - {on.lag('birth_date')})"
    return {
        **{name: counted(name) for name in ("events_12m", "events_learnt_3m", "events_ahead", "events_since_review")},
        **{f"months_since_{day}": on.since(day) for day in ("event", *EVENTS)},
        "months_to_majority": f"{18 * 12} - {on.lag('minor_born')}",
        "months_to_retirement": f"CASE WHEN kind = 'person' AND age IS NOT NULL AND {ahead} >= 0 THEN {ahead} END",
        "months_since_questionnaire": on.since("asked"),
    }


def household_columns(on: Days) -> dict[str, str]:
    counts = ("members", "opened_6m", "closed_6m", "left_12m", "events_12m")
    return {
        **{f"household_{name}": counted(f"household_{name}") for name in counts},
        "household_products": f"bit_count({lower('household_holds')})",
        "household_families": f"bit_count({upper('household_holds')})",
        "months_since_household_exit": on.since("last_exit"),
        "household_assets": "coalesce(household_now, 0) / 100",
        "household_assets_change_6m": share(
            "greatest(coalesce(household_now, 0), 0) - household_then", "household_then"
        ),
        "household_net_flow_6m": "coalesce(household_flow, 0) / 100",
        "household_credit": "coalesce(household_owed, 0) / 100",
        "months_since_household_event": on.since("last_event"),
    }


def person_columns(on: Days) -> dict[str, str]:
    bands = " ".join(f"WHEN age < {end} THEN '{name}'" for end, name in BANDS)
    declared = ("income", "net_worth", "marital_status", "children", "occupation", "risk_tolerance", "region")
    turn = 2 * math.pi * (on.index % 12) / 12
    return {
        "age": "age",
        "age_band": f"CASE {bands} WHEN age IS NOT NULL THEN '76+' END",
        "client_kind": "kind",
        "source": "source",
        "was_referred": "referred_by IS NOT NULL",
        **{name: name for name in (*declared, "preferred_channel")},
        "months_since_declared": on.since("known_on"),
        "season_sin": str(round(math.sin(turn), 12)),
        "season_cos": str(round(math.cos(turn), 12)),
    }


TEXTS = ("coverage_segment", "age_band", "client_kind", "source", "marital_status", "occupation", "region")
TEXTS = (*TEXTS, "preferred_channel")


def typed(name: str, sql: str) -> str:
    kept = name in TEXTS or name.startswith("holds_") or name == "was_referred"
    return f"{sql} AS {name}" if kept else f"({sql})::DOUBLE AS {name}"
