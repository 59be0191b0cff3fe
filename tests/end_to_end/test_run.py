"""The main job from a firm's tables to scores and reports."""

import datetime as dt
import json
import re
import shutil
import unicodedata
from pathlib import Path

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest
from typer.testing import CliRunner

from appetence.cli import app
from appetence.config import load_config
from appetence.errors import ArtefactError, PublicationError, UsageError
from appetence.run import report_month, run_all, score_month, write_features, write_model_card
from appetence.scoring.explanation import explain_client


def query(firm, sql):
    with duckdb.connect(str(firm.config.scoring.database), read_only=True) as connection:
        return connection.sql(sql).to_arrow_table().to_pandas()


def test_the_first_run_does_everything(firm):
    outcome = firm.first
    assert outcome.simulated
    assert outcome.checked.ok
    assert outcome.scored.published
    assert outcome.scored.month == "2023-06"
    assert all(finding.passed for finding in outcome.scored.audit)
    assert set(outcome.reports) == {"fr", "en"}
    assert all(path.is_file() for path in outcome.reports.values())
    text = "\n".join(outcome.lines())
    assert str(firm.config.scoring.database) in text
    assert "made up by the simulator" in text


def test_the_second_run_is_nothing_to_do(firm):
    before = {path: path.stat().st_mtime_ns for path in firm.root.rglob("*.html")}
    again = run_all(firm.config, None)
    assert not again.changed
    assert next(iter(again.lines())).startswith("Nothing to do")
    assert {path: path.stat().st_mtime_ns for path in firm.root.rglob("*.html")} == before
    assert len(query(firm, "SELECT * FROM score_runs WHERE month = '2023-06'")) == 1


def test_every_client_who_may_be_scored_is_and_no_other(firm):
    scored = set(query(firm, "SELECT client_id FROM current_client_scores")["client_id"])
    contracts = pq.read_table(firm.root / "book" / "contracts.parquet").to_pylist()
    consents = pq.read_table(firm.root / "book" / "consents.parquet").to_pylist()
    cut = dt.date(2023, 7, 1)
    holding = set()
    for row in contracts:
        known = (row["known_on"] or row["opened_on"]) < cut and row["opened_on"] < cut
        closed = row["closed_on"] is not None and row["closed_on"] < cut
        closing_known = closed and (row["closing_known_on"] or row["closed_on"]) < cut
        if known and not closing_known:
            holding.add(row["client_id"])
    newest = {}
    for row in sorted(consents, key=lambda row: row["known_on"]):
        if row["purpose"] == "profiling":
            newest[row["client_id"]] = row["granted"]
    objecting = {client for client, granted in newest.items() if not granted}
    assert objecting & holding
    assert scored == holding - objecting


def test_scores_are_probabilities_and_horizons_are_in_order(firm):
    scores = query(firm, "SELECT * FROM current_client_scores")
    curve = scores[["attrition_3m", "attrition_6m", "attrition_12m", "attrition_24m"]].to_numpy()
    assert ((curve > 0) & (curve < 1)).all()
    assert (np.diff(curve, axis=1) > 0).all()
    assert curve[:, 1] == pytest.approx(scores["attrition_probability"].to_numpy(), abs=1e-9)
    offers = query(firm, "SELECT * FROM current_appetence_scores")
    assert offers["probability"].between(0, 1).all()
    ranks = offers.sort_values(["client_id", "rank"]).groupby("client_id")
    assert all((np.diff(group) <= 0).all() for group in ranks["probability"].agg(list))
    assert (ranks["rank"].agg(list).map(lambda r: r == list(range(1, len(r) + 1)))).all()


