import datetime as dt

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from appetence.config import MultipleSettings
from appetence.errors import UsageError
from appetence.value.book_value import TERMS, value_books
from appetence.value.book_worth import book_worths, reconcile
from appetence.value.held_months import Window
from appetence.value.kpi_catalogue import AIMS, BY_NAME, FLOWS, KPIS, MISSING, Kind
from appetence.value.kpi_components import Components
from appetence.value.kpis import book_kpis, tabulate
from appetence.value.units import ALL, LEVELS, NOBODY, build_units

from .test_kpi_components import CUT, draw_book

SIZE, MONTHS = 40, 16
NAMES = sorted({name for kpi in KPIS for name in (*kpi.needs, *(kpi.year_to_date or ()))})
PATHS = st.lists(
    st.tuples(
        st.sampled_from([None, "N", "S"]), st.sampled_from([None, "b", "c"]), st.sampled_from([None, "x", "y", "z"])
    ),
    min_size=1,
    max_size=8,
)


def some_units(named):
    paths = {
        f"a{number}": tuple((level, name) for level, name in zip(LEVELS[1:4], names, strict=True) if name is not None)
        for number, names in enumerate(named)
    }
    return build_units(paths)


def some_components(units, seed):
    """Draw components of all advisors: small numbers, so that there are zeros and ties."""
    rng = np.random.default_rng(seed)
    found = Components(Window(CUT, SIZE))
    for name in NAMES:
        known = np.arange(SIZE) >= rng.integers(0, 6)
        for detail in ("A", "B") if name in ("joined_by_source", "living_in", "in_segment") else ("",):
            low = -50 if name == "segment_effect" else 0
            found.add(name, rng.integers(low, 60, (len(units.advisor_id), SIZE)), known, detail)
    return found


def rows_of(table):
    return {tuple(row[key] for key in ("month", "unit_id", "kpi", "detail")): row for row in table.to_pylist()}


@settings(max_examples=15, deadline=None)
@given(PATHS, st.integers(0, 1_000))
def test_children_add_up_to_their_parent_to_the_last_digit(named, seed):
    units = some_units(named)
    rows = rows_of(tabulate(some_components(units, seed), units, 3, 1))
    for (month, unit, kpi, detail), row in rows.items():
        place = units.unit_id.index(unit)
        children = [units.unit_id[child] for child in np.flatnonzero(units.parent == place)]
        if not children:
            continue
        # a child whose ratio is over nothing has no row: it has nothing to add
        own = [rows[key] for child in children if (key := (month, child, kpi, detail)) in rows]
        if BY_NAME[kpi].kind in (Kind.LEVEL,) or len(own) == len(children):
            assert sum(child["numerator"] for child in own) == row["numerator"]
            if row["denominator"] is not None:
                assert sum(child["denominator"] for child in own) == row["denominator"]


@given(PATHS)
def test_every_advisor_is_in_one_chain_of_units_up_to_the_company(named):
    units = some_units(named)
    chains = [units.above[units.leaf == leaf].tolist() for leaf in range(len(units.advisor_id))]
    for leaf, chain in enumerate(chains):
        assert units.unit_id[chain[0]] == units.advisor_id[leaf]
        assert chain[-1] == 0
        assert [units.parent[place] for place in chain] == [*chain[1:], -1]
    for number, names in enumerate(named):
        told = [name for name in names if name is not None]
        assert units.unit_id[units.parent[units.unit_id.index(f"a{number}")]] == (" / ".join(told) or ALL)


