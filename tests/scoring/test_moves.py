"""Two months of a small firm: why scores moved, and what would move them, against slow and obvious ways to find out."""

import datetime as dt
import shutil
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from scipy.special import expit, logit

from appetence.book import open_book
from appetence.book.simulate import simulate
from appetence.config import BookSettings, Config, FeatureSettings, ScenarioSettings, SimulateSettings, TrackingSettings
from appetence.errors import PublicationError
from appetence.explain.scenarios import Supposition, supposed_fact
from appetence.features.pipeline import build_features
from appetence.features.population import population
from appetence.models import registry
from appetence.models.artefact import Artefact, Contract, Origins
from appetence.models.classifier import PropensityClassifier
from appetence.models.golden import make_golden
from appetence.models.registry import ModelRef, model_name
from appetence.models.tracking import FALLBACK, RunRecord, TrackingStore
from appetence.models.verdicts import Verdict
from appetence.months import Month
from appetence.scoring.explanation import explain_client
from appetence.scoring.job import run_job
from appetence.scoring.scenarios import Supposed
from appetence.scoring.sink_duckdb import DuckdbSink
from appetence.scoring.what_if import what_if

BEFORE, NOW = "2022-04", "2022-05"
CUTS = (dt.date(2022, 5, 1), dt.date(2022, 6, 1))
FEATURES = FeatureSettings(groups=("tenure", "holdings", "interactions", "household"))
VERDICT = Verdict("made for a test", "fait pour un test")


def artefact(X: pd.DataFrame, y: np.ndarray, **parameters) -> Artefact:
    """A classifier of leaving, calibrated, so that slope and intercept are its own."""
    half = len(X) // 2
    classifier = PropensityClassifier(max_rounds=15, n_jobs=1, **parameters).fit(X[:half], y[:half])
    classifier.calibrate(X[half:], y[half:])
    origins = Origins(
        code_version="0", fitted_on=(), calibrated_on=(), label_window="6 months", book_fingerprint="f" * 64
    )
    contract = Contract(
        kind="classifier",
        question="attrition",
        product_id=None,
        horizon=6,
        gap=0,
        features=tuple(X.columns),
        classifier=classifier.to_parts()[1],
        probability=None,
        origins=origins,
        metrics={},
        verdict="",
    )
    return Artefact(contract, make_golden(classifier, X, seed=3), classifier)


@pytest.fixture(scope="module")
def firm(tmp_path_factory):
    """A book of 18 months, two versions of a model of leaving, and the earlier month scored with the first one."""
    root = tmp_path_factory.mktemp("moves")
    simulate(SimulateSettings(clients=250, months=18, first_month="2021-01", seed=4), root / "book")
    with open_book(BookSettings(directory=str(root / "book"))) as book:
        X = build_features(book, population(book, [dt.date(2021, 12, 1), dt.date(2022, 3, 1)]), FEATURES).frame()
    rng = np.random.default_rng(5)
    # reviews and holdings keep clients, in these labels: so the models have something to answer
    told = X["months_since_review"].fillna(24) / 12 - X["contracts_held"] + X["household_members"].fillna(1)
    made = [(rng.random(len(X)) < expit(told - 1 + shift)).astype(int) for shift in (0, 0.5)]
    store = TrackingStore(TrackingSettings(directory=str(root / "mlruns")), "small")
    refs = [
        put(store, artefact(X, made[0])),
        put(store, artefact(X, made[1], learning_rate=0.2)),
    ]
    path = root / "scores.duckdb"
    with pytest.MonkeyPatch.context() as patch:
        # a process of its own for each model takes seconds, and is tested in tests/models/test_registry.py
        patch.setattr(registry, "try_in_another_process", lambda _: None)
        score(root / "book", path, BEFORE, refs[0], store, 0)
        yield SimpleNamespace(root=root, path=path, store=store, refs=refs)


def put(store: TrackingStore, made: Artefact) -> ModelRef:
    with store.run(RunRecord("attrition")) as run_id:
        stored = store.register(model_name("small", "attrition"), made, run_id)
    store.approve(stored, FALLBACK, "rule", VERDICT)
    return ModelRef("attrition", FALLBACK, replace(stored, approved_at="now"))


def config(path, looked_at: int) -> Config:
    return Config(
        name="small",
        book={"directory": "unused"},
        features=FEATURES,
        scoring={"database": str(path)},
        reports={"directory": "unused"},
        scenarios={"clients": looked_at},
    )


