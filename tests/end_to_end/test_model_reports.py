"""Model reports of a firm's first run: kept with each version, written again on demand, or anew where none is."""

import shutil

import pytest
from typer.testing import CliRunner

from appetence.cli import app
from appetence.config import TrackingSettings
from appetence.models.registry import resolve
from appetence.models.tracking import TrackingStore
from appetence.reports.cards import file_prefix
from appetence.reports.model_reports import FOLDER, REPORT, stored_report


def appetence(*arguments):
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


@pytest.fixture(scope="module")
def store(firm) -> TrackingStore:
    return TrackingStore(firm.config.tracking, firm.config.name)


def test_every_version_has_a_report_in_both_languages_and_its_plots(firm, store):
    seen = set()
    for name in store.names(f"{firm.config.name}."):
        for stored in store.versions(name):
            place = FOLDER + file_prefix(stored)
            english, french = (store.text(stored.run_id, f"{place}model_report_{one}.html") for one in ("en", "fr"))
            report = stored_report(store, stored)
            assert "Model report: " in english
            assert 'lang="fr"' in french
            assert (report.why is None) == (stored.kind == "constant")
            tested = stored.directory.parent.name == "model"
            assert (report.held_out is not None) == tested
            assert (store.text(stored.run_id, f"{place}plots/gains.svg") is not None) == tested
            if tested:
                error = store.figures(stored.run_id).metrics["expected_calibration_error"]
                assert error == pytest.approx(report.held_out.error, abs=1e-9)
            seen.add((stored.kind, stored.question.partition(":")[0]))
    assert {("classifier", "attrition"), ("classifier", "erosion"), ("constant", "buy")} <= seen
    own = resolve(store, firm.config.name, "draws_down").stored
    page = store.text(own.run_id, f"{FOLDER}{file_prefix(own)}model_report_fr.html")
    assert "Puise &lt;dans son épargne&gt;" in page


def test_it_is_written_again_on_demand_and_anew_where_none_was_kept(firm, store, tmp_path):
    stored = resolve(store, firm.config.name, "attrition").stored
    out = tmp_path / "report"
    asked = ("models", "--config", firm.path, "--report", "attrition")
    done = appetence(*asked, "--out", out)
    assert done.exit_code == 0, done.exception
    place = FOLDER + file_prefix(stored)
    for language in ("en", "fr"):
        written = (out / f"model_report_{language}.html").read_text(encoding="utf-8")
        assert written == store.text(stored.run_id, f"{place}model_report_{language}.html")
    assert "go together" in str(appetence(*asked).exception)
    assert "go together" in str(appetence(*asked, "--card", "attrition", "--out", out).exception)
    assert "must be one of attrition's" in str(appetence(*asked, "--version", 99, "--out", out).exception)

    shutil.copytree(firm.root / "mlruns", tmp_path / "mlruns")
    path = tmp_path / "firm.yaml"
    path.write_text(firm.path.read_text(encoding="utf-8").replace(str(firm.root / "mlruns"), str(tmp_path / "mlruns")))
    copied = TrackingStore(TrackingSettings(directory=str(tmp_path / "mlruns")), firm.config.name)
    old = resolve(copied, firm.config.name, "attrition").stored
    (old.directory.parent.parent / f"{place}{REPORT}").unlink()
    assert stored_report(copied, old) is None
    done = appetence("models", "--config", path, "--report", "attrition", "--out", tmp_path / "anew")
    assert done.exit_code == 0, done.exception
    anew = (tmp_path / "anew" / "model_report_en.html").read_text(encoding="utf-8")
    kept = (out / "model_report_en.html").read_text(encoding="utf-8")
    # the same rows are drawn from the book again, and explained alike
    assert (
        anew.partition('<h2 id="leans">')[2].partition('<section aria-labelledby="held-out">')[0]
        == (kept.partition('<h2 id="leans">')[2].partition('<section aria-labelledby="held-out">')[0])
    )
    assert "Gains: events found" not in anew
