from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from appetence.errors import ArtefactError
from appetence.models.artefact import CONTRACT_FILE, GOLDEN_FILE, MODEL_FILE, TOPICS_FILE, Artefact


def fresh_rows(n: int = 500) -> pd.DataFrame:
    rng = np.random.default_rng(11)
    return pd.DataFrame(
        {
            "complained": rng.random(n) < 0.5,
            "unused": rng.random(n),
            "channel": pd.Series(rng.choice(["app", "branch", "fax"], n), dtype="str").where(rng.random(n) > 0.1),
            "balance": np.where(rng.random(n) < 0.3, np.nan, rng.lognormal(8, 2, n)),
            "tenure_months": rng.integers(0, 400, n).astype(float),
        }
    )


def edit(path: Path, change: Any) -> None:
    stored = json.loads(path.read_text())
    change(stored)
    path.write_text(json.dumps(stored))


def test_what_is_loaded_scores_as_what_was_saved_whatever_the_order_of_columns(artefact, saved):
    loaded = Artefact.load(saved)
    X = fresh_rows()
    np.testing.assert_allclose(loaded.predict(X), artefact.predict(X), rtol=0, atol=1e-12)
    expected = artefact.classifier.predict_proba(X[list(artefact.features)])[:, 1]
    np.testing.assert_array_equal(artefact.predict(X), expected)
    loaded.check_golden()
    assert (loaded.question, loaded.kind, loaded.horizon, loaded.gap) == ("attrition", "classifier", 6, 0)
    assert loaded.features == ("tenure_months", "balance", "channel", "complained")
    assert loaded.probability is None
    assert loaded.verdict == "beats its baselines"


def test_saving_twice_gives_the_same_bytes(saved, tmp_path):
    again = tmp_path / "again"
    again.mkdir()
    names = Artefact.load(saved).save(again)
    assert sorted(names) == sorted(path.name for path in saved.iterdir())
    for name in names:
        assert (again / name).read_bytes() == (saved / name).read_bytes()


def test_a_constant_is_two_files_and_one_probability(constant, tmp_path):
    assert sorted(constant.save(tmp_path)) == [CONTRACT_FILE, GOLDEN_FILE]
    loaded = Artefact.load(tmp_path)
    loaded.check_golden()
    assert loaded.probability == 0.0125
    assert loaded.predict(fresh_rows(3)).tolist() == [0.0125] * 3


def test_a_missing_feature_is_refused(artefact):
    with pytest.raises(ArtefactError, match=r"balance"):
        artefact.predict(fresh_rows().drop(columns="balance"))


def test_other_golden_probabilities_are_refused(saved):
    edit(saved / GOLDEN_FILE, lambda g: g["probabilities"].__setitem__(0, g["probabilities"][0] + 1e-7))
    with pytest.raises(ArtefactError, match="golden rows"):
        Artefact.load(saved).check_golden()


HOSTILE = {
    "unknown key": lambda c: c.update(extra=1),
    "missing key": lambda c: c.pop("horizon"),
    "text for a number": lambda c: c.update(horizon="6"),
    "a flag for a number": lambda c: c.update(gap=True),
    "horizon below 1": lambda c: c.update(horizon=0),
    "another format": lambda c: c.update(format=2),
    "constant with a classifier": lambda c: c.update(kind="constant"),
    "classifier without its contract": lambda c: c.update(classifier=None),
    "classifier with a probability": lambda c: c.update(probability=0.5),
    "classifier of another kind": lambda c: c.update(classifier=[1, 2]),
    "empty classifier": lambda c: c.update(classifier={}),
    "product on attrition": lambda c: c.update(product_id="x"),
    "question unknown": lambda c: c.update(question="Non sense; --"),
    "features in another order": lambda c: c.update(features=c["features"][::-1]),
    "a feature twice": lambda c: c.update(features=[*c["features"][:-1], c["features"][0]]),
    "a list for all": lambda c: c.clear(),
}


@pytest.mark.parametrize("change", HOSTILE.values(), ids=HOSTILE.keys())
def test_a_contract_that_is_not_one_is_refused(saved, change):
    edit(saved / CONTRACT_FILE, change)
    with pytest.raises(ArtefactError):
        Artefact.load(saved)


