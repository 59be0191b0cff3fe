"""Writing: all or nothing, a month replaced as a whole, others untouched, the same scores the same bytes."""

import pytest

from appetence.reports.pages import Pages
from appetence.reports.write import reports_of


def content(folder):
    return {str(p.relative_to(folder)): p.read_bytes() for p in folder.rglob("*.*") if p.is_file()}


UNITS = ("branch-001", "branch-002", "team-001", "team-002")


def written(pages, lists):
    files = [f"{name}.html" for name in pages] + [f"{name}.{kind}" for name in lists for kind in ("csv", "xlsx")]
    return sorted(["run.txt", *(f"{language}/{name}" for language in ("fr", "en") for name in files)])


def test_the_index_says_what_was_written(reported):
    index = reported()
    assert (index.pages, index.clients, str(index.month)) == (14, 8, "2023-12")
    assert index.directory.name == "2023-12"
    assert sorted(content(index.directory)) == written(
        ("index", "advisor-001", "advisor-002", *UNITS), ("company", "advisor-001", "advisor-002")
    )
    assert all(path.is_file() for path in index.overviews.values())


def test_the_same_month_is_replaced_whole_and_another_left_alone(reported):
    from .conftest import client_row

    index = reported()
    other = index.directory.with_name("2023-11")
    other.mkdir()
    (other / "kept.txt").write_text("kept")
    before = content(index.directory)
    again = reported(run_id="run-2", clients=[client_row("1"), client_row("2")], offers=[], reasons=[])
    after = content(again.directory)
    assert sorted(after) == written(("index", "advisor-001", "branch-001", "team-001"), ("company", "advisor-001"))
    assert before["fr/index.html"] != after["fr/index.html"]
    assert (other / "kept.txt").read_text() == "kept"
    assert sorted(path.name for path in index.directory.parent.iterdir()) == ["2023-11", "2023-12"]


def test_the_same_scores_give_the_same_bytes(reported):
    first = content(reported().directory)
    second = content(reported(run_id="run-2").directory)
    assert {name: text.replace(b"run-2", b"run-1") for name, text in second.items()} == first


def test_reports_are_found_again_by_their_run_and_languages(reported):
    index = reported()
    root = index.directory.parent
    assert reports_of("run-1", root, index.month, ("fr", "en")) == index.overviews
    assert reports_of("run-2", root, index.month, ("fr", "en")) is None
    assert reports_of("run-1", root, index.month + 1, ("fr",)) is None
    index.overviews["en"].unlink()
    assert reports_of("run-1", root, index.month, ("fr", "en")) is None
    assert reports_of("run-1", root, index.month, ("fr",)) == {"fr": index.overviews["fr"]}


def test_a_failure_half_way_leaves_the_old_pages(reported, monkeypatch):
    index = reported()
    before = content(index.directory)
    whole = Pages.render

    def half(self, *share):
        yield from list(whole(self, *share))[:2]
        raise OSError("no space left on device")

    monkeypatch.setattr(Pages, "render", half)
    with pytest.raises(OSError, match="no space"):
        reported(run_id="run-2")
    assert content(index.directory) == before
    assert [path.name for path in index.directory.parent.iterdir()] == ["2023-12"]
