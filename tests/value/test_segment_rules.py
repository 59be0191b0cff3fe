import pytest
import yaml

from appetence.errors import UsageError
from appetence.value.segment_rules import SegmentRules, load_segments

CRITERIA = [
    {"name": "assets", "label_en": "assets", "label_fr": "encours", "unit": "money"},
    {"name": "place", "label_en": "place", "label_fr": "lieu", "unit": "code"},
]
RICH = {"name": "A", "label_en": "rich", "label_fr": "riche", "when": {"criterion": "assets", "at_least": 100}}
REST = {"name": "B", "label_en": "rest", "label_fr": "autres"}


def rules(*segments, **settings):
    return SegmentRules.model_validate({"criteria": CRITERIA, "segments": list(segments), **settings})


def test_the_example_has_four_segments_with_services_in_both_languages(kronos):
    assert kronos.names == ("A", "B", "C", "D")
    first, last = kronos.segments[0], kronos.segments[-1]
    assert (first.expected.profit, first.expected.revenue.low, last.expected.cost.high) == (3000, 5001, 200)
    assert [text.fr for text in first.service][:2] == ["Déjeuner thématique", "Séminaire"]
    assert [text.en for text in last.technology] == ["CRM"]


def test_every_mistake_of_a_file_is_told_with_its_place(tmp_path):
    path = tmp_path / "segments.yaml"
    wrong = RICH | {"when": {"criterion": "assets", "at_leest": 100}}
    path.write_text(yaml.safe_dump({"criteria": CRITERIA, "segments": [wrong, REST], "confrm": 2}))
    with pytest.raises(UsageError) as told:
        load_segments(path)
    assert "confrm: unknown key, did you mean 'confirm'?" in str(told.value)
    assert "segments.0.when.at_leest: unknown key, did you mean 'at_least'?" in str(told.value)
    with pytest.raises(UsageError, match="the file of segments must be a file that exists"):
        load_segments(tmp_path / "none.yaml")


@pytest.mark.parametrize(
    ("when", "match"),
    [
        ({"criterion": "assets"}, "a criterion goes with bounds"),
        ({"at_least": 3}, "a rule must be one of"),
        ({"criterion": "assets", "at_least": 1, "any": [{"criterion": "assets", "below": 1}]}, "a rule must be one of"),
        ({"points": [{"criterion": "assets", "below": 1}]}, "points go with need"),
        ({"points": [{"criterion": "assets", "below": 1}], "need": 2}, "the rule can never hold"),
        ({"criterion": "asets", "below": 1}, "no criterion 'asets'. Did you mean 'assets'"),
        ({"criterion": "place", "below": 1}, "one_of is for codes"),
        ({"criterion": "assets", "one_of": ["x"]}, "one_of is for codes"),
        (None, "every segment but the last must say `when`"),
    ],
)
def test_a_rule_that_cannot_be_meant_is_refused(when, match):
    with pytest.raises(ValueError, match=match):
        rules(RICH | {"when": when}, REST)


def test_names_stand_once_and_the_last_segment_is_for_all_others():
    with pytest.raises(ValueError, match="segments must be named once, not twice: A"):
        rules(RICH, REST | {"name": "A"})
    with pytest.raises(ValueError, match="the last is for all others"):
        rules(RICH, RICH | {"name": "B"})


def test_the_version_follows_what_decides_and_nothing_else():
    version = rules(RICH, REST).version
    assert rules(RICH | {"label_en": "other words"}, REST, confirm=5).version == version
    assert rules(RICH, REST, margin=0.2).version != version
    assert rules(RICH | {"when": {"criterion": "assets", "at_least": 101}}, REST).version != version