def test_reasons_and_baseline_add_up_to_each_score(firm):
    told = query(firm, "SELECT client_id, question, sum(points) AS p FROM current_score_reasons GROUP BY ALL")
    told = told.set_index(["client_id", "question"])["p"]
    scores = query(firm, "SELECT * FROM current_client_scores").set_index("client_id")
    for question in ("attrition", "erosion"):
        points = told.xs(question, level="question")
        probability = scores[f"{question}_probability"].dropna()
        assert points.loc[probability.index].to_numpy() == pytest.approx(100 * probability.to_numpy(), abs=1e-9)
        assert len(points) == len(probability)
    offers = query(firm, "SELECT client_id, 'buy:' || product_id AS q, probability AS p FROM current_appetence_scores")
    expected = offers.set_index(["client_id", "q"])["p"]
    assert told.loc[expected.index].to_numpy() == pytest.approx(100 * expected.to_numpy(), abs=1e-9)
    own = query(firm, "SELECT client_id, question, probability AS p FROM current_question_scores")
    own = own.set_index(["client_id", "question"])["p"]
    assert told.loc[own.index].to_numpy() == pytest.approx(100 * own.to_numpy(), abs=1e-9)
    eroding = int(scores["erosion_probability"].notna().sum())
    assert len(told) == len(scores) + eroding + len(expected) + len(own)


def test_a_question_of_the_firms_own_is_asked_of_its_population_alone(firm):
    scores = query(firm, "SELECT client_id, question, probability, modelled FROM current_question_scores")
    assert set(scores["question"]) == {"draws_down"}
    assert scores["modelled"].all()
    assert scores["probability"].nunique() > 20
    clients = pq.read_table(firm.root / "book" / "clients.parquet").to_pylist()
    born = {row["client_id"]: row["birth_date"] for row in clients}
    asked = {client for client, day in born.items() if day is not None and day < dt.date(1983, 7, 1)}
    scored = set(query(firm, "SELECT client_id FROM current_client_scores")["client_id"])
    assert set(scores["client_id"]) == scored & asked
    assert 50 < len(scores) < len(scored)


def test_it_is_told_in_the_reports_the_card_and_the_explanation_as_the_firm_calls_it(firm, tmp_path):
    client = query(firm, "SELECT client_id FROM current_question_scores ORDER BY probability DESC LIMIT 1")
    told = explain_client(Path(firm.config.scoring.database), client["client_id"][0], None, "draws_down", "fr")
    assert len(told.questions["draws_down"]) > 2
    for language, label in (("en", "Draws &lt;down&gt;"), ("fr", "Puise &lt;dans son épargne&gt;")):
        folder = firm.first.reports[language].parent
        names = (folder / "index.html", *folder.glob("advisor-*.html"))
        pages = [path.read_text(encoding="utf-8") for path in names]
        assert len(pages) > 1
        assert all(label in page for page in pages)  # among the models
        sheets = re.findall(r"<li><p><strong><bdi>(.*?)</bdi>(.*?)</strong>", "".join(pages))
        horizon = {"en": " within 6 months", "fr": " d’ici 6\u00a0mois"}[language]
        assert (label, horizon) in sheets
    cards = [path.read_text(encoding="utf-8") for path in write_model_card(firm.config, "draws_down", None, tmp_path)]
    assert any("ce que l’établissement appelle" in card and "Puise &lt;dans son épargne&gt;" in card for card in cards)
    assert all("balances" in card and "INTERVAL 40 YEAR" in card for card in cards)


def test_a_champion_does_not_answer_another_question_of_the_same_name(firm, tmp_path, write_config):
    shutil.copytree(firm.root / "mlruns", tmp_path / "mlruns")
    changed = firm.config.questions[0].model_dump() | {"once": True}
    path = write_config(tmp_path, book={"directory": str(firm.root / "book")}, questions=[changed])
    with pytest.raises(ArtefactError, match=r"question 'draws_down' must answer what the config asks.*name of its own"):
        score_month(load_config(path), None, None)
    assert not (tmp_path / "scores.duckdb").exists()


