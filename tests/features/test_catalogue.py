from __future__ import annotations

import re

import pytest

from appetence.config import GROUPS, CoverageTarget
from appetence.features.catalogue import THEMES, Shape, Unit, by_name, catalogue, column_part

SHAPE = Shape(
    ("credit", "savings", "FR-7"),
    (("pets", "number"), ("club", "text"), ("on", "date")),
    (CoverageTarget(segment="all", families=("savings",)),),
)
FEATURES = catalogue(shape=SHAPE)
each_feature = pytest.mark.parametrize("feature", FEATURES, ids=lambda feature: feature.name)


def test_names_are_unique_and_safe():
    assert len(by_name(FEATURES)) == len(FEATURES)
    assert all(re.fullmatch(r"[a-z][a-z0-9_]*", feature.name) for feature in FEATURES)


def test_groups_come_in_order_and_all_have_features():
    assert tuple(dict.fromkeys(feature.group for feature in FEATURES)) == GROUPS
    assert [f.group for f in catalogue(("calendar", "tenure"))] == ["tenure"] * 4 + ["calendar"] * 2


def test_every_theme_is_used():
    assert {feature.theme for feature in FEATURES} == set(THEMES)
    assert all(name == theme.name and theme.label_en and theme.label_fr for name, theme in THEMES.items())


@each_feature
def test_wording_is_complete_in_both_languages(feature):
    for wording in (feature.en, feature.fr):
        assert wording.label[0] == wording.label[0].upper()
        assert (wording.noun is not None) == (feature.unit is Unit.COUNT)
        says_value = feature.unit is not Unit.FLAG and feature.group != "calendar"
        assert wording.text.count("{value}") == says_value
        if wording.negative is not None:
            assert wording.negative.count("{value}") == 1
        for fixed in (wording.zero, wording.missing):
            assert fixed is None or "{" not in fixed
        sentences = [wording.text, wording.negative, wording.zero, wording.missing]
        assert len({s for s in sentences if s}) == sum(s is not None for s in sentences)
    for part in ("negative", "zero", "missing"):
        assert (getattr(feature.en, part) is None) == (getattr(feature.fr, part) is None)


@each_feature
def test_what_can_be_zero_or_unknown_has_a_sentence_for_it(feature):
    if feature.unit in (Unit.COUNT, Unit.MONEY, Unit.SHARE):
        assert feature.fr.zero or feature.fr.missing
    if feature.unit is Unit.FLAG:
        assert feature.fr.zero
    if feature.unit in (Unit.MONTHS, Unit.YEARS):
        assert feature.fr.missing


@each_feature
def test_french_is_typeset_as_french(feature):
    sentences = [feature.fr.label, feature.fr.text, feature.fr.negative, feature.fr.zero, feature.fr.missing]
    for sentence in filter(None, sentences):
        assert "'" not in sentence
        assert not re.search(r"\b[dlnsjm]’\{|\b(que|de|le) [aeiouéâ]", sentence), "elision depends on the value"
        assert not re.search(r"\S[:;!?»]|«\S", sentence)


def test_column_parts_are_ascii():
    assert [column_part(text) for text in ("A b", "Épargne", "--", "été_2")] == ["a_b", "epargne", "other", "ete_2"]
