from __future__ import annotations

import pytest

from appetence.config import FeatureSettings
from appetence.errors import AppetenceError, UsageError
from appetence.features.own import load_own
from appetence.features.pipeline import build_features

FILE = """
from appetence.features.asof import KEY
from appetence.features.catalogue import Feature, Theme, Unit, Wording

THEMES = (Theme("luck", "Luck", "Chance", False),)
FEATURES = (
    Feature("lucky", "mine", "luck", Unit.SCORE, Wording("Luck", "Luck: {value}"), Wording("Sort", "Sort : {value}")),
)


def build(known):
    return known.spine.select(*KEY, lucky=7)
"""


@pytest.fixture
def own(tmp_path):
    """Return a function that writes FILE, changed by replacements, and returns its path."""

    def write(*replacements: tuple[str, str], name: str = "mine.py", text: str = FILE) -> str:
        for old, new in replacements:
            assert old in text
            text = text.replace(old, new)
        (tmp_path / name).write_text(text, encoding="utf-8")
        return str(tmp_path / name)

    return write


def test_its_features_and_themes_are_in_the_table(own, make_book, spine):
    table = build_features(make_book(), spine("1", "2021-01-01"), FeatureSettings(own=(own(),)))
    assert table.features[-1].name == "lucky"
    assert table.data["lucky"].to_pylist() == [7.0]
    assert table.themes["luck"].label_fr == "Chance"
    assert "tenure" in table.themes


def test_its_features_can_be_excluded(own, make_book, spine):
    settings = FeatureSettings(groups=("calendar",), own=(own(),), exclude=("lucky",))
    assert "lucky" not in build_features(make_book(), spine("1", "2021-01-01"), settings).data.column_names


def test_its_needs_are_checked(own, make_book, spine):
    path = own(('{value}")),\n)', '{value}"), needs=("offers",)),\n)'))
    table = build_features(make_book(), spine("1", "2021-01-01"), FeatureSettings(groups=("calendar",), own=(path,)))
    assert ("mine", "the book has no offers") in table.switched_off


def test_another_version_is_told_apart(own):
    before = load_own([own()])[0].sha256
    assert load_own([own(("lucky=7", "lucky=8"))])[0].sha256 != before


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (("def build", "def built"), "FEATURES and build"),
        (('"mine"', '"yours"'), "must have the group 'mine', but got 'yours'"),
        (('"lucky"', '"Lucky; DROP"'), "lower-case letters"),
        (('"lucky", ', '"message_topic_7", '), "must not be named like a topic of messages"),
        (('"luck", Unit', '"lack", Unit'), "the theme of lucky must be known"),
        (('Theme("luck"', 'Theme("tenure"'), "names of their own"),
        (("FEATURES = (", "FEATURES = (1,"), "must list features"),
        (("THEMES = (", "import nowhere_to_be_found\nTHEMES = ("), "ModuleNotFoundError"),
    ],
)
def test_a_file_that_cannot_be_used_is_refused(own, change, told):
    with pytest.raises(UsageError, match=told):
        load_own([own(change)])


def test_a_file_that_is_not_there_or_has_anothers_name_is_refused(own, tmp_path):
    with pytest.raises(UsageError, match="must name Python files that exist"):
        load_own([str(tmp_path / "none.py")])
    with pytest.raises(UsageError, match="a name of its own"):
        load_own([own(('"mine"', '"tenure"'), name="tenure.py")])
    with pytest.raises(UsageError, match="lower-case"):
        load_own([own(name="My Group.py")])


def test_a_feature_with_the_name_of_another_is_refused(own, make_book, spine):
    settings = FeatureSettings(own=(own(('"lucky"', '"tenure"')),))
    with pytest.raises(AppetenceError, match="two for each of tenure"):
        build_features(make_book(), spine("1", "2021-01-01"), settings)


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (("known.spine.select(*KEY, lucky=7)", "known.spine.select(*KEY)"), "must build the features it declares"),
        (("known.spine.select(*KEY, lucky=7)", "1 / 0"), "mine must run, but got ZeroDivisionError"),
        (
            ("known.spine.select(*KEY, lucky=7)", "known.spine.filter(known.spine.row > 0).select(*KEY, lucky=7)"),
            "must give each row of the spine once",
        ),
    ],
)
def test_a_build_that_fails_names_its_group(own, make_book, spine, change, told):
    settings = FeatureSettings(groups=("calendar",), own=(own(change),))
    with pytest.raises(AppetenceError, match=told):
        build_features(make_book(), spine("1", "2021-01-01"), settings)