def slow(kpi, detail, found, leaves, j):
    """Work out one figure of some advisors at one cut, one number after another; None where it is not known."""

    def at(name, cut, months=None):
        own = found.sums.get((name, detail), found.sums.get((name, "")))
        first = cut if name not in FLOWS else cut - (12 if months is None else months) + 1
        if first < 0 or not all(found.known[name][first : cut + 1]):
            return None
        return sum(int(own[leaf, k]) for leaf in leaves for k in range(first, cut + 1))

    def figure(cut, before, months=None):
        a = at(kpi.of, cut, months)
        if a is None:
            return None
        if kpi.kind is Kind.LEVEL:
            return a * kpi.scale
        if kpi.kind is Kind.GROWTH:
            then = at(kpi.of, before, months) if before >= 0 else None
            return None if then is None or then <= 0 else (a - then) / then
        b = at(kpi.over, cut, months)
        value = None if b is None or b <= 0 else a / b * kpi.scale
        if kpi.kind is Kind.RATIO or value is None or before < 0:
            return value if kpi.kind is Kind.RATIO else None
        a, b = at(kpi.of, before), at(kpi.over, before)
        return None if a is None or b is None or b <= 0 else value - a / b * kpi.scale

    value, previous = figure(j, j - 12), figure(j - 12, j - 24) if j >= 12 else None
    trend = None if value is None or previous is None else value - previous
    if trend is not None and kpi.relative_trend:
        trend = trend / previous if previous > 0 else None
    since = (found.window.first + j - 1) % 12 + 1  # months of the year so far
    if kpi.year_to_date is not None:
        a, b = (at(name, j) for name in kpi.year_to_date)
        so_far = None if a is None or not b else a / b
    elif kpi.since_january == "change":
        if kpi.kind is Kind.CHANGE:
            so_far = figure(j, j - since)
        else:
            then = figure(j - since, j - since - 12) if j >= since else None
            so_far = None if value is None or then is None else value - then
    elif kpi.kind is Kind.GROWTH and not kpi.flows:
        so_far = figure(j, j - since)
    else:
        so_far = figure(j, j - 12, since)
    return value, previous, trend, so_far