def score(book, path, month, ref, store, looked_at=0):
    with open_book(BookSettings(directory=str(book))) as opened:
        return run_job(config(path, looked_at), opened, {"attrition": ref}, {}, month, None, store=store)


def scored(firm, tmp_path, ref, book=None, store="the firm's", looked_at=0):
    """Score the later month into a copy of the firm's scores; return its moves and the two publications."""
    path = tmp_path / "scores.duckdb"
    shutil.copyfile(firm.path, path)
    score(book or firm.root / "book", path, NOW, ref, firm.store if store == "the firm's" else store, looked_at)
    with DuckdbSink(path) as sink:
        moves = sink.query("SELECT * FROM current_score_moves ORDER BY client_id, rank").to_pandas()
        probability = {
            month: sink.query(
                "SELECT client_id, attrition_probability AS p FROM client_scores WHERE month = ?", [month]
            ).to_pandas()
            for month in (BEFORE, NOW)
        }
    return SimpleNamespace(
        path=path,
        moves=moves,
        **{k: v.set_index("client_id")["p"] for k, v in zip(("then", "now"), probability.values(), strict=True)},
    )


def added_up(found):
    points = found.moves[found.moves["part"] != "new"].groupby("client_id")["points"].sum()
    both = found.then.index.intersection(found.now.index)
    assert set(points.index) == set(both)
    np.testing.assert_allclose(points[both], 100 * (found.now[both] - found.then[both]), rtol=0, atol=1e-9)
    assert set(found.moves.loc[found.moves["part"] == "new", "client_id"]) == set(found.now.index) - set(both)


def test_the_first_month_has_nothing_to_compare_with_and_says_so(firm):
    with DuckdbSink(firm.path) as sink:
        assert len(sink.query("SELECT * FROM score_moves")) == 0
        client = sink.query("SELECT min(client_id) AS c FROM client_scores")["c"][0].as_py()
    told = "\n".join(explain_client(firm.path, client, None, None, "fr").lines())
    assert "premier mois publié" in told


def test_with_the_same_model_all_comes_from_the_client(supposed):
    found = supposed
    added_up(found)
    assert set(found.moves["part"]) == {"client", "rest", "new"}
    assert (found.moves["against_month"] == BEFORE).all()
    client = found.moves.loc[found.moves["part"] == "client", "client_id"].iloc[0]
    told = explain_client(found.path, client, None, "attrition", "en")
    assert told.as_dict()["questions"]["attrition"]["moves"][0]["part"] == "client"
    assert any(line.strip().startswith("since April 2022:") for line in told.lines())


def test_with_another_model_the_steps_are_what_the_two_models_answer(firm, tmp_path):
    """Against the models' own answers, one client at a time: before, after, and each change by itself."""
    found = scored(firm, tmp_path, firm.refs[1])
    added_up(found)
    old, new = registry.load_versions(firm.refs)
    with open_book(BookSettings(directory=str(firm.root / "book"))) as book:
        both = found.then.index.intersection(found.now.index)
        spine = pa.table(
            {"client_id": [c for c in both for _ in CUTS], "cut": pa.array([*CUTS] * len(both), pa.date32())}
        )
        rows = build_features(book, spine, FEATURES).frame()[list(old.features)]
    x0, x1 = rows.iloc[::2], rows.iloc[1::2]
    a0, b0 = old.classifier.calibration_.slope, old.classifier.calibration_.intercept
    a1, b1 = new.classifier.calibration_.slope, new.classifier.calibration_.intercept
    start, end = logit(found.then[both].to_numpy()), logit(found.now[both].to_numpy())
    f0 = old.classifier.decision_function
    g1 = (new.classifier.decision_function(x1) - b1) / a1
    client = f0(x1) - f0(x0)
    model = a0 * (g1 - (f0(x1) - b0) / a0)
    calibration = end - (a0 * g1 + b0)
    assert np.abs(f0(x0) - start).max() < 1e-5  # the book tells the same of then: no facts
    slope = 100 * (expit(end) - expit(start)) / (end - start)
    told = found.moves.pivot_table(index="client_id", columns="part", values="points", aggfunc="sum").reindex(both)
    assert "facts" not in told
    for part, step in (("model", model), ("calibration", calibration)):
        seen = np.abs(step * slope) > 0.06
        assert seen.sum() > 20
        np.testing.assert_allclose(told[part][seen], (step * slope)[seen], rtol=0, atol=2e-3)
    # the client's themes, and what is too small to be listed
    rest = told["client"].fillna(0) + told["rest"].fillna(0)
    np.testing.assert_allclose(rest, client * slope, rtol=0, atol=0.11)
    texts = found.moves.loc[found.moves["part"] == "model", "text_fr"].unique().tolist()
    assert texts == ["Un autre modèle est utilisé (version 2 au lieu de 1)"]


