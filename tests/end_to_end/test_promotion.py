"""Promotion as a user types it, on a copy of the firm's store."""

import json
import shutil

import pytest
from typer.testing import CliRunner

from appetence.cli import app
from appetence.config import load_config
from appetence.errors import ArtefactError
from appetence.models.artefact import Artefact, Contract, Golden
from appetence.models.registry import load, resolve
from appetence.models.tracking import CHAMPION, RunRecord, TrackingStore
from appetence.models.verdicts import Verdict
from appetence.run import score_month


def appetence(*arguments, **env):
    """Run a command in this process, which has imported everything already."""
    return CliRunner(env={"APPETENCE_APPROVER": None} | env).invoke(app, [str(argument) for argument in arguments])


@pytest.fixture
def copied(firm, tmp_path, write_config):
    """A firm of its own with the same book and models, in which nothing is published."""
    shutil.copytree(firm.root / "mlruns", tmp_path / "mlruns")
    return write_config(tmp_path, book={"directory": str(firm.root / "book")})


def test_a_promotion_is_refused_insisted_on_and_told(copied, firm):
    asked = ("promote", "attrition", "--config", copied)
    no_author = appetence(*asked, "--why", "x")
    assert "--by NAME, or set the environment variable APPETENCE_APPROVER" in str(no_author.exception)
    nothing = appetence(*asked, "--why", "x", "--by", "A. Martin")
    assert "must have a challenger" in str(nothing.exception)
    assert nothing.exception.exit_code == no_author.exception.exit_code == 2

    config = load_config(copied)
    store = TrackingStore(config.tracking, config.name)
    last = resolve(store, config.name, "attrition")
    with store.run(RunRecord("the same model once more")) as run_id:
        twin = store.register(last.name, load(last), run_id)
    refused = appetence(*asked, "--version", twin.version, "--why", "tie", "--by", "A. Martin", "--json")
    assert refused.exit_code == 1
    told = json.loads(refused.stdout)
    assert (told["promoted"], told["gate"]["wins"], told["gate"]["figures"]["gain"]) == (False, False, 0.0)
    done = appetence(*asked, "--version", twin.version, "--why", "tie", "--anyway", APPETENCE_APPROVER="B. Durand")
    assert done.exit_code == 0
    assert "although the gate said no" in done.stdout
    history = json.loads(appetence("models", "--config", copied, "-q", "attrition", "--json").stdout)
    row = history["attrition"]["promotions"][-1]
    assert (row["by"], row["overruled"], row["to_version"]) == ("B. Durand", True, twin.version)
    side = appetence("models", "--config", copied, "-q", "attrition", "--compare", last.version, twin.version)
    assert "features added: none" in side.stdout

    out = copied.parent / "card"
    written = appetence("models", "--config", copied, "--card", "attrition", "--version", last.version, "--out", out)
    assert written.exit_code == 0
    assert len(list(out.iterdir())) == 4
    (page,) = out.glob("*card.md")
    assert "| B. Durand | tie |" in page.read_text(encoding="utf-8")  # who took it out of use, too
    none = appetence("models", "--config", copied, "--card", "attrition", "--version", twin.version, "--out", out)
    assert "must have a card, but got none with version" in str(none.exception)
    assert "go together" in str(appetence("models", "--config", copied, "--card", "attrition").exception)
    alone = appetence("models", "--config", copied, "--compare", 1, 2)
    assert "--compare needs --question" in str(alone.exception)


def test_a_model_whose_features_were_switched_off_is_refused_with_the_way_on(firm, tmp_path, write_config):
    shutil.copytree(firm.root / "mlruns", tmp_path / "mlruns")
    off = write_config(tmp_path, book={"directory": str(firm.root / "book")}, features={"exclude": ["tenure"]})
    with pytest.raises(ArtefactError, match=r"all features it reads, but got no feature tenure.*appetence promote"):
        score_month(load_config(off), None, None)


def test_a_champion_that_has_fallen_behind_is_said_so_and_goes_on_scoring(copied):
    config = load_config(copied)
    store = TrackingStore(config.tracking, config.name)
    last = load(resolve(store, config.name, "attrition"))
    origins = last.contract.origins.model_copy(update={"fitted_on": ("2021-07-01",), "calibrated_on": ()})
    changes = {"kind": "constant", "features": (), "classifier": None, "probability": 0.4, "origins": origins}
    worn = Artefact(Contract.model_validate(dict(last.contract) | changes), Golden(rows={}, probabilities=[0.4]), None)
    with store.run(RunRecord("worn out")) as run_id:
        store.approve(store.register("small.attrition", worn, run_id), CHAMPION, "A. Martin", Verdict("was", "était"))

    outcome = score_month(config, None, None)
    assert outcome.published
    found = outcome.health["attrition"]
    assert (found.state, str(found.cut)) == ("behind", "2023-01-01")
    (warned,) = [finding for finding in outcome.audit if finding.warning and not finding.passed]
    assert warned.check.startswith("attrition: the champion beats its plain baselines")
    assert any(line.startswith("  warning: attrition: version") for line in outcome.lines())
    told = outcome.as_dict()
    assert told["health"]["attrition"]["gain_in_log_loss"]["base rate"]["high"] < 0
    assert {"check": warned.check, "figure": warned.figure, "passed": False, "warning": True} in told["audit"]
    assert resolve(store, config.name, "attrition").alias == CHAMPION