def test_money_that_may_leave_is_told_of_whoever_holds_the_minimum(firm):
    """The least balance is 1,000; no more can be expected to leave than there is."""
    scores = query(
        firm, "SELECT client_id, erosion_probability AS p, expected_outflow AS out FROM current_client_scores"
    )
    contracts = pq.read_table(firm.root / "book" / "contracts.parquet").to_pandas()
    balances = pq.read_table(firm.root / "book" / "balances.parquet").to_pandas()
    products = pq.read_table(firm.root / "book" / "products.parquet").to_pandas()
    newest = balances[balances["month"].astype(str) == "2023-06-01"]
    opened = contracts["known_on"].fillna(contracts["opened_on"]).astype(str) < "2023-07-01"
    held = newest.merge(contracts[opened], "inner", "contract_id").merge(products, "inner", "product_id")
    money = held[held["family"] != "credit"].groupby("client_id")["balance"].sum().astype(float)
    base = scores["client_id"].map(money).fillna(0.0)
    assert scores["p"].notna().tolist() == (base >= 1000).tolist()
    told = scores["p"].notna()
    assert 0.3 < told.mean() < 0.95
    assert (scores["out"][told] > 0).all()
    assert (scores["out"][told] <= scores["p"][told] * base[told] + 1e-6).all()
    assert (scores["out"][told] >= 0.2 * scores["p"][told] * base[told] - 1e-6).all()


def test_nobody_is_offered_what_was_ever_held(firm):
    offers = query(firm, "SELECT client_id, product_id FROM current_appetence_scores")
    contracts = pq.read_table(firm.root / "book" / "contracts.parquet").to_pandas()
    held = set(zip(contracts["client_id"], contracts["product_id"], strict=True))
    cut = "2023-07-01"
    late = contracts[contracts["known_on"].fillna(contracts["opened_on"]).astype(str) >= cut]
    held -= set(zip(late["client_id"], late["product_id"], strict=True))
    assert not held & set(zip(offers["client_id"], offers["product_id"], strict=True))


def test_tiers_are_shares_of_the_book_and_follow_the_risk(firm):
    scores = query(firm, "SELECT attrition_tier AS tier, attrition_probability AS p FROM current_client_scores")
    shares = scores["tier"].value_counts(normalize=True)
    assert shares["high"] == pytest.approx(0.10, abs=0.01)
    assert shares["medium"] == pytest.approx(0.20, abs=0.01)
    groups = scores.groupby("tier")["p"]
    assert groups.min()["high"] >= groups.max()["medium"] >= groups.min()["medium"] >= groups.max()["low"]


def test_a_month_scored_again_without_all_later_facts_has_the_same_scores(firm, tmp_path, write_config):
    """Delete every fact of the last three months: nothing of an older month's scores may move."""
    month, cut = "2023-03", dt.date(2023, 4, 1)
    full = score_month(firm.config, month, None)
    book = tmp_path / "book"
    shutil.copytree(firm.root / "book", book, ignore=shutil.ignore_patterns("truth"))
    _forget_after(book, cut)
    shutil.copytree(firm.root / "mlruns", tmp_path / "mlruns")
    # where a refusal was told of the whole book, it is told of this one by the same training's models
    config = load_config(write_config(tmp_path, book={"directory": str(book)}))
    score_month(config, month, None)
    columns = (
        "client_id, attrition_12m, attrition_probability, erosion_probability, expected_outflow, past_profit, "
        "lifetime_value, potential"
    )
    sql = (
        f"SELECT {columns} FROM client_scores WHERE run_id = (SELECT run_id FROM publications WHERE month = '{month}')"
    )
    now = query(firm, sql + " ORDER BY client_id")
    with duckdb.connect(config.scoring.database, read_only=True) as connection:
        then = connection.sql(sql + " ORDER BY client_id").to_arrow_table().to_pandas()
    assert full.month == month
    assert len(now) > 300
    assert now.equals(then)