@pytest.mark.parametrize("content", [b"", b"[]", b"null", b"{", b"\xff\xfe{}", b"[" * 100_000])
@pytest.mark.parametrize("name", [CONTRACT_FILE, GOLDEN_FILE])
def test_files_that_are_no_contract_are_refused(saved, name, content):
    (saved / name).write_bytes(content)
    with pytest.raises(ArtefactError, match=name):
        Artefact.load(saved)


@pytest.mark.parametrize("name", [CONTRACT_FILE, GOLDEN_FILE, MODEL_FILE])
def test_a_missing_file_is_refused(saved, name):
    (saved / name).unlink()
    with pytest.raises(ArtefactError, match=f"must hold {name}"):
        Artefact.load(saved)


def paths_in(value: Any, path: tuple = ()) -> list[tuple]:
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [path, *(found for key, inner in items for found in paths_in(inner, (*path, key)))]


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_any_value_of_the_classifiers_contract_may_be_replaced_and_nothing_but_an_artefact_error_comes(saved, data):
    stored = json.loads((saved / CONTRACT_FILE).read_text())
    path = data.draw(st.sampled_from([p for p in paths_in(stored["classifier"]) if p]))
    junk = data.draw(st.sampled_from([None, "x", -1, 1e300, [], {}, True]))
    original = (saved / CONTRACT_FILE).read_text()
    place = stored["classifier"]
    for key in path[:-1]:
        place = place[key]
    place[path[-1]] = junk
    (saved / CONTRACT_FILE).write_text(json.dumps(stored))
    try:
        Artefact.load(saved).check_golden()
    except ArtefactError:
        pass
    finally:
        (saved / CONTRACT_FILE).write_text(original)


@pytest.fixture
def with_topics(topical, tmp_path) -> Path:
    topical.save(tmp_path)
    return tmp_path


def test_a_model_that_reads_topics_keeps_how_they_are_computed(topical, with_topics):
    loaded = Artefact.load(with_topics)
    loaded.check_golden()
    assert loaded.topics == topical.topics
    texts = ["Trop cher, ces frais ! Frais !", "", "une maison"]
    np.testing.assert_array_equal(loaded.topics.transform(texts), topical.topics.transform(texts))
    assert loaded.features[-2:] == loaded.topics.names() == ("message_topic_1", "message_topic_2")
    X = loaded.golden.frame()
    np.testing.assert_allclose(loaded.predict(X), topical.predict(X), rtol=0, atol=1e-12)


def test_a_model_without_topics_has_no_file_of_them(saved):
    assert not (saved / TOPICS_FILE).exists()
    assert Artefact.load(saved).topics is None


@pytest.mark.parametrize(
    "change",
    [
        lambda t: t.update(extra=1),
        lambda t: t.update(words=["<b>", *t["words"][1:]]),
        lambda t: t["components"].pop(),
        lambda t: t["components"].append(t["components"][0]),
        lambda t: t.update(known_before="2023-05-01"),
        lambda t: t["idf"].__setitem__(0, "1"),
        lambda t: t.clear(),
    ],
)
def test_topics_that_are_not_the_models_are_refused(with_topics, change):
    edit(with_topics / TOPICS_FILE, change)
    with pytest.raises(ArtefactError, match=TOPICS_FILE):
        Artefact.load(with_topics)


@pytest.mark.parametrize("content", [b"", b"[]", b"null", b"{", b"\xff\xfe{}", b"[" * 100_000, b" " * (4 * 2**20 + 1)])
def test_files_that_are_no_topics_are_refused(with_topics, content):
    (with_topics / TOPICS_FILE).write_bytes(content)
    with pytest.raises(ArtefactError, match=TOPICS_FILE):
        Artefact.load(with_topics)


def test_missing_topics_are_refused(with_topics):
    (with_topics / TOPICS_FILE).unlink()
    with pytest.raises(ArtefactError, match=f"must hold {TOPICS_FILE}"):
        Artefact.load(with_topics)
