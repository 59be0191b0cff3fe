"""From a firm's offers to the list of whom to offer what: a book in which only recent clients listen."""

import datetime as dt
import json

import numpy as np
import pyarrow.parquet as pq
import pytest

from appetence.book import open_book
from appetence.config import BookSettings, Config, FeatureSettings, ValueSettings
from appetence.errors import PublicationError
from appetence.models.uplifts.draws import read_draws
from appetence.models.uplifts.learners import T_LEARNER, fit_effects
from appetence.run import uplift_of
from appetence.scoring.uplift_targets import target_list

CLIENTS = 1_200
FEATURES = FeatureSettings(groups=("tenure", "holdings"))
CUT = dt.date(2024, 1, 1)
OBJECTING = {"marketing": "c1", "profiling": "c2", "phone": "c3"}
YOUNG_ONLY = "age < 40"


def rows(effect):
    """Return a book of five campaigns of one product to everyone, every third client held out."""
    rng = np.random.default_rng(4)
    recent = np.arange(CLIENTS) % 2 == 0
    joined = [dt.date(2020 if new else 2001, 1 + i % 12, 5) for i, new in enumerate(recent)]
    contracts = [
        {"contract_id": f"p{i}", "client_id": f"c{i}", "product_id": "P", "opened_on": day}
        for i, day in enumerate(joined)
    ]
    offers, holding = [], set()
    for campaign, month in enumerate((1, 4, 7, 10, 13)):
        made = dt.date(2022 + (month - 1) // 12, 1 + (month - 1) % 12, 10)
        held_out = rng.random(CLIENTS) < 1 / 3
        for i in range(CLIENTS):
            if i in holding:
                continue
            number = f"{campaign}-{i}"
            offers.append(
                {"offer_id": number, "client_id": f"c{i}", "product_id": "Q", "made_on": made, "channel": "email"}
                | {"campaign_id": str(campaign), "held_out": bool(held_out[i])}
            )
            chance = 0.04 + effect * (recent[i] and not held_out[i])
            if rng.random() < chance:
                holding.add(i)
                day = made + dt.timedelta(days=20)
                contracts.append({"contract_id": number, "client_id": f"c{i}", "product_id": "Q", "opened_on": day})
    return {
        "clients": [
            {"client_id": f"c{i}", "joined_on": day, "birth_date": dt.date(1990 if i % 10 else 1950, 1, 1)}
            for i, day in enumerate(joined)
        ],
        "products": [
            {"product_id": "P", "annual_margin": 5.0},
            {"product_id": "Q", "annual_margin": 40.0, "acquisition_cost": 30, "eligibility": YOUNG_ONLY},
        ],
        "contracts": contracts,
        "offers": offers,
        "consents": [
            {"client_id": client, "purpose": purpose, "known_on": dt.date(2023, 1, 1), "granted": False}
            for purpose, client in OBJECTING.items()
        ],
    }


@pytest.fixture(scope="module")
def folder(tmp_path_factory, write_book):
    return write_book(tmp_path_factory.mktemp("offers") / "book", rows(effect=0.25))


def firm(folder, root):
    return Config.model_validate(
        {
            "name": "firm",
            "book": {"directory": str(folder), "observed_from": "2019-01-01", "observed_until": "2024-01-01"},
            "features": {"groups": list(FEATURES.groups)},
            "uplift": {"horizon": 3},
            "training": {"bootstrap": 50, "parameters": {"max_rounds": 20, "n_folds": 2}},
            "scoring": {"database": str(root / "scores.duckdb")},
            "reports": {"directory": str(root / "reports")},
            "tracking": {"directory": str(root / "mlruns")},
        }
    )


def test_those_whom_an_offer_changes_come_first_and_who_objects_or_may_not_buy_is_left_out(folder):
    settings = BookSettings(directory=str(folder), observed_from=dt.date(2019, 1, 1), observed_until=CUT)
    with open_book(settings) as book:
        draws = read_draws(book, None, 3, FEATURES, seed=1).draws
        model = fit_effects(draws, {"max_rounds": 20, "n_folds": 2}, seed=1)
        found = target_list(book, model, T_LEARNER, ["Q"], CUT, FEATURES, ValueSettings())
        holding = {
            row["client_id"] for row in book.execute(book.table("contracts")).to_pylist() if row["product_id"] == "Q"
        }
    clients = found["client_id"].to_pylist()
    uplift = np.array(found["uplift"].to_pylist())
    number = np.array([int(client[1:]) for client in clients])
    allowed = {f"c{i}" for i in range(CLIENTS) if i % 10} - holding - {OBJECTING["marketing"], OBJECTING["profiling"]}
    assert set(clients) == allowed
    assert len(clients) == len(allowed)
    assert (np.diff(uplift) <= 0).all()
    recent = number % 2 == 0
    assert uplift[recent].min() > uplift[~recent].max()
    assert uplift[recent].mean() == pytest.approx(0.25, abs=0.08)
    assert uplift[~recent].mean() == pytest.approx(0.0, abs=0.05)
    gain = np.array(found["expected_gain"].to_pylist())
    assert (np.sign(gain[recent]) == 1).all()  # five years at 40 are worth more than the 30 of a sale
    worth = gain[recent] / uplift[recent]
    assert ((worth > 0) & (worth < 5 * 40 - 30)).all()


def test_the_command_keeps_a_run_and_writes_the_list(folder, tmp_path):
    config, out = firm(folder, tmp_path), tmp_path / "targets.parquet"
    result = uplift_of(config, None, out)
    assert result.state in ("lift", "better")
    found = pq.read_table(out)
    assert found.column_names == ["client_id", "product_id", "uplift", "expected_gain"]
    assert set(found["product_id"].to_pylist()) == {"Q"}
    kept = sorted((tmp_path / "mlruns").rglob("uplift.json"))
    assert json.loads(kept[0].read_text())["verdict"] == result.verdict.en
    assert (kept[0].parent / "curves" / "qini.csv").exists()
    text = "".join(path.read_text() for path in (tmp_path / "mlruns").rglob("*") if path.suffix in (".json", ".csv"))
    assert '"c1"' not in text


def test_no_list_is_written_where_lift_is_no_better_than_chance(tmp_path, write_book):
    config = firm(write_book(tmp_path / "book", rows(effect=0.0)), tmp_path)
    out = tmp_path / "targets.parquet"
    with pytest.raises(PublicationError, match="targets must be better than clients drawn at random"):
        uplift_of(config, None, out)
    assert not list(tmp_path.glob("*targets*"))