def _forget_after(book, cut):
    """Delete what was known at the cut or later, from the files, without our code."""
    happened = {"clients": "joined_on", "balances": "month", "defaults": "defaulted_on", "products": "launched_on"}
    clocks = {"contracts": ("known_on", "opened_on"), "interactions": ("known_on", "at")}
    clocks |= dict.fromkeys(("client_facts", "life_events"), ("known_on",))
    clocks |= {name: (column,) for name, column in happened.items()} | {"offers": ("made_on",)}
    for name, columns in clocks.items():
        path = book / f"{name}.parquet"
        table = pq.read_table(path)
        known = pc.coalesce(*(table[column] for column in columns))
        table = table.filter(pc.fill_null(pc.less(known, pa.scalar(cut)), name == "products"))
        if name == "contracts":
            closing = pc.coalesce(table["closing_known_on"], table["closed_on"])
            later = pc.fill_null(pc.greater_equal(closing, pa.scalar(cut)), False)
            for column in ("closed_on", "close_reason", "closing_known_on"):
                blank = pc.if_else(later, pa.nulls(len(table), table[column].type), table[column])
                table = table.set_column(table.schema.get_field_index(column), table.schema.field(column), blank)
        pq.write_table(table, path)


def test_other_data_need_a_reason_and_the_old_run_is_kept(firm, tmp_path, write_config):
    book = tmp_path / "book"
    shutil.copytree(firm.root / "book", book)
    shutil.copytree(firm.root / "mlruns", tmp_path / "mlruns")
    config = load_config(write_config(tmp_path, book={"directory": str(book)}))
    first = score_month(config, "2023-05", None)
    interactions = pq.read_table(book / "interactions.parquet")
    pq.write_table(interactions.slice(10), book / "interactions.parquet")
    with pytest.raises(PublicationError, match=r"another book.*--revise"):
        score_month(config, "2023-05", None)
    second = score_month(config, "2023-05", "ten interactions were wrong")
    assert second.run_id != first.run_id
    with duckdb.connect(config.scoring.database, read_only=True) as connection:
        runs = connection.execute("SELECT run_id, state, supersedes, why FROM score_runs ORDER BY run_id").fetchall()
        rows = connection.execute("SELECT DISTINCT run_id FROM client_scores ORDER BY run_id").fetchall()
    assert runs == [
        (first.run_id, "superseded", None, None),
        (second.run_id, "published", first.run_id, "ten interactions were wrong"),
    ]
    assert rows == [(first.run_id,), (second.run_id,)]


def test_a_month_without_data_is_refused_and_nothing_is_written(firm):
    before = len(query(firm, "SELECT * FROM score_runs"))
    with pytest.raises(UsageError, match="2023-06"):
        score_month(firm.config, "2031-01", None)
    assert len(query(firm, "SELECT * FROM score_runs")) == before


def test_the_feature_table_of_several_months_is_written_whole(firm, tmp_path):
    out = tmp_path / "features.parquet"
    rows, columns = write_features(firm.config, ["2023-05", "2023-06"], out)
    table = pq.read_table(out)
    assert table.shape == (rows, columns + 2)
    assert {str(cut) for cut in table["cut"].unique().to_pylist()} == {"2023-06-01", "2023-07-01"}
    assert list(tmp_path.iterdir()) == [out]


def test_reports_can_be_written_anew(firm):
    overview = report_month(firm.config, None)[0]
    page = overview.read_text(encoding="utf-8")
    assert firm.first.scored.run_id in page
    assert "Petite banque" in page


def test_personal_data_stay_out_of_mlflow(firm):
    """No name, and no id of a client, in any file of the store that is text."""
    clients = pq.read_table(firm.root / "book" / "clients.parquet").to_pylist()
    names = {row["name"] for row in clients if len(row["name"] or "") > 6}
    ids = {row["client_id"] for row in clients}
    texts = [
        path.read_text(encoding="utf-8")
        for path in (firm.root / "mlruns").rglob("*")
        if path.suffix in (".json", ".csv", ".txt", ".yaml", "") and path.is_file()
    ]
    assert len(texts) > 20
    assert not [name for name in names for text in texts if name in text]
    # as a whole word: the digits of an id do stand within some long decimal
    assert not ids & {word for text in texts for word in re.findall(r"[\w.]+", text)}