def test_a_fact_learnt_late_is_a_part_of_its_own(firm, tmp_path):
    """A review of March that the firm entered after the scores of April, with the date at which it was known."""
    book = tmp_path / "book"
    shutil.copytree(firm.root / "book", book)
    table = pq.read_table(book / "interactions.parquet")
    with DuckdbSink(firm.path) as sink:
        clients = sink.query("SELECT client_id FROM client_scores ORDER BY client_id")["client_id"].to_pylist()[:80]
    late = [
        {**dict.fromkeys(table.schema.names), "interaction_id": f"late{n}", "client_id": c, "kind": "review"}
        | {"at": dt.date(2022, 3, 15), "known_on": dt.date(2022, 3, 15), "channel": "branch"}
        for n, c in enumerate(clients)
    ]
    pq.write_table(pa.concat_tables([table, pa.Table.from_pylist(late, table.schema)]), book / "interactions.parquet")
    found = scored(firm, tmp_path, firm.refs[0], book)
    added_up(found)
    facts = found.moves[found.moves["part"] == "facts"]
    assert len(facts) > 10
    assert facts["text_fr"].unique().tolist() == ["Faits antérieurs connus avec retard, ou corrigés depuis"]
    with open_book(BookSettings(directory=str(firm.root / "book"))) as opened:
        homes = dict(opened.execute(opened.table("clients").select("client_id", "household_id")).to_pandas().to_numpy())
    touched = {homes[c] for c in clients}
    assert all(homes[c] in touched for c in facts["client_id"])


def test_where_the_model_of_then_is_gone_only_the_total_is_told_and_why(firm, tmp_path):
    found = scored(firm, tmp_path, firm.refs[1], store=None)
    added_up(found)
    assert set(found.moves["part"]) == {"total", "new"}
    assert {text for text in found.moves["text_en"] if "score" not in text} == {
        "Only the whole difference is known: the model of then is not in the registry any more, or was never approved"
    }


def test_a_model_of_then_that_was_altered_is_not_loaded(firm, tmp_path):
    shutil.copytree(firm.root / "mlruns", tmp_path / "mlruns")
    store = TrackingStore(TrackingSettings(directory=str(tmp_path / "mlruns")), "small")
    stored = {one.version: one for one in store.versions(model_name("small", "attrition"))}
    path = stored[1].directory / "model.txt"
    assert tmp_path in path.parents
    path.write_text(path.read_text(encoding="utf-8") + "\n", encoding="utf-8")
    found = scored(firm, tmp_path, firm.refs[1], store=store)
    added_up(found)
    assert {text for text in found.moves["text_en"] if text.startswith("Only")} == {
        "Only the whole difference is known: the model of then is not what was approved, or cannot be read any more"
    }


@pytest.fixture(scope="module")
def supposed(firm, tmp_path_factory):
    """The later month with scenarios for forty clients."""
    return scored(firm, tmp_path_factory.mktemp("supposed"), firm.refs[0], looked_at=40)


def answers(path):
    with DuckdbSink(path) as sink:
        return sink.query("SELECT * FROM current_score_scenarios").to_pandas()


def test_scenarios_are_asked_of_those_who_will_be_looked_at(supposed):
    found = answers(supposed.path)
    with DuckdbSink(supposed.path) as sink:
        tiers = sink.query("SELECT client_id FROM current_client_scores WHERE attrition_tier <> 'low'").to_pandas()
    assert set(found["client_id"]) <= set(tiers["client_id"])
    assert found["client_id"].nunique() == 40
    assert set(found["scenario"]) == {"review", "call"}  # no product is scored: none can be proposed
    assert (found["points"].abs() > 0.05).any()
    client = found["client_id"][0]
    told = "\n".join(explain_client(supposed.path, client, None, "attrition", "fr").lines())
    assert "Un bilan réalisé" in told
    assert "aucun effet n’est promis" in told


