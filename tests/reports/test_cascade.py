"""The month's changes, alerts and trends, from two months published by the job's own sink."""

import datetime as dt
import re
from pathlib import Path

import pytest

from appetence.config import AlertSettings
from appetence.months import Month
from appetence.reports import read_published
from appetence.reports.alerts import Rules, read_learnt
from appetence.reports.cascade import build_cascade
from appetence.reports.cascade_words import CASCADE_WORDS
from appetence.reports.changes import compare
from appetence.reports.filters import say_alert
from appetence.reports.language import WORDS, Pen
from appetence.reports.portfolios import split_by_advisor
from appetence.reports.sheets import build_sheets
from appetence.reports.situations import read_directory, read_situations
from appetence.reports.trends import HEIGHT, WIDTH, draw

from .conftest import HOSTILE, client_row, offer_row, small_book
from .test_pages import Tree, pages_of, plain, section

EARLIER = [
    client_row("1", attrition_probability=0.4, attrition_tier="high", lifetime_value=500.0),
    client_row("4", attrition_probability=0.1, attrition_tier="low", lifetime_value=9000.0),
    client_row("6", advisor_id="A1", attrition_probability=0.3, attrition_tier="medium"),
    client_row("7", attrition_probability=0.1, attrition_tier="low"),
    client_row("8", attrition_probability=0.4, attrition_tier="high"),
    client_row("gone", attrition_probability=0.5, attrition_tier="high", lifetime_value=2000.0),
    client_row("objects", attrition_probability=0.5, attrition_tier="high"),
]


def tables() -> dict:
    """The small book, with two clients who are no longer scored, one of whom objects to profiling."""
    book = small_book()
    book["clients"] += [{"client_id": i, "name": f"{i} <i>Nom</i>", "advisor_id": "A1"} for i in ("gone", "objects")]
    no = {"client_id": "objects", "purpose": "profiling", "known_on": book["consents"][0]["known_on"], "granted": False}
    book["consents"].append(no)
    return book


@pytest.fixture
def before(scores) -> Path:
    offers = [offer_row(str(i), "Q", 0.01, 10.0) for i in range(1, 9)]
    return scores(month="2023-11", run_id="run-0", clients=EARLIER, offers=offers, reasons=[])


@pytest.fixture
def cascade(make_book, before, scores):
    book = make_book(tables())
    published = read_published(scores(), Month.parse("2023-12"))
    situations = read_situations(book, Month.parse("2023-12"), published.clients["client_id"].combine_chunks())
    sheets = build_sheets(published, situations)
    portfolios = split_by_advisor(sheets, read_directory(book).advisors)
    return book, published, sheets, build_cascade(book, published, portfolios, AlertSettings(times_average=1.2))


def test_clients_are_compared_with_the_last_month_published(cascade):
    book, published, sheets, _ = cascade
    found = compare(book, published.history, published.clients["client_id"])
    changes = found.of(sheets)
    assert found.month == Month.parse("2023-11")
    assert sorted(sheet.client_id for sheet in changes.new) == ["2", "3", "5"]
    assert [sheet.client_id for sheet in changes.arrived] == ["6"]
    assert sorted(one.sheet.client_id for one in changes.up) == ["4", "7"]
    assert [one.sheet.client_id for one in changes.down] == ["1"]
    assert {one.sheet.client_id: one.change for one in changes.moved} == pytest.approx(
        {"1": 50 - 200, "4": 1800 - 900, "6": 0, "7": 250, "8": 0}, abs=1e-9
    )
    assert [one.sheet.client_id for one in changes.told(2)] == ["4", "7"]
    assert [(one.client_id, one.name) for one in found.gone("A1")] == [("gone", "gone <i>Nom</i>")]
    assert (found.objecting("A1"), found.all_gone(), found.gone("A2")) == (1, 2, ())


def test_counts_of_units_add_up_and_the_company_has_all(cascade):
    *_, built = cascade
    assert tuple(built.counts(built.company)) == (3, 2, 2, 1)
    parts = [built.counts(unit) for unit in built.company.units]
    assert tuple(sum(values) for values in zip(*parts, strict=True)) == (3, 2, 2, 1)


