"""One small firm, run once for all tests of the main job."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pytest
import yaml

from appetence.config import Config, load_config
from appetence.run import RunOutcome, run_all


class Firm(NamedTuple):
    """A config file with everything below one folder, and what its first run did."""

    root: Path
    path: Path
    config: Config
    first: RunOutcome


OWN = {
    "name": "draws_down",
    "label_en": "Draws <down>",
    "label_fr": "Puise <dans son épargne>",
    "min_events": 20,
    "target": """
        SELECT client_id, "month" AS occurred_on FROM balances JOIN contracts USING (contract_id)
        GROUP BY client_id, "month" HAVING sum(net_flow) < -0.1 * sum(balance - net_flow) AND sum(balance) > 1000""",
    "population": "SELECT client_id FROM clients WHERE birth_date < $cut - INTERVAL 40 YEAR",
}


def settings(root: Path, **changes: object) -> dict[str, object]:
    """Return settings of a small firm that keeps everything below `root`."""
    return {
        "name": "small",
        "title": "Petite banque",
        "book": {"directory": str(root / "book"), "simulate": {"clients": 900, "months": 30, "seed": 5}},
        "attrition": {"min_events": 20},
        # two products have buyers enough, so that both kinds of score are there
        "next_product": {"min_buyers": 45},
        "questions": [OWN],
        "training": {"tests": 1, "bootstrap": 20, "parameters": {"max_rounds": 30}},
        "scoring": {"database": str(root / "scores.duckdb")},
        "reports": {"directory": str(root / "reports")},
        "tracking": {"directory": str(root / "mlruns")},
    } | changes


@pytest.fixture(scope="session")
def write_config() -> Callable[..., Path]:
    """Return a function that writes a config and returns its path."""

    def write(root: Path, **changes: object) -> Path:
        path = root / "firm.yaml"
        path.write_text(yaml.safe_dump(settings(root, **changes)), encoding="utf-8")
        return path

    return write


@pytest.fixture(scope="session")
def firm(tmp_path_factory, write_config) -> Firm:
    """A simulated firm after its first run."""
    root = tmp_path_factory.mktemp("firm")
    path = write_config(root)
    config = load_config(path)
    return Firm(root, path, config, run_all(config, None))
