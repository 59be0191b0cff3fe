"""On a sheet: why the risk moved since the month before, and what the model would answer if something were so."""

import html

import duckdb
import pytest

from appetence.months import Month
from appetence.reports import read_published
from appetence.reports.moves import LONGEST

from .conftest import MONTH

AGAINST = {"against_run": "run-0", "against_month": "2023-11"}


def move(client, rank, part, points, text="x", question="attrition"):
    return {
        "client_id": client,
        "question": question,
        "rank": rank,
        "part": part,
        "theme": None,
        "feature": None,
        "points": points,
        "text_en": f"{text} moved",
        "text_fr": f"{text} a bougé",
        **AGAINST,
    }


def supposed(client, scenario, question, before, after):
    figures = {"probability_before": before, "probability_after": after, "points": 100 * (after - before)}
    words = {"text_en": f"A {scenario} <held>", "text_fr": f"Un {scenario} <réalisé>"}
    return {"client_id": client, "question": question, "scenario": scenario, "product_id": None, **figures, **words}


MOVES = [
    move("4", 1, "client", 3.0, "<b>Assets</b>"),
    move("4", 2, "model", -1.5, "Model"),
    move("4", 3, "facts", 1.0, "W" * 200),
    move("4", 4, "rest", -0.4, "Rest"),
    move("5", 1, "new", None, "New"),
    move("6", 1, "rest", 0.0, "Nothing"),
    move("7", 1, "client", 9.0, "Erosion", question="erosion"),
]
SCENARIOS = [
    supposed("4", "review", "attrition", 0.2, 0.15),
    supposed("4", "review", "erosion", 0.16, 0.17),
    supposed("4", "call", "attrition", 0.2, 0.21),
    supposed("1", "call", "attrition", 0.05, 0.04),
]


@pytest.fixture
def pages(reported):
    index = reported(moves=MOVES, scenarios=SCENARIOS)
    names = ("advisor-001.html", "advisor-002.html")
    return {
        language: [(index.directory / language / name).read_text(encoding="utf-8") for name in names]
        for language in ("en", "fr")
    }


def sheet_of(pages, name):
    found = [part for page in pages for part in page.split("<article")[1:] if name in part.partition("</h3>")[0]]
    assert len(found) == 1
    return html.unescape(found[0])


def test_a_sheet_says_since_when_by_how_much_and_why(pages):
    told = sheet_of(pages["en"], "{{7*7}}")
    assert "Since November 2023: +2.1 points, because: <b>Assets</b> moved (+3.0 points) · WWW" in told
    assert "W" * LONGEST not in told  # cut
    assert "Model moved" not in told  # against the direction of the whole
    french = sheet_of(pages["fr"], "{{7*7}}").replace("\u00a0", " ")
    assert "Depuis novembre 2023 : +2,1 points, car : <b>Assets</b> a bougé (+3,0 points)" in french
    assert "New moved" in sheet_of(pages["en"], "Anne")
    assert not any("Nothing moved" in page or "Erosion moved" in page for page in pages["en"])
    assert all("<b>Assets" not in page for page in pages["en"])  # in the file it is text, not a tag


def test_a_sheet_lists_what_the_model_would_answer_and_promises_nothing(pages):
    told = sheet_of(pages["en"], "{{7*7}}")
    assert "The model's answer if… (no promise)" in told.replace("’", "'")
    table = told.partition('<table class="supposed">')[2].partition("</table>")[0]
    rows = [row for row in table.split("<tr") if "<held>" in row]
    assert ["review" in row for row in rows] == [True, False]  # what lowers the risk most comes first
    assert "15.0%" in rows[0]
    assert "−5.0 points" in rows[0]
    assert "17.0%" in rows[0]  # of money that leaves
    assert "21.0%" in rows[1]
    assert '<table class="supposed">' not in sheet_of(pages["en"], "Zoé Martin")


def test_scores_of_before_there_were_moves_are_read_without_any(scores):
    path = scores(moves=MOVES, scenarios=SCENARIOS)
    with duckdb.connect(str(path)) as older:
        for name in ("score_moves", "score_scenarios"):
            older.execute(f"DROP VIEW current_{name}; DROP TABLE {name}")
    published = read_published(path, Month.parse(MONTH))
    assert not published.moves.since
    assert not published.moves.supposed
