"""Reading published scores: the right run, the best offers, the models' notes, and plain refusals."""

import duckdb
import pytest

from appetence.errors import PublicationError
from appetence.months import Month
from appetence.reports.data import OFFERS_SHOWN, read_published

MONTH = Month.parse("2023-12")


def offer(
    client_id: str,
    product_id: str,
    probability: float,
    worth: float | None,
    modelled: bool = True,
    purchase: str = "first",
) -> dict:
    row = {"client_id": client_id, "product_id": product_id, "probability": probability, "expected_value": worth}
    return row | {"rank": 1, "modelled": modelled, "purchase": purchase}


def reason(client_id: str, question: str) -> dict:
    told = {"theme": "t", "points": 1.0, "actionable": False, "text_en": "x", "text_fr": "x"}
    return {"client_id": client_id, "question": question, "rank": 0, **told}


def test_a_revised_month_shows_its_newest_run_only(scores):
    scores()
    published = read_published(scores(run_id="run-2", reasons=[]), MONTH)
    assert published.run.run_id == "run-2"
    assert published.clients.num_rows == 8
    assert published.reasons.num_rows == 0


def test_the_best_offers_are_modelled_and_worth_most(scores):
    offers = [
        offer("1", "base", 0.5, 900.0, modelled=False),
        offer("1", "small", 0.9, 5.0),
        offer("1", "large", 0.1, 50.0),
        offer("1", "unknown", 0.8, None),
        offer("2", "small", 0.1, 1.0),
    ]
    published = read_published(scores(offers=offers, reasons=[]), MONTH)
    found = [row["product_id"] for row in published.offers.to_pylist() if row["client_id"] == "1"]
    assert found == ["large", "small", "unknown"]
    assert len(found) == OFFERS_SHOWN
    small = next(row for row in published.products.to_pylist() if row["product_id"] == "small")
    assert (small["eligible"], small["buyers"], small["average"], small["value"]) == (2, 1.0, 0.5, 6.0)


def test_another_contract_has_an_average_of_its_own_and_the_reasons_of_its_question(scores):
    offers = [
        offer("1", "P", 0.4, 5.0, purchase="again"),
        offer("2", "P", 0.2, 9.0, purchase="again"),
        offer("3", "P", 0.1, 1.0),
    ]
    told = [reason(client, question) for client in "13" for question in ("buy:P", "rebuy:P")]
    published = read_published(scores(offers=offers, reasons=told), MONTH)
    found = {(row["product_id"], row["purchase"]): row["average"] for row in published.products.to_pylist()}
    assert found == {("P", "again"): pytest.approx(0.3), ("P", "first"): 0.1}
    told_of = {(row["client_id"], row["question"]) for row in published.reasons.to_pylist()}
    assert told_of == {("1", "rebuy:P"), ("3", "buy:P")}


def test_a_database_of_before_there_were_other_purchases_is_read_as_first_ones(scores):
    path = scores(offers=[offer("1", "P", 0.4, 5.0)])
    with duckdb.connect(str(path)) as older:
        older.execute("ALTER TABLE appetence_scores DROP COLUMN purchase")
    assert read_published(path, MONTH).offers["purchase"].to_pylist() == ["first"]


def test_reasons_come_with_their_offers_and_in_order_of_rank(scores):
    published = read_published(scores(), MONTH)
    of_third = [row for row in published.reasons.to_pylist() if row["client_id"] == "3"]
    assert [row["question"] for row in of_third] == ["attrition"] * 4 + ["buy:Q"] * 3 + ["erosion"] * 4
    points = [row["points"] for row in of_third]
    assert points == [4.0, 3.0, -1.0, 9.0, 1.0, 0.5, 1.5, 9.0, 2.5, -2.5, 3.0]
    assert read_published(scores(offers=[], run_id="run-2"), MONTH).reasons.num_rows == 8 * 4 + 6 * 4


def test_a_score_of_a_persons_credit_is_no_matter_of_the_reports(scores):
    asked = [
        {"client_id": "1", "question": q, "probability": 0.2, "modelled": True} for q in ("moves", "credit_default")
    ]
    told = [reason("1", q) for q in ("moves", "credit_default")]
    published = read_published(scores(answers=asked, offers=[], reasons=told), MONTH)
    assert published.questions["question"].to_pylist() == ["moves"]
    assert published.reasons["question"].to_pylist() == ["moves"]