def topics_of(firm):
    return [json.loads(path.read_text()) for path in sorted((firm.root / "mlruns").rglob("topics.json"))]


def test_models_read_topics_of_words_that_many_clients_use_and_no_text_is_kept(firm):
    interactions = pq.read_table(firm.root / "book" / "interactions.parquet").to_pylist()
    names = [
        row["name"]
        for t in ("clients", "advisors")
        for row in pq.read_table(firm.root / "book" / f"{t}.parquet").to_pylist()
    ]
    named = {word for name in names for word in plain_words(name or "")}
    stored = topics_of(firm)
    assert stored
    for topics in stored:
        users = {word: set() for word in topics["words"]}
        for row in interactions:
            known = max(row["at"], row["known_on"] or row["at"]) < dt.date.fromisoformat(topics["known_before"])
            for word in plain_words(row["text"] or "") if known else ():
                users.get(word, set()).add(row["client_id"])
        assert min(map(len, users.values())) >= 20
        assert not named & set(topics["words"])
    texts = {row["text"] for row in interactions if len(row["text"] or "") > 12}
    for path in (firm.root / "mlruns").rglob("*"):
        if path.is_file() and path.suffix in (".json", ".csv", ".txt", ".yaml", ".db", ""):
            content = path.read_bytes().decode("utf-8", errors="replace")
            assert not [text for text in texts if text in content]


def plain_words(text):
    letters = unicodedata.normalize("NFKD", text.lower().replace("œ", "oe"))
    return re.findall("[a-z0-9]+", "".join(c for c in letters if not unicodedata.combining(c)))


def test_a_topic_that_moved_a_score_is_told_in_its_words(firm):
    told = query(firm, "SELECT * FROM current_score_reasons WHERE starts_with(feature, 'message_topic_')")
    spelt = {word for topics in topics_of(firm) for word in topics["spellings"]}
    assert len(told) > 10
    models = query(firm, "SELECT models FROM score_runs WHERE month = '2023-06'")["models"][0]
    assert "topics.json" in json.loads(models)["attrition"]["sha256"]  # other topics are another run
    assert (told["theme"] == "messages").all()
    for french, english in told[["text_fr", "text_en"]].drop_duplicates().to_numpy():
        if "ressemblent à" not in french:
            continue
        words = french.split("\u00a0: ")[1].split(" (intensité")[0].split(", ")
        assert set(words) <= spelt
        assert f"resemble: {', '.join(words)} (strength" in english


def test_a_firm_that_wants_no_message_read_is_not_scored_by_a_model_that_reads_them(firm, tmp_path, write_config):
    shutil.copytree(firm.root / "mlruns", tmp_path / "mlruns")
    off = write_config(tmp_path, book={"directory": str(firm.root / "book")}, features={"topics": {"enabled": False}})
    with pytest.raises(ArtefactError, match=r"must get the topics of messages.*switched off.*on again"):
        score_month(load_config(off), None, None)


def test_scoring_before_any_training_is_refused(firm, tmp_path, write_config):
    config = load_config(write_config(tmp_path, book={"directory": str(firm.root / "book")}))
    with pytest.raises(PublicationError, match=r"must be trained.*appetence train"):
        score_month(config, None, None)
    assert not (tmp_path / "scores.duckdb").exists()


def test_the_check_tells_every_mistake_of_the_firms_own_questions(firm, tmp_path, write_config):
    good = firm.config.questions[0].model_dump()
    wrong = [good | {"target": "SELECT client_id FROM balnces"}, good | {"name": "other", "population": "SELECT now()"}]
    path = write_config(tmp_path, book={"directory": str(firm.root / "book")}, questions=wrong)
    found = CliRunner().invoke(app, ["check", "--config", str(path)])
    assert found.exit_code == 1
    text = str(found.exception)
    assert "have 2 mistakes" in text
    assert "'balnces'. Did you mean 'balances'?" in text
    assert "the population of question 'other' must give the same rows on any day" in text