@pytest.mark.parametrize("seed", [5, 6])
def test_figures_are_what_their_formulas_say(seed):
    units = some_units([("N", "b", "x"), ("N", "b", "x"), ("N", None, None), (None, None, None)])
    found = some_components(units, seed)
    rows = rows_of(tabulate(found, units, MONTHS, 1))
    told = 0
    for kpi in KPIS:
        for detail in found.details(kpi.of):
            for place, unit in enumerate(units.unit_id):
                leaves = units.leaf[units.above == place]
                for j in range(SIZE - MONTHS, SIZE):
                    index = found.window.first + j - 1
                    key = (dt.date(index // 12, index % 12 + 1, 1), unit, kpi.name, detail)
                    value, *others = slow(kpi, detail, found, leaves, j)
                    assert (value is None) == (key not in rows), key
                    if value is not None:
                        row = rows[key]
                        assert row["value"] == pytest.approx(value), key
                        for column, one in zip(("previous_year", "trend", "year_to_date"), others, strict=True):
                            assert row[column] == (None if one is None else pytest.approx(one)), (key, column)
                            told += one is not None
    assert told > 5_000


def test_the_best_of_a_level_is_first_and_equals_share_a_rank():
    units = some_units([("N", None, None), ("N", None, None), ("S", None, None), ("S", None, None)])
    found = Components(Window(CUT, 1))
    everywhere = np.array([True])
    found.add("clients", np.array([[30], [30], [25], [4], [90]]), everywhere)
    found.add("families", np.array([[60], [60], [75], [40], [900]]), everywhere)
    rows = rows_of(tabulate(found, units, 1, 20))
    ranks = {unit: (row["rank"], row["of"]) for (_, unit, kpi, _), row in rows.items() if kpi == "families_per_client"}
    # a3 has too few clients for a rank, and clients without an advisor are no book
    none = (None, None)
    expected = {
        ALL: (1, 1),
        "N": (2, 2),
        "S": (1, 2),
        "a0": (2, 3),
        "a1": (2, 3),
        "a2": (1, 3),
        "a3": none,
        NOBODY: none,
    }
    assert ranks == expected


def test_the_catalogue_serves_every_aim_and_says_why_a_figure_is_left_out():
    assert {kpi.asked for kpi in KPIS} == set(AIMS)
    assert len(BY_NAME) == len(KPIS)
    needed = {name for kpi in KPIS for name in kpi.needs}
    told_of_all = {"clients", "kept", "to_keep", "joined", "families", "several_families", "products"}
    told_with = {"staying_known", "segmented", "income_known", "net_worth_known", "months_of_age", "persons_with_age"}
    assert needed - told_of_all - told_with == set(MISSING)


def test_scores_of_two_years_tell_of_segments_and_values(make_book):
    book = make_book(draw_book(1), observed_from=dt.date(2018, 1, 1), observed_until=CUT)
    now = pa.table(
        {
            "client_id": ["0", "1", "2", "3"],
            "staying": [0.5, 0.25, None, 1.0],
            "lifetime_value": [100.0, 300.0, 50.0, None],
            "potential": [10.0, None, 0.0, 7.0],
            "segment": ["A", "A", "B", None],
        }
    )
    then = pa.table({"client_id": ["0", "1", "2"], "segment": ["B", "A", "B"]})
    year = dt.date(2021, 4, 1)
    found = book_kpis(book, CUT, {CUT: now, year: then}, months=2, least_clients=1)
    month = dt.date(2022, 3, 1)
    rows = {key[2:]: row for key, row in rows_of(found.table).items() if key[:2] == (month, ALL)}
    assert rows["expected_retention", ""]["value"] == pytest.approx(1.75 / 3)
    assert rows["npv", ""]["numerator"] == 460_00
    shares = {detail: rows["segment_share", detail] for detail in ("A", "B")}
    assert {detail: row["value"] for detail, row in shares.items()} == {
        "A": pytest.approx(2 / 3),
        "B": pytest.approx(1 / 3),
    }
    assert shares["A"]["previous_year"] == pytest.approx(1 / 3)
    # a client of A is worth 205 on average, one of B 50, and one client went up
    assert rows["segment_effect", ""]["numerator"] == 205_00 - 50_00


def test_what_a_book_lacks_is_left_out_and_said(make_book):
    found = book_kpis(make_book({}), dt.date(2024, 1, 1), months=3)
    assert {"aum", "revenue", "book_value", "npv", "segment_share", "income"} <= set(found.left_out)
    assert found.left_out["aum"].fr == "le portefeuille ne comporte pas d'encours"
    told = set(found.table["kpi"].to_pylist())
    assert {"clients", "families_per_client", "new_clients"} <= told
    assert not told & set(found.left_out)


def test_clients_without_an_advisor_are_told_of_where_there_are_any(make_book):
    clients = [{"client_id": "1", "advisor_id": "a"}, {"client_id": "2", "advisor_id": None}]
    told = []
    for count in (1, 2):
        tables = {"clients": clients[:count], "advisors": [{"advisor_id": "a", "name": "x"}], "contracts": []}
        tables["contracts"] = [{"client_id": row["client_id"]} for row in clients[:count]]
        found = book_kpis(make_book(tables), dt.date(2024, 1, 1), months=1)
        told.append(set(found.table["unit_id"].to_pylist()))
    assert told == [{ALL, "a"}, {ALL, "a", NOBODY}]


def test_too_many_months_are_refused(make_book):
    with pytest.raises(UsageError, match="between 1 and 36"):
        book_kpis(make_book({}), dt.date(2024, 1, 1), months=37)


def test_later_facts_change_nothing(make_book):
    rows = draw_book(2)
    until = dt.date(2021, 1, 1)
    early = {name: list(of) for name, of in rows.items()}
    early["balances"] = [row for row in rows["balances"] if row["month"] < until]
    early["client_facts"] = [row for row in rows["client_facts"] if row["known_on"] < until]
    early["contracts"] = [
        row
        | (
            {}
            if not row["closed_on"] or (row["closing_known_on"] or row["closed_on"]) < until
            else dict.fromkeys(("closed_on", "close_reason", "closing_known_on"))
        )
        for row in rows["contracts"]
        if (row["known_on"] or row["opened_on"]) < until
    ]
    early["balances"] = [
        row for row in early["balances"] if row["contract_id"] in {one["contract_id"] for one in early["contracts"]}
    ]
    of = {"observed_from": dt.date(2018, 1, 1)}
    full = book_kpis(make_book(rows, observed_until=CUT, **of), until, months=6)
    cut_off = book_kpis(make_book(early, observed_until=until, **of), until, months=6)
    assert full.table.equals(cut_off.table)


def some_books(seed):
    units = some_units([("N", "b", "x"), ("N", "b", "y"), ("S", None, None)])
    rng = np.random.default_rng(seed)
    found = Components(Window(CUT, SIZE))
    known = np.ones(SIZE, dtype=bool)

    def add(name, low, high):
        found.add(name, rng.integers(low, high, (4, SIZE)), known)

    add("revenue", 1_000_00, 9_000_00)
    add("cost", 0, 2_000_00)
    add("clients", 10, 90)
    add("kept", 50, 90)
    add("to_keep", 80, 100)
    add("families", 20, 400)
    add("income", 1_000_000_00, 9_000_000_00)
    add("income_known", 20, 90)
    found.add("living_in", rng.integers(0, 10, (4, SIZE)), known, "Nord")
    return units, found


def slow_multiple(found, leaf, j, rule):
    """Add up the multiple of one advisor at one cut."""

    def ratio(of, over):
        company = sum(of(a) for a in range(4)) / sum(over(a) for a in range(4))
        clients = found.sums["clients", ""][leaf, j]
        own = clients / (clients + rule.credibility)
        return own * of(leaf) / over(leaf) + (1 - own) * company

    def sums(name, detail=""):
        return lambda a: found.sums[name, detail][a, j]

    def year(ago=0):
        return lambda a: found.sums["revenue", ""][a, j - 11 - ago : j + 1 - ago].sum()

    def within(amount, driver):
        return min(max(amount, -driver.limit), driver.limit)

    terms = {"base": rule.base}
    retention = ratio(sums("kept"), sums("to_keep"))
    terms["retention"] = within(rule.retention.effect * (retention - rule.retention.reference), rule.retention)
    families = ratio(sums("families"), sums("clients"))
    terms["families"] = within(rule.families.effect * (families - rule.families.reference), rule.families)
    income = ratio(sums("income"), sums("income_known")) / 100
    terms["income"] = within(rule.income.effect * np.log2(income / rule.income.reference), rule.income)
    terms["place"] = rule.places["Nord"] * ratio(sums("living_in", "Nord"), sums("clients"))
    growth = ratio(lambda a: year()(a) - year(12)(a), year(12))
    terms["growth"] = within(rule.growth.effect * (growth - rule.growth.reference), rule.growth)
    if leaf < 3:
        below = sum(year()(a) < year()(leaf) for a in range(3))
        terms["rank"] = within(rule.rank.effect * (below / 2 - 0.5), rule.rank)
    whole = sum(terms.values())
    terms["bounds"] = min(max(whole, rule.low), rule.high) - whole
    return terms, year()(leaf)


@pytest.mark.parametrize(
    "rule", [MultipleSettings(places={"Nord": 0.3, "Sud": 0.2}), MultipleSettings(high=2.1, places={"Nord": 0.5})]
)
def test_the_multiple_adds_up_from_its_terms(rule):
    _, found = some_books(3)
    values = value_books(found, rule)
    assert values.known.tolist() == [False] * 11 + [True] * (SIZE - 11)
    for leaf in range(4):
        for j in (23, 30, SIZE - 1):
            terms, revenue = slow_multiple(found, leaf, j, rule)
            for name in TERMS:
                assert values.terms[name][leaf, j] == pytest.approx(terms.get(name, 0.0) * revenue, abs=0.51), name
            multiple = sum(part[leaf, j] for part in values.terms.values()) / revenue
            assert rule.low - 1e-6 <= multiple <= rule.high + 1e-6


cents = st.integers(-(10**12), 10**12)


@given(st.integers(1, 10**12), cents, cents, st.tuples(cents, cents, cents, cents, cents))
def test_the_steps_lead_from_one_value_to_the_other_to_the_cent(revenue, cost, book_value, terms):
    life, erosion, credit, tail, potential = terms
    ahead = {"lifetime_value": life, "erosion": erosion, "credit": credit, "tail": tail, "potential": potential}
    steps = reconcile(revenue, cost, book_value, ahead | {"npv": life + potential})
    assert sum(step.cents for step in steps[:-1]) == steps[-1].cents == life + potential


def test_a_book_is_told_with_both_values_and_why_they_differ(make_book):
    rows = draw_book(1)
    book = make_book(rows, observed_from=dt.date(2018, 1, 1), observed_until=CUT)
    cut = dt.date(2020, 1, 1)
    scores = pa.table(
        {
            "client_id": ["0", "1", "2", "3", "4"],
            "lifetime_value": [1_000.0, 250.555, 20.0, 40.0, None],
            "potential": [5.0, 6.0, 7.0, None, 3.0],
            "value_erosion": [-50.0, -1.0, 0.0, None, -9.0],
        }
    )
    result = book_kpis(book, cut, {cut: scores}, months=1)
    worths = book_worths(book, result, scores, MultipleSettings())
    by_level = {}
    for worth in worths:
        assert sum(term.cents for term in worth.terms) == worth.book_value
        assert sum(step.cents for step in worth.steps[:-1]) == worth.npv
        by_level.setdefault(worth.level, []).append(worth)
    (company,) = by_level["company"]
    assert company.npv == 1_328_56
    assert {step.name: step.cents for step in company.steps}["erosion"] == -51_00
    for total in ("revenue", "book_value"):
        assert sum(getattr(worth, total) for worth in by_level["advisor"]) == getattr(company, total)
    assert f"{company.multiple:.2f} times a year's revenue" in company.words.en
    assert f"{company.multiple:.2f}".replace(".", ",") + " fois les revenus annuels" in company.words.fr
    assert "Net present value of its clients: €1,329" in company.words.en
    assert {term.words.fr for term in company.terms if term.name == "base"} == {"Base → 2,00"}