def test_what_is_said_of_models(scores):
    models = {
        "attrition": {"refused": "nobody left", "refused_fr": "personne n'est parti"},
        "buy:P": {"kind": "constant", "verdict": "31 buyers", "version": "2"},
        "buy:Q": {"refused": "one product only"},
        "buy:R": {"kind": "classifier", "verdict": None},
        "buy:S": {"alias": "fallback", "verdict": "Does not beat the base rate."},
        "buy:T": {"alias": "champion", "verdict": "Beats it."},
    }
    notes = read_published(scores(models=models), MONTH).run.models
    assert {q: note.kind for q, note in notes.items()} == {
        "attrition": "refused",
        "buy:P": "constant",
        "buy:Q": "refused",
        "buy:R": "classifier",
        "buy:S": "fallback",
        "buy:T": "classifier",
    }
    assert notes["attrition"].text("fr") == ("personne n'est parti", "fr")
    assert notes["attrition"].text("en") == ("nobody left", "en")
    assert notes["buy:P"].text("fr") == ("31 buyers", "en")
    assert notes["buy:Q"].text("en") == ("one product only", "en")
    assert notes["buy:R"].text("fr") == ("", "en")


def test_the_run_tells_its_tiers_and_its_models_horizons(scores):
    run = read_published(scores(settings={"scoring": {"high": 0.1}}), MONTH).run
    assert run.horizons == {"attrition": 6, "buy": 3, "erosion": 4}
    assert run.shares == {"high": 0.1}
    told = {"attrition": {"horizon": 6}, "buy:P": {"horizon": 3}, "buy:Q": {"horizon": 3}, "buy:R": {"refused": "one"}}
    assert read_published(scores(models=told, settings={}, run_id="run-2"), MONTH).run.horizons == {
        "attrition": 6,
        "buy": 3,
    }
    told["buy:Q"] = {"horizon": 4}
    assert read_published(scores(models=told, settings={}, run_id="run-3"), MONTH).run.horizons == {"attrition": 6}
    assert (run.objected, run.code_version, run.month) == (4, "1.2.3", MONTH)


def test_what_is_not_there_is_refused(scores, tmp_path):
    with pytest.raises(PublicationError, match="nothing for 2023-11"):
        read_published(scores(), Month.parse("2023-11"))
    with pytest.raises(PublicationError, match="no file"):
        read_published(tmp_path / "none.duckdb", MONTH)
    (tmp_path / "text.duckdb").write_text("not a database, by any means")
    with pytest.raises(PublicationError, match="must be readable"):
        read_published(tmp_path / "text.duckdb", MONTH)


def test_reading_changes_nothing(scores):
    path = scores()
    before = path.read_bytes()
    read_published(path, MONTH)
    assert path.read_bytes() == before


CALLS = {"calls": {"alias": "champion", "horizon": 3, "verdict": "good", "label_en": "Calls", "label_fr": "Appelle"}}


def answer(client_id: str, question: str, probability: float) -> dict:
    return {"client_id": client_id, "question": question, "probability": probability, "modelled": True}


def test_a_firms_own_questions_come_with_their_reasons_and_names(scores, reasons):
    answers = [answer("2", "calls", 0.2), answer("1", "calls", 0.1)]
    published = read_published(scores(answers=answers, reasons=reasons("1", "calls", 4.0, 6.0), models=CALLS), MONTH)
    assert [row["client_id"] for row in published.questions.to_pylist()] == ["1", "2"]
    assert [row["points"] for row in published.reasons.to_pylist()] == [4.0, 6.0]
    note = published.run.models["calls"]
    assert (note.labels, note.horizon) == ({"en": "Calls", "fr": "Appelle"}, 3)


def test_a_database_of_before_there_were_such_questions_is_read_and_not_changed(scores):
    path = scores()
    with duckdb.connect(str(path)) as connection:
        connection.execute("DROP VIEW current_question_scores; DROP TABLE question_scores")
    before = path.read_bytes()
    published = read_published(path, MONTH)
    assert published.questions.num_rows == 0
    assert published.clients.num_rows == 8
    assert path.read_bytes() == before