def test_trends_are_those_of_the_scores_in_every_month_and_end_at_the_totals(cascade):
    *_, built = cascade
    old, new = built.trends.of_all()
    assert (old.clients, old.high, old.medium) == (7, 4, 1)
    assert old.at_stake == 0.4 * 500 + 900 + 300 + 100 + 400 + 1000 + 500
    assert old.leavers == pytest.approx(2.3)
    for unit in built.company.walk():
        newest, totals = built.figures(unit)[-1], unit.totals
        assert (newest.clients, newest.high, newest.medium) == (
            totals.clients,
            totals.tiers["high"],
            totals.tiers["medium"],
        )
        for name in ("leavers", "at_stake", "lifetime_value", "outflow", "potential"):
            assert getattr(newest, name) == getattr(totals, name), name
    assert built.change(built.trends.of_all()) == pytest.approx(new.at_stake - old.at_stake)
    parts = [built.change(built.figures(unit)) for unit in built.company.units]
    assert sum(parts) == pytest.approx(new.at_stake - old.at_stake)
    assert parts[1] == 300  # an advisor who had no clients then


def test_a_line_starts_at_zero_and_keeps_to_its_canvas(cascade):
    *_, built = cascade
    figures = built.trends.of_all()
    line = draw(figures, "clients", lambda one: float(one.clients))
    points = [tuple(map(float, point.split(","))) for point in line.points.split()]
    assert [x for x, _ in points] == [5, WIDTH - 5]
    assert [y for _, y in points] == pytest.approx([5 + (HEIGHT - 10) / 8, 5], abs=0.1)
    assert (line.first_value, line.last_value, line.last) == (7, 8, points[-1])
    assert draw(figures[:1], "clients", lambda one: float(one.clients)) is None
    assert draw(figures, "none", lambda one: None) is None
    flat = draw(figures, "zero", lambda one: 0.0)
    assert all(0 <= float(point.split(",")[1]) <= HEIGHT for point in flat.points.split())


def test_alerts_follow_the_rules_told(cascade):
    *_, sheets, built = cascade
    found = {(alert.kind, alert.sheet.client_id): alert for alert in built.rules.alerts_of(sheets)}
    # risk became high: 7, low before; 8 was high already. Outflow: the largest of six, and above the average risk
    # crossed: above 1.2 × the average of 4.5 %, and below 1.2 × 1 % last month; 7 objects to marketing
    assert sorted(found) == [("crossed", "6"), ("crossed", "8"), ("outflow", "8"), ("rose", "7")]
    assert found["rose", "7"].money == pytest.approx(350)
    assert found["outflow", "8"].money == 8000
    money = [alert.money for alert in built.rules.alerts_of(sheets)]
    assert money == sorted(money, reverse=True)
    pen = Pen("en", "EUR", {**WORDS, **CASCADE_WORDS})
    told = say_alert(found["crossed", "8"], pen, lambda product, purchase: f"{product}/{purchase}")
    assert plain(told) == "Q/first: 1% → 8%, 1.8 × average"
    assert say_alert(found["rose", "7"], pen, str) == "10% → 35% · Reason 1 of 7"


def test_complaints_terms_and_life_events_of_the_month_are_alerts(make_book, scores):
    day = dt.date
    given = small_book()
    given["life_events"].append(
        {"client_id": "8", "kind": "marriage", "occurred_on": day(2023, 11, 20), "known_on": day(2023, 12, 5)}
        | {"source": "questionnaire"}
    )
    given["life_events"].append(
        {"client_id": "5", "kind": "retirement", "occurred_on": day(2023, 12, 1), "known_on": day(2023, 12, 5)}
        | {"source": "inferred"}
    )
    given["contracts"][2] |= {"ends_on": day(2024, 3, 31)}
    given["contracts"][3] |= {"ends_on": day(2024, 4, 1)}
    given["interactions"] = [
        {"interaction_id": "i1", "client_id": "1", "at": day(2023, 12, 24), "kind": "complaint", "channel": "phone"},
        {"interaction_id": "i2", "client_id": "2", "at": day(2023, 11, 30), "kind": "complaint", "channel": "phone"},
    ]
    book, month = make_book(given), Month.parse("2023-12")
    published = read_published(scores(), month)
    sheets = build_sheets(published, read_situations(book, month, published.clients["client_id"].combine_chunks()))
    comparison = compare(book, published.history, published.clients["client_id"])
    settings = AlertSettings(outflow=0.5)
    outflows = published.clients["expected_outflow"]
    rules = Rules(settings, month, comparison, published.history, outflows, read_learnt(book, month))
    found = sorted((alert.kind, alert.sheet.client_id) for alert in rules.alerts_of(sheets))
    assert found == [
        ("complaint", "1"),
        ("event", "8"),
        ("outflow", "6"),
        ("outflow", "7"),
        ("outflow", "8"),
        ("term", "3"),
    ]
    assert rules.earlier is None


