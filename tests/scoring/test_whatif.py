import datetime as dt
import json
from pathlib import Path

import duckdb
import pyarrow as pa
import pytest
import yaml
from typer.testing import CliRunner

from appetence.cli import app
from appetence.config import load_config
from appetence.errors import PublicationError, UsageError
from appetence.scoring.tables import CLIENT_SCORES, PUBLICATIONS
from appetence.scoring.whatif import whatif_inputs

KRONOS = Path(__file__).parents[2] / "configs" / "segments" / "kronos.yaml"
MONTH = dt.date(2023, 12, 1)


@pytest.fixture(scope="module")
def firm(tmp_path_factory, write_book):
    """Return the config file of a firm of three clients whose scores of 2023-12 are published."""
    folder = tmp_path_factory.mktemp("whatif")
    write_book(
        folder / "book",
        {
            "contracts": [
                {"contract_id": "a", "client_id": "1"},
                {"contract_id": "b", "client_id": "2"},
                {"contract_id": "c", "client_id": "2", "product_id": "Q"},
                {"contract_id": "d", "client_id": "3"},
            ],
            "balances": [
                {"contract_id": key, "month": MONTH, "balance": balance, "revenue": 9}
                for key, balance in (("a", 500_000), ("b", 100_000), ("c", 150_000), ("d", 10))
            ],
        },
    )
    rows = [
        {
            "client_id": client,
            "past_profit": profit,
            "lifetime_value": 5 * profit,
            "attrition_12m": 0.1,
            "month": "2023-12",
        }
        for client, profit in (("1", 3000.0), ("2", 1000.0), ("3", 100.0))
    ]
    scores = pa.Table.from_pylist([{"run_id": "r", **row} for row in rows], CLIENT_SCORES.schema)
    published = pa.Table.from_pylist([{"month": "2023-12", "run_id": "r"}], PUBLICATIONS.schema)
    with duckdb.connect(str(folder / "scores.duckdb")) as connection:
        for name, table in ((CLIENT_SCORES.name, scores), (PUBLICATIONS.name, published)):
            connection.register("rows", table)
            connection.execute(f"CREATE TABLE {name} AS FROM rows")
            connection.unregister("rows")
    settings = {
        "name": "firm",
        "book": {"directory": str(folder / "book")},
        "value": {"segments": str(KRONOS)},
        "scoring": {"database": str(folder / "scores.duckdb")},
        "reports": {"directory": str(folder / "reports")},
    }
    path = folder / "firm.yaml"
    path.write_text(yaml.safe_dump(settings))
    return path


def test_a_published_month_is_read_back_by_segment(firm):
    month, table = whatif_inputs(load_config(firm), None)
    assert month == "2023-12"
    assert table["segment"].to_pylist() == ["A", "B", "D"]
    assert table["holdings"].to_pylist() == [1, 2, 1]
    assert table["retention"].to_pylist() == [0.9] * 3
    assert table["value"].to_pylist() == [15000, 5000, 500]
    with pytest.raises(PublicationError, match="none of 2023-11"):
        whatif_inputs(load_config(firm), "2023-11")


def test_a_firm_without_segments_or_scores_is_told_what_to_do(firm):
    config = load_config(firm)
    without = config.model_copy(update={"value": config.value.model_copy(update={"segments": None})})
    with pytest.raises(UsageError, match="the config must name the firm's segments"):
        whatif_inputs(without, None)
    unscored = config.model_copy(update={"scoring": config.scoring.model_copy(update={"database": "nowhere.duckdb"})})
    with pytest.raises(PublicationError, match="First: appetence run"):
        whatif_inputs(unscored, None)


def ask(firm, *arguments):
    found = CliRunner().invoke(app, ["whatif", "--config", str(firm), *arguments], catch_exceptions=False)
    assert found.exit_code == 0
    return found.output


def test_the_command_answers_of_the_published_month(firm):
    found = json.loads(ask(firm, "--mix", "A=50,B=25,D=25", "--retention", "2", "--json"))
    assert found["month"] == "2023-12"
    assert found["mix"]["after"] == {"A": 0.5, "B": 0.25, "C": 0.0, "D": 0.25}
    assert found["value"]["before"] == pytest.approx(20_500)
    assert sum(found["effects"].values()) == pytest.approx(found["value"]["after"] - found["value"]["before"])
    assert found["effects"]["retention"] > 0


def test_the_command_answers_the_claim_of_the_source(firm):
    output = ask(firm, "--mix", "A=40,B=30,C=30", "--from", "A=30,B=30,C=40")
    assert "+17.9%" in output
    assert "a multiple higher by 35.8%" in output
    assert "rise of 25%" in ask(firm, "--mix", "A=40,B=30,C=30", "--from", "A=30,B=30,C=40", "--reach", "25")
