import numpy as np
import pytest
from typer.testing import CliRunner

from appetence.cli import app
from appetence.errors import PublicationError
from appetence.months import Month
from appetence.scoring.published import published_run
from appetence.scoring.worth import FUTURE, PAST, read_worth

from .test_audit import AT, good, staged

MONTH = Month.parse("2024-01")


@pytest.fixture
def database(tmp_path):
    """Twelve clients worth 10, 20 … 120, whose past is not known."""
    rows = good()
    client = rows["client_scores"][0]
    scale = range(1, 13)
    rows["client_scores"] = [
        client | {"client_id": str(k)} | {name: None if (v := client[name]) is None else k * v for name in FUTURE}
        for k in scale
    ]
    path = tmp_path / "scores.duckdb"
    with staged(path, rows) as sink:
        sink.publish("r", "2024-01", AT)
    return path


def test_totals_are_the_sums_of_the_clients_and_terms_add_up(database):
    found = read_worth(database, None, "EUR")
    values = 10.0 * np.arange(1, 13)
    total = found.totals["lifetime_value"]
    assert (total.value, total.clients) == (values.sum(), 12)
    assert total.high - total.value == pytest.approx(1.96 * np.sqrt(((values - values.mean()) ** 2).sum()))
    terms = [found.totals[name].value for name in FUTURE[:4]]
    assert sum(terms) == pytest.approx(total.value)
    assert found.top_tenth == pytest.approx(120 / 780)
    assert not set(PAST) & set(found.totals)
    assert "past profit: not known, the book records nothing to tell it from" in "\n".join(found.lines())


def test_a_month_without_scores_is_told(database, tmp_path):
    with pytest.raises(PublicationError, match="none of 2023-05"):
        read_worth(database, Month.parse("2023-05"), "EUR")
    with pytest.raises(PublicationError, match="published"), published_run(tmp_path / "none.duckdb", None):
        pass


def test_columns_of_a_later_version_are_null_in_an_older_database(database):
    with published_run(database, MONTH) as run:
        assert run.rows("client_scores", ["client_id", "not_yet"])["not_yet"].null_count == 12


def test_the_command_prints_json(database, tmp_path):
    config = tmp_path / "c.yaml"
    config.write_text(
        f"name: c\nbook: {{directory: {tmp_path}, simulate: {{clients: 100}}}}\n"
        f"scoring: {{database: {database}}}\nreports: {{directory: {tmp_path}}}\n"
    )
    result = CliRunner().invoke(app, ["value", "--config", str(config), "--json"])
    assert result.exit_code == 0, result.output
    assert '"lifetime_value"' in result.stdout
