import datetime as dt

import pytest

from appetence.errors import PublicationError, UsageError
from appetence.months import Month
from appetence.scoring.plan import Plan, canonical, plan_run, scorable_month, with_objections
from appetence.scoring.sink_duckdb import DuckdbSink, PublishedRun
from appetence.scoring.tables import RUN_TABLES, SCORE_RUNS

JANUARY = Month(2024, 1)
AT = dt.datetime(2024, 2, 1, tzinfo=dt.UTC)


@pytest.fixture
def sink(tmp_path):
    with DuckdbSink(tmp_path / "scores.duckdb") as opened:
        yield opened


def publish(sink, plan):
    run = {**dict.fromkeys(SCORE_RUNS.schema.names), "run_id": plan.run_id, "month": str(plan.month)}
    run |= {"state": "staged", "started_at": AT, "book_fingerprint": plan.fingerprint, "models": plan.models}
    run |= {"settings": plan.settings, "code_version": "0", "clients": 0, "objected": 0}
    sink.stage(run, {table.name: table.schema.empty_table() for table in RUN_TABLES})
    sink.publish(plan.run_id, str(plan.month), AT)


def test_the_first_run_of_a_month_replaces_nothing(sink):
    plan = plan_run(sink, JANUARY, "f", "{}", "{}", None)
    assert isinstance(plan, Plan)
    assert plan.supersedes is None
    assert plan.run_id.startswith("2024-01-1-")


def test_the_same_again_is_nothing_to_do(sink):
    publish(sink, plan_run(sink, JANUARY, "f", "{}", "{}", None))
    assert isinstance(plan_run(sink, JANUARY, "f", "{}", "{}", None), PublishedRun)
    assert isinstance(plan_run(sink, JANUARY, "f", "{}", "{}", "a reason changes nothing"), PublishedRun)


@pytest.mark.parametrize(("change", "word"), [(("g", "{}", "{}"), "book"), (("f", "m", "{}"), "models")])
def test_something_else_needs_a_reason(sink, change, word):
    first = plan_run(sink, JANUARY, "f", "{}", "{}", None)
    publish(sink, first)
    with pytest.raises(PublicationError, match=f"another {word}.*--revise"):
        plan_run(sink, JANUARY, *change, None)
    second = plan_run(sink, JANUARY, *change, "late contracts arrived")
    assert (second.supersedes, second.why) == (first.run_id, "late contracts arrived")
    assert second.run_id != first.run_id


def test_other_months_do_not_matter(sink):
    publish(sink, plan_run(sink, JANUARY, "f", "{}", "{}", None))
    assert isinstance(plan_run(sink, JANUARY + 1, "g", "{}", "{}", None), Plan)


@pytest.mark.parametrize("month", ["2023-12", "2024-07", "2099-01"])
def test_a_month_that_the_book_does_not_show_is_refused(month):
    with pytest.raises(UsageError, match="2024-01 to 2024-06"):
        scorable_month(month, JANUARY, Month(2024, 6))


def test_the_newest_month_is_the_default():
    assert scorable_month(None, JANUARY, Month(2024, 6)) == Month(2024, 6)
    assert scorable_month("2024-02", JANUARY, Month(2024, 6)) == Month(2024, 2)


def test_objections_are_part_of_what_identifies_a_run():
    assert with_objections("f", ["a", "b"]) == with_objections("f", ["b", "a"])
    assert len({with_objections("f", ids) for ids in ([], ["a"], ["ab"], ["a", "b"])}) == 4


def test_equal_settings_are_written_the_same():
    assert canonical({"b": 1, "a": "é"}) == canonical({"a": "é", "b": 1}) == '{"a":"é","b":1}'