def test_the_answer_is_that_of_a_book_which_holds_the_fact_and_nobody_else_moves(firm, supposed, tmp_path):
    """One client at a time, the review is written into the files of the book, and everyone is scored as ever."""
    found = answers(supposed.path)
    found = found[found["scenario"] == "review"].set_index("client_id")
    (model,) = registry.load_versions(firm.refs[:1])
    with open_book(BookSettings(directory=str(firm.root / "book"))) as book:
        homes = dict(book.execute(book.table("clients").select("client_id", "household_id")).to_pandas().to_numpy())
        table = book.execute(book.table("interactions"))
    shared = [c for c in found.index if sum(h == homes[c] for h in homes.values()) > 1]
    assert shared
    chosen = shared[0]
    scenario = ScenarioSettings().each[0]
    _, row = supposed_fact(scenario, Supposition(chosen), 0, CUTS[1])
    shutil.copytree(firm.root / "book", tmp_path / "book")
    with_it = pa.Table.from_pylist([{**dict.fromkeys(table.schema.names), **row}], table.schema)
    pq.write_table(pa.concat_tables([table, with_it]), tmp_path / "book" / "interactions.parquet")
    with open_book(BookSettings(directory=str(tmp_path / "book"))) as book:
        spine = population(book, [CUTS[1]])
        p = pd.Series(model.predict(build_features(book, spine, FEATURES).frame()), spine["client_id"].to_pandas())
    assert p[chosen] == pytest.approx(found["probability_after"][chosen], abs=1e-12)
    others = [c for c in found.index if homes[c] != homes[chosen]]
    # a household's other members know of it in that book, and of nothing in the scenarios of their own
    assert p[others].to_numpy() == pytest.approx(found["probability_before"][others].to_numpy(), abs=1e-6)
    one_by_one = [c for c in shared if c != chosen and homes[c] == homes[chosen]]
    assert all(found["probability_before"][c] == supposed.now[c] for c in one_by_one)


def test_copies_of_clients_answer_as_the_clients_do(firm, supposed):
    """The way for firms with features of their own, one of a household at a time, gives the same to the last digit."""
    found = answers(supposed.path)
    clients = sorted(set(found["client_id"]))
    (model,) = registry.load_versions(firm.refs[:1])
    published = pa.table({"client_id": supposed.now.index.to_numpy(str), "probability": supposed.now.to_numpy()})
    with open_book(BookSettings(directory=str(firm.root / "book"))) as book:
        offers = pa.table({"client_id": ["x"], "purchase": ["first"]}).slice(1)
        asked = Supposed(book, CUTS[1], {"attrition": model}, {"attrition": published}, offers, FEATURES)
        reviews = [(ScenarioSettings().each[0], one) for one in asked.suppose(ScenarioSettings().each[0], clients)]
        waves = list(asked.in_waves(reviews))
    assert len(waves) > 1
    slow = {one.client_id: p for part, told in waves for (_, one), p in zip(part, told["attrition"], strict=True)}
    fast = found[found["scenario"] == "review"].set_index("client_id")["probability_after"]
    assert slow == fast.to_dict()


def test_asked_on_demand_the_models_of_the_month_answer_the_same(firm, supposed):
    found = answers(supposed.path)
    client = found["client_id"][0]
    with open_book(BookSettings(directory=str(firm.root / "book"))) as book:
        told = what_if(config(supposed.path, 0), book, firm.store, client, Month.parse(NOW)).to_pandas()
    published = found[found["client_id"] == client].set_index("scenario")["probability_after"]
    assert told.set_index("scenario")["probability_after"].to_dict() == published.to_dict()
    shown = explain_client(supposed.path, client, None, None, "en").asked_anew(told.to_dict("records"))
    assert len(shown.scenarios["attrition"]) == len(published)


def test_nobody_who_objects_is_asked_about(firm, supposed, tmp_path):
    client = answers(supposed.path)["client_id"][0]
    shutil.copytree(firm.root / "book", tmp_path / "book")
    table = pq.read_table(tmp_path / "book" / "consents.parquet")
    objects = {"client_id": client, "purpose": "profiling", "known_on": dt.date(2022, 6, 20), "granted": False}
    pq.write_table(
        pa.concat_tables([table, pa.Table.from_pylist([objects], table.schema)]), tmp_path / "book" / "consents.parquet"
    )
    with (
        open_book(BookSettings(directory=str(tmp_path / "book"))) as book,
        pytest.raises(PublicationError, match="must not object") as raised,
    ):
        what_if(config(supposed.path, 0), book, firm.store, client, Month.parse(NOW))
    assert client not in str(raised.value)
