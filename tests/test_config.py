from pathlib import Path

import pytest
import yaml

from appetence.config import Config, load_config
from appetence.errors import UsageError
from appetence.models.kinds import RESERVED

CONFIGS = sorted((Path(__file__).parent.parent / "configs").glob("*.yaml"))

SMALLEST = {
    "name": "firm",
    "book": {"directory": "somewhere"},
    "scoring": {"database": "scores.duckdb"},
    "reports": {"directory": "reports"},
}


@pytest.fixture
def load(tmp_path):
    def write_and_load(change=None, **env):
        path = tmp_path / "firm.yaml"
        path.write_text(change if isinstance(change, str) else yaml.safe_dump(SMALLEST | (change or {})))
        return load_config(path, env)

    return write_and_load


@pytest.mark.parametrize("path", CONFIGS, ids=lambda path: path.name)
def test_the_configs_that_are_shipped_are_valid(path):
    assert load_config(path, {}).name == path.stem


def test_every_setting_but_the_places_has_a_default(load):
    config = load()
    assert config.attrition.horizon == 6
    assert config.languages == ("fr", "en")


def test_settings_cannot_be_changed(load):
    with pytest.raises(ValueError, match="frozen"):
        load().name = "other"


def test_paths_take_values_from_the_environment(load):
    book = {"book": {"directory": "${PLACE:-here}/book"}}
    assert load(book).book.directory == "here/book"
    assert load(book, PLACE="there").book.directory == "there/book"


def test_a_variable_that_is_not_set_is_named(load):
    with pytest.raises(UsageError, match=r"variable PLACE is not set.*\$\{PLACE:-default\}"):
        load({"book": {"directory": "${PLACE}"}})


def test_all_mistakes_are_told_at_once_with_the_nearest_names(load):
    mistaken = {
        "book": {"directory": "d", "observd_until": "2024-01-01"},
        "value": {"discount_rate": 4},
        "trainng": {},
    }
    with pytest.raises(UsageError) as error:
        load(mistaken)
    text = str(error.value)
    assert "3 mistake(s)" in text
    assert "book.observd_until: unknown key, did you mean 'observed_until'?" in text
    assert "trainng: unknown key, did you mean 'training'?" in text
    assert "value.discount_rate: Input should be less than or equal to 0.5 (got 4)" in text


def test_the_nearest_name_is_found_within_a_source(load):
    source = {"format": "csv", "path": "p", "encding": "latin-1"}
    with pytest.raises(UsageError, match="encding: unknown key, did you mean 'encoding'"):
        load({"book": {"sources": {"p": source}, "views": {"clients": "select 1"}}})


@pytest.mark.parametrize(
    ("book", "message"),
    [
        ({}, "either directory, or sources with views"),
        ({"directory": "d", "views": {"clients": "select 1"}}, "either directory, or sources with views"),
        ({"directory": "d", "observed_until": "2024-01-15"}, "first days of a month"),
        (
            {
                "sources": {"p": {"format": "csv", "path": "p", "date_format": "%y%m%d"}},
                "views": {"clients": "select 1"},
            },
            "two-digit year",
        ),
        (
            {
                "sources": {"p": {"format": "csv", "path": "p", "decimal": ",", "thousands": ","}},
                "views": {"clients": "select 1"},
            },
            "must differ",
        ),
    ],
)
def test_what_cannot_be_meant_is_refused(load, book, message):
    with pytest.raises(UsageError, match=message):
        load({"book": book})


@pytest.mark.parametrize("text", ["[1, 2]", "name: [", "", "!!python/object/apply:os.system ['true']"])
def test_what_is_no_config_is_refused(load, text):
    with pytest.raises(UsageError, match="YAML"):
        load(text)


def test_a_missing_file_is_told(tmp_path):
    with pytest.raises(UsageError, match="file that exists"):
        load_config(tmp_path / "none.yaml")


def test_the_name_is_safe_in_file_names_and_sql(load):
    with pytest.raises(UsageError, match="name"):
        load({"name": "../firm"})


def test_all_settings_refuse_unknown_keys():
    def models(model):
        yield model
        for field in model.model_fields.values():
            if isinstance(field.annotation, type) and hasattr(field.annotation, "model_fields"):
                yield from models(field.annotation)

    assert all(model.model_config["extra"] == "forbid" for model in models(Config))


@pytest.mark.parametrize("tuning", [{"trials": 1}, {"time_budget": 0}, {"folds": 0}, {"seed": 1}])
def test_a_search_that_cannot_be_is_refused(load, tuning):
    with pytest.raises(UsageError, match=f"tuning.{next(iter(tuning))}"):
        load({"tuning": tuning})


ASKED = {"name": "calls", "label_en": "Calls", "label_fr": "Appelle", "target": "SELECT 1"}


def test_a_question_of_the_firms_own_has_a_name_of_its_own(load):
    assert load({"questions": [ASKED, ASKED | {"name": "other"}]}).asking.questions[1].name == "other"
    with pytest.raises(UsageError, match=r"questions: each question must be named once, not twice: calls"):
        load({"questions": [ASKED, ASKED]})
    for name in (*RESERVED, "next_product", "buy:card", "Calls", ""):
        with pytest.raises(UsageError, match=r"questions\.0\.name: "):
            load({"questions": [ASKED | {"name": name}]})


def test_all_mistakes_of_a_question_are_told_with_the_others(load):
    wrong = {key: value for key, value in ASKED.items() if key != "label_fr"} | {"horzon": 3, "min_events": 3}
    with pytest.raises(UsageError) as error:
        load({"questions": [wrong], "value": {"discount_rate": 4}})
    text = str(error.value)
    assert "4 mistake(s)" in text
    assert "questions.0.label_fr: Field required" in text
    assert "questions.0.horzon: unknown key, did you mean 'horizon'?" in text
    assert "questions.0.min_events: Input should be greater than or equal to 20 (got 3)" in text


def test_a_firms_own_sentences_are_known_ones_and_place_what_they_may(load):
    good = {"offer": {"fr": "« Parlons de {product}. »"}, "news": {"en": "“What is new?”"}}
    found = load({"reports": {"directory": "r", "texts": good, "events": {"new_home": ["home_loan"]}}})
    assert found.reports.texts["offer"] == {"fr": "« Parlons de {product}. »"}
    bad = {"offr": {"fr": "x"}, "offer": {"fr": "{score} {product}", "en": "{product"}, "news": {"fr": "{name}"}}
    with pytest.raises(UsageError) as error:
        load({"reports": {"directory": "r", "texts": bad}})
    for told in (
        "there is no sentence 'offr' to say: Did you mean 'offer'?",
        "the sentence 'offer' may place {product} in braces, not '{score}'",
        "the sentence 'offer' may place {product} in braces, not '{'",
        "the sentence 'news' may place nothing in braces, not '{name}'",
    ):
        assert told in str(error.value)
    for texts in ({"offer": {"de": "x"}}, {"offer": {"fr": ""}}, {"offer": {"fr": "x" * 201}}):
        with pytest.raises(UsageError, match=r"reports\.texts"):
            load({"reports": {"directory": "r", "texts": texts}})
