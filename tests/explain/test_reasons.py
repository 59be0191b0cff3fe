"""Reasons, against a slow and obvious version and a client worked by hand."""

import math
from itertools import groupby

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from appetence.errors import AppetenceError
from appetence.explain.reasons import BASELINE, OTHER, SCHEMA, SMALLEST, strongest_reasons
from appetence.explain.wording import say
from appetence.features.catalogue import Feature, Theme, Unit, Wording
from appetence.scoring import tables

UNITS = (Unit.MONEY, Unit.SHARE, Unit.MONTHS, Unit.COUNT, Unit.FLAG, Unit.CODE, Unit.SCORE, Unit.YEARS)
THEMES = {name: Theme(name, name.title(), name.title(), name in "ac") for name in "abcd"}


def made_feature(j: int) -> Feature:
    english = Wording(f"Feature {j}", f"Feature {j} is {{value}}", noun=("thing", "things"))
    french = Wording(f"Variable {j}", f"Variable {j} : {{value}}", noun=("chose", "choses"))
    return Feature(f"f{j}", "group", "abcd"[j % 4], UNITS[j % len(UNITS)], english, french)


def made_column(unit: Unit, n: int, rng: np.random.Generator) -> pa.Array:
    known = rng.random(n) < 0.8
    if unit is Unit.CODE:
        raw, type_ = rng.choice(["branch", "phone", "own_code"], n), pa.string()
    elif unit is Unit.FLAG:
        raw, type_ = rng.random(n) < 0.5, pa.bool_()
    else:
        raw, type_ = rng.normal(size=n).round(2) * 100, pa.float64()
    return pa.array([value.item() if there else None for value, there in zip(raw, known, strict=True)], type_)


def made_case(n: int, f: int, seed: int, baseline: float = 0.1):
    rng = np.random.default_rng(seed)
    features = [made_feature(j) for j in range(f)]
    values = pa.table({x.name: made_column(x.unit, n, rng) for x in features}) if f else pa.table({"none": [0] * n})
    points = rng.normal(scale=0.02, size=(n, f)) * (rng.random((n, f)) < 0.6)
    return features, values, points, baseline + points.sum(axis=1)


def by_client(table: pa.Table) -> dict[str, list[dict]]:
    return {client: list(rows) for client, rows in groupby(table.to_pylist(), key=lambda row: row["client_id"])}


def slow_reasons(row, features, values, i, k):
    """One client's reasons by dictionaries and loops: theme, feature, points."""
    sums = {}
    for j, feature in enumerate(features):
        sums[feature.theme] = sums.get(feature.theme, 0.0) + row[j]
    found = []
    for theme, total in sorted(sums.items(), key=lambda item: -abs(item[1]))[:k]:
        if abs(100 * total) >= SMALLEST:
            members = [j for j, feature in enumerate(features) if feature.theme == theme]
            speaker = max(members, key=lambda j: row[j] * math.copysign(1, total))
            found.append((theme, features[speaker], 100 * total, values.column(features[speaker].name)[i].as_py()))
    return found


@settings(deadline=None, max_examples=40)
@given(st.integers(1, 12), st.integers(0, 14), st.integers(1, 6), st.integers(0, 10_000))
def test_the_reasons_are_those_of_the_slow_version_and_add_up(n, f, k, seed):
    features, values, points, probability = made_case(n, f, seed)
    ids = [f"{i:04d}" for i in range(n)]
    table = strongest_reasons(ids, points, features, values, THEMES, probability=probability, baseline=0.1, k=k)
    assert table.schema == SCHEMA
    found = by_client(table)
    assert list(found) == ids
    for i, rows in enumerate(found.values()):
        assert [row["rank"] for row in rows] == list(range(len(rows)))
        assert (rows[0]["theme"], rows[-1]["theme"]) == (BASELINE, OTHER)
        assert rows[0]["points"] == pytest.approx(10)
        assert sum(row["points"] for row in rows) == pytest.approx(100 * probability[i], abs=1e-9)
        expected = slow_reasons(points[i], features, values, i, k)
        assert [row["theme"] for row in rows[1:-1]] == [theme for theme, *_ in expected]
        for row, (theme, feature, total, value) in zip(rows[1:-1], expected, strict=True):
            assert row["feature"] == feature.name
            assert row["points"] == pytest.approx(total)
            assert row["actionable"] == THEMES[theme].actionable
            assert row["text_en"] == say(feature, value, "en")
            assert row["text_fr"] == say(feature, value, "fr")
            assert (row["value"] is None) == (value is None)