def test_pages_tell_changes_alerts_and_trends_with_names_inert(before, reported):
    index = reported(tables=tables())
    for language, words in (
        ("en", ("New clients", "gone <i>Nom</i>", "1 objecting to profiling", "November 2023", "From another advisor")),
        ("fr", ("Nouveaux clients", "gone <i>Nom</i>", "1 opposé", "novembre 2023", "Venus d’un autre conseiller")),
    ):
        files = pages_of(index, language)
        told = section(files["advisor-001.html"], "changes") + section(files["advisor-002.html"], "changes")
        assert all(word in told for word in words)
        assert "objects <i>" not in told
        assert not Tree(files["advisor-001.html"]).all("i")
        assert HOSTILE[0] in told
        company = Tree(files["index.html"])
        assert len(company.all("svg")) == 4  # neither outflow nor potential was known in the earlier month
        assert "2023" in section(files["index.html"], "trend")
        assert 'data-alert="any retention rose"' in files["advisor-001.html"]


def test_the_first_month_says_that_there_is_nothing_to_compare(reported):
    files = pages_of(reported(), "en")
    assert "No earlier month is published" in section(files["advisor-001.html"], "changes")
    assert "there is no trend yet" in section(files["index.html"], "trend")
    assert "no earlier month is published" in section(files["advisor-001.html"], "alerts")


def test_children_on_the_pages_add_up_to_their_parents_figures(before, reported):
    files = pages_of(reported(tables=tables()), "en")
    for text in (text for name, text in files.items() if not name.startswith("advisor")):
        for table in re.findall(r'<table class="sortable">.*?</table>', text, re.DOTALL):
            if "<tfoot>" not in table:
                continue
            rows = re.findall(r"<tr>(.*?)</tr>", table.split("<tbody>")[1], re.DOTALL)
            values = [[float(v) for v in re.findall(r'data-v="([^"]*)"', row) if v] for row in rows]
            *children, whole = values
            shares = {3}  # the share of leavers is no sum
            for place, value in enumerate(whole):
                if place not in shares:
                    assert value == pytest.approx(sum(row[place + 1] for row in children), abs=1e-9)


def test_the_files_are_the_same_however_many_write_them(reported, monkeypatch):
    from appetence.reports import write

    index = reported()
    first = {path: path.read_bytes() for path in index.directory.rglob("*.*")}
    whole = write.write_shares
    monkeypatch.setattr(write, "write_shares", lambda shares, n, wanted, told: whole(shares, n, 3, told))
    again = reported(run_id="run-2")
    second = {path: path.read_bytes().replace(b"run-2", b"run-1") for path in again.directory.rglob("*.*")}
    assert second == first
    assert again.pages == index.pages


def test_a_failure_in_another_process_leaves_nothing_half_written(reported, monkeypatch):
    from appetence.reports import share, write

    index = reported()
    before = sorted(index.directory.rglob("*.*"))
    whole = write.write_shares
    monkeypatch.setattr(write, "write_shares", lambda shares, n, wanted, told: whole(shares, n, 2, told))

    def full(*args, **kwargs):
        raise OSError("no space left on device")

    monkeypatch.setattr(share, "write_csv", full)
    with pytest.raises(OSError, match="no space"):
        reported(run_id="run-2")
    assert sorted(index.directory.rglob("*.*")) == before
    assert [path.name for path in index.directory.parent.iterdir()] == ["2023-12"]
