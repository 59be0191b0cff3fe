"""Steps from one score to the next: against the models' own answers, and a slow way to list them."""

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.special import expit

from appetence.explain.moves import SMALLEST, Steps, Told, log_odds, steps_between, strongest_moves, uncalibrated
from appetence.features.catalogue import THEMES, Feature, Unit, Wording
from appetence.models.artefact import Artefact, Contract, Golden, Origins
from appetence.models.classifier import PropensityClassifier

WORDS = Wording("A", "A is {value}")
THEME_OF = ("contact", "assets", "assets", "tenure")
FEATURES = [Feature(name, "g", theme, Unit.SCORE, WORDS, WORDS) for name, theme in zip("abcd", THEME_OF, strict=True)]
TEXTS = {part: {"en": part, "fr": part} for part in ("facts", "model", "calibration", "rest")}


def an_artefact(seed: int, constant: float | None = None) -> Artefact:
    rng = np.random.default_rng(seed)
    classifier = None
    if constant is None:
        X = pd.DataFrame(rng.normal(size=(400, 4)), columns=list("abcd"))
        y = (rng.random(400) < expit(X["a"] * X["b"] - X["c"])).astype(int)
        classifier = PropensityClassifier(max_rounds=8, n_jobs=1).fit(X[:250], y[:250]).calibrate(X[250:], y[250:])
    contract = Contract(
        kind="constant" if classifier is None else "classifier",
        question="attrition",
        product_id=None,
        horizon=6,
        gap=0,
        features=() if classifier is None else tuple("abcd"),
        classifier=None if classifier is None else classifier.to_parts()[1],
        probability=constant,
        origins=Origins(
            code_version="0", fitted_on=(), calibrated_on=(), label_window="6 months", book_fingerprint="f" * 64
        ),
        metrics={},
        verdict="",
    )
    return Artefact(contract, Golden(rows={}, probabilities=[0.5]), classifier)


@pytest.fixture(scope="module")
def models():
    return [an_artefact(1), an_artefact(2), an_artefact(0, 0.2), an_artefact(0, 0.0)]


def odds(artefact, X):
    return log_odds(artefact.predict(X))


@pytest.mark.parametrize("first", range(4))
@pytest.mark.parametrize("second", range(4))
def test_the_steps_lead_from_one_score_to_the_other(models, first, second):
    """Whatever the models are, base rates and certainties included, and whatever was published before."""
    earlier, later = models[first], models[second]
    rng = np.random.default_rng(7)
    n = 9_000  # more than a block
    frame = pd.DataFrame(rng.normal(size=(2 * n, 4)), columns=list("abcd"))
    order = rng.permutation(2 * n)
    old, new = order[:n], order[n:]
    before, now = rng.random(n), later.predict(frame.iloc[new])
    answers = None if later is earlier else uncalibrated(later, frame.iloc[new])
    blocks = list(steps_between(earlier, frame, old, new, before, now, answers))
    assert [len(block.start) for block in blocks] == [8_192, n - 8_192]
    steps = Steps(*(np.concatenate([getattr(b, name) for b in blocks]) for name in Steps.__dataclass_fields__))
    np.testing.assert_allclose(steps.start + steps.facts, odds(earlier, frame.iloc[old]), atol=1e-5)
    through = steps.start + steps.facts + steps.client.sum(axis=1)
    np.testing.assert_allclose(through, odds(earlier, frame.iloc[new]), atol=1e-5)
    if later is earlier:
        assert not steps.model.any()
        np.testing.assert_allclose(steps.calibration, 0, atol=1e-5)
    np.testing.assert_allclose(through + steps.model + steps.calibration, log_odds(now), atol=1e-9)
    facts, client, model, calibration = steps.points()
    np.testing.assert_allclose(facts + client.sum(axis=1) + model + calibration, 100 * (now - before), atol=1e-8)


numbers = st.floats(-5, 5).map(lambda x: round(x, 3))


@settings(max_examples=60, deadline=None)
@given(st.data(), st.integers(1, 6), st.integers(0, 3))
def test_what_is_listed_adds_up_and_is_what_a_slow_version_lists(data, n, k):
    draw = lambda *shape: data.draw(arrays(float, shape, elements=numbers))  # noqa: E731 - short and used five times
    steps = Steps(draw(n), draw(n), draw(n, 4), draw(n), draw(n))
    values = [
        pa.table(
            {
                name: pa.array(
                    data.draw(st.lists(st.sampled_from([1.0, 2.0, None]), min_size=n, max_size=n)), pa.float64()
                )
                for name in "abcd"
            }
        )
        for _ in range(2)
    ]
    end = expit(steps.start + steps.facts + steps.client.sum(axis=1) + steps.model + steps.calibration)
    difference = 100 * (end - expit(steps.start))
    told = Told(FEATURES, THEMES, TEXTS, 1, "EUR", k)
    clients = pa.array([f"c{i}" for i in range(n)])
    found = strongest_moves(clients, steps, *values, difference, told).to_pylist()
    facts, client, model, calibration = steps.points()
    for i in range(n):
        rows = [row for row in found if row["client_id"] == f"c{i}"]
        assert [row["rank"] for row in rows] == list(range(1, len(rows) + 1))
        assert sum(row["points"] for row in rows) == pytest.approx(difference[i], abs=1e-9)
        assert rows[-1]["part"] == "rest"
        themes = {theme: sum(client[i][j] for j in range(4) if THEME_OF[j] == theme) for theme in THEME_OF}
        strongest = sorted(themes, key=lambda theme: -abs(themes[theme]))[:k]
        listed = {row["theme"]: row for row in rows if row["part"] == "client"}
        assert set(listed) == {theme for theme in strongest if abs(themes[theme]) >= SMALLEST}
        for theme, row in listed.items():
            assert row["points"] == pytest.approx(themes[theme])
            changed = [
                j
                for j in range(4)
                if THEME_OF[j] == theme and values[0]["abcd"[j]][i].as_py() != values[1]["abcd"[j]][i].as_py()
            ]
            if changed:
                best = max(changed, key=lambda j: client[i][j] * np.sign(themes[theme]))
                assert client[i]["abcd".index(row["feature"])] == client[i][best]
                assert "a month earlier" in row["text_en"]
            else:
                assert row["feature"] is None
                assert "as before" in row["text_en"]
        others = {"facts": facts[i], "model": model[i], "calibration": calibration[i]}
        told_others = {row["part"]: row["points"] for row in rows if row["part"] in others}
        assert told_others == pytest.approx({name: p for name, p in others.items() if abs(p) >= SMALLEST})