def test_a_client_worked_by_hand():
    erosion = Feature(
        "assets_change_6m",
        "balances",
        "c",
        Unit.SHARE,
        Wording("Change of assets", "Assets rose by {value}", "Assets fell by {value} in 6 months"),
        Wording("Évolution", "Les encours ont augmenté de {value}", "Les encours ont baissé de {value} en 6 mois"),
    )
    level = Feature("assets", "balances", "c", Unit.MONEY, Wording("Assets", "{value}"), Wording("Encours", "{value}"))
    income = Feature(
        "income", "person", "b", Unit.MONEY, Wording("Income", "{value}"), Wording("Revenu déclaré", "{value}")
    )
    values = pa.table(
        {"assets_change_6m": [-0.32], "assets": [12_400.0], "income": pa.array([None], pa.float64()), "extra": ["x"]}
    )
    points = np.array([[0.09, -0.02, 0.01]])
    table = strongest_reasons(
        ["0012"], points, [erosion, level, income], values, THEMES, probability=np.array([0.13]), baseline=0.05
    )
    shown = [(r["rank"], r["theme"], r["feature"], round(r["points"], 9), r["actionable"]) for r in table.to_pylist()]
    assert shown == [
        (0, "baseline", None, 5.0, False),
        (1, "c", "assets_change_6m", 7.0, True),
        (2, "b", "income", 1.0, False),
        (3, "other", None, 0.0, False),
    ]
    assert [text.replace("\N{NO-BREAK SPACE}", " ") for text in table["text_fr"].to_pylist()] == [
        "Niveau attendu pour tout client du portefeuille",
        "Les encours ont baissé de 32 % en 6 mois",
        "Revenu déclaré : non renseigné",
        "Tous les autres motifs réunis",
    ]
    assert table["value"].to_pylist() == [None, "-0.32", None, None]


def test_a_theme_speaks_through_a_feature_that_pulls_its_way():
    features, values, _, _ = made_case(1, 9, seed=1)  # features 0, 4 and 8 share a theme
    points = np.zeros((1, 9))
    points[0, [0, 4, 8]] = 0.05, -0.06, 0.04
    table = strongest_reasons(["1"], points, features, values, THEMES, probability=np.array([0.13]), baseline=0.1)
    assert table["feature"].to_pylist() == [None, "f0", None]


def test_what_moves_nothing_is_no_reason():
    features, values, points, _ = made_case(3, 8, seed=2)
    table = strongest_reasons(
        list("abc"), 0 * points, features, values, THEMES, probability=np.full(3, 0.1), baseline=0.1
    )
    assert table["theme"].to_pylist() == [BASELINE, OTHER] * 3


def test_points_and_values_must_match():
    features, values, points, probability = made_case(3, 8, seed=2)
    with pytest.raises(AppetenceError, match="a row per client and a column per feature"):
        strongest_reasons(list("ab"), points, features, values, THEMES, probability=probability, baseline=0.1)
    points[0, 0] = np.nan
    with pytest.raises(AppetenceError, match="must be finite"):
        strongest_reasons(list("abc"), points, features, values, THEMES, probability=probability, baseline=0.1)


def test_the_columns_are_those_of_the_score_table():
    columns = {field.name: field.type for field in tables.SCORE_REASONS.schema}
    assert {field.name: field.type for field in SCHEMA}.items() <= columns.items()
