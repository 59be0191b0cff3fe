from __future__ import annotations

import hashlib
import itertools
from pathlib import Path

import duckdb
import numpy as np
import pyarrow.parquet as pq
import pytest
from sklearn.metrics import roc_auc_score

from appetence.book.contract import TABLES
from appetence.book.simulate import SimulateSettings, simulate
from appetence.book.simulate.catalogue import PRODUCTS
from appetence.book.simulate.names import HOSTILE

SMALL = SimulateSettings(clients=600, months=14, seed=3)
SETTINGS = SimulateSettings(clients=2500, months=36, first_month="2021-03", seed=11)
END = "DATE '2024-03-01'"


class SimulatedBook:
    """SQL over a simulated book: every table a view, the truth as truth_attrition and truth_purchase."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self._connection = duckdb.connect()
        for name in TABLES:
            self._connection.execute(f"CREATE VIEW {name} AS FROM '{directory}/{name}.parquet'")
        for name in ("attrition", "purchase"):
            self._connection.execute(f"CREATE VIEW truth_{name} AS FROM '{directory}/truth/{name}.parquet'")
        self._connection.execute("""
            CREATE TABLE ended AS
            SELECT client_id, max(closed_on) AS ended_on, arg_max(close_reason, closed_on) AS reason
            FROM contracts GROUP BY client_id HAVING count(*) = count(closed_on)
        """)

    def rows(self, sql: str) -> list[tuple]:
        return self._connection.execute(sql).fetchall()

    def one(self, sql: str) -> float:
        ((value,),) = self.rows(sql)
        return value

    def columns(self, sql: str) -> dict[str, np.ndarray]:
        return self._connection.execute(sql).fetchnumpy()


@pytest.fixture(scope="module")
def book(tmp_path_factory: pytest.TempPathFactory) -> SimulatedBook:
    directory = tmp_path_factory.mktemp("simulated") / "book"
    simulate(SETTINGS, directory)
    return SimulatedBook(directory)


def digests(directory: Path) -> dict[str, str]:
    files = [path for path in sorted(directory.rglob("*")) if path.is_file()]
    return {str(path.relative_to(directory)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def test_the_same_seed_gives_the_same_bytes_and_another_does_not(tmp_path: Path) -> None:
    simulate(SMALL, tmp_path / "a")
    simulate(SMALL, tmp_path / "b")
    simulate(SMALL.model_copy(update={"seed": 4}), tmp_path / "c")
    first = digests(tmp_path / "a")
    assert first == digests(tmp_path / "b")
    other = digests(tmp_path / "c")
    assert first.keys() == other.keys()
    same = {name for name in first if first[name] == other[name]}
    assert same == {"products.parquet", "truth/effects.parquet"}


def test_progress_runs_from_nothing_to_all(tmp_path: Path) -> None:
    seen: list[tuple[str, float]] = []
    simulate(SMALL, tmp_path / "book", progress=lambda step, share: seen.append((step, share)))
    shares = [share for _, share in seen]
    assert seen[0] == ("2021-01", 0.0)
    assert seen[-1] == ("done", 1.0)
    assert shares == sorted(shares)
    assert len(seen) == SMALL.months + 2


@pytest.mark.parametrize("name", TABLES)
def test_every_table_is_as_the_contract_says(book: SimulatedBook, name: str) -> None:
    contract = TABLES[name]
    table = pq.read_table(book.directory / f"{name}.parquet")
    table.validate(full=True)
    assert table.schema == contract.arrow_schema()
    assert len(table) > 0
    keys = table.select(list(contract.key))
    assert len(keys.group_by(list(contract.key)).aggregate([])) == len(table)
    for column in contract.columns:
        values = table[column.name]
        if column.required:
            assert values.null_count == 0, column.name
        if column.values:
            assert set(values.to_pylist()) - {None} <= set(column.values), column.name
        if column.low is not None:
            assert min(value for value in values.to_pylist() if value is not None) >= column.low, column.name
        if column.refers_to is not None:
            other, key = column.refers_to.split(".")
            ids = set(pq.read_table(book.directory / f"{other}.parquet", columns=[key])[key].to_pylist())
            assert set(values.to_pylist()) - {None} <= ids, column.name


def test_nothing_is_dated_or_known_outside_the_window(book: SimulatedBook) -> None:
    for name, contract in TABLES.items():
        for column in contract.columns:
            if column.type.name in {"DATE", "MONTH"} and column.name != "ends_on":
                late = book.one(f'SELECT count(*) FROM {name} WHERE "{column.name}" >= {END}')
                assert late == 0, (name, column.name)
    inside = {"balances": "month", "interactions": "at", "life_events": "occurred_on", "offers": "made_on"}
    for name, column in inside.items():
        first = book.one(f"SELECT count(*) FROM {name} WHERE \"{column}\" < DATE '2021-03-01'")
        # Prospects are met before the window, too.
        assert first == 0 or name == "offers"
    assert book.one("SELECT count(*) FROM contracts WHERE opened_on < DATE '2021-03-01'") > 2000


def test_the_two_clocks_run_forward(book: SimulatedBook) -> None:
    assert book.one("SELECT count(*) FROM contracts WHERE closed_on <= opened_on OR known_on < opened_on") == 0
    assert book.one("SELECT count(*) FROM contracts WHERE closing_known_on < closed_on") == 0
    assert book.one('SELECT count(*) FROM interactions WHERE known_on < "at"') == 0
    assert book.one("SELECT count(*) FROM life_events WHERE known_on < occurred_on") == 0
    assert book.one("SELECT avg((known_on > occurred_on + 30)::INT) FROM life_events") > 0.2
    assert 0.02 < book.one("SELECT count(closing_known_on) / count(closed_on) FROM contracts") < 0.12
    assert 0.005 < book.one("SELECT count(known_on) / count(*) FROM contracts") < 0.05


def test_a_client_joins_with_the_first_contract(book: SimulatedBook) -> None:
    assert book.one("SELECT count(*) FROM clients") == SETTINGS.clients
    differ = """
        SELECT count(*) FROM clients
        LEFT JOIN (SELECT client_id, min(opened_on) AS first FROM contracts GROUP BY 1) USING (client_id)
        WHERE first IS DISTINCT FROM joined_on
    """
    assert book.one(differ) == 0


def test_the_truth_covers_exactly_those_who_hold_a_contract_at_a_cut(book: SimulatedBook) -> None:
    held = """
        SELECT DISTINCT cut, client_id FROM (SELECT DISTINCT cut FROM truth_attrition)
        JOIN contracts ON opened_on < cut AND (closed_on IS NULL OR closed_on >= cut)
    """
    truth = "SELECT cut, client_id FROM truth_attrition"
    assert book.one(f"SELECT count(*) FROM ({held} EXCEPT {truth})") == 0
    assert book.one(f"SELECT count(*) FROM ({truth} EXCEPT {held})") == 0
    assert book.one(f"SELECT count(*) FROM ({truth} EXCEPT SELECT cut, client_id FROM truth_purchase)") == 0


def test_balances_follow_the_contracts_in_force_at_the_months_end(book: SimulatedBook) -> None:
    wanted = """
        SELECT contract_id, month FROM (SELECT DISTINCT month FROM balances)
        JOIN contracts ON opened_on < month + INTERVAL 1 MONTH
            AND (closed_on IS NULL OR closed_on >= month + INTERVAL 1 MONTH)
    """
    rows = "SELECT contract_id, month FROM balances"
    assert book.one(f"SELECT count(*) FROM ({wanted} EXCEPT {rows})") == 0
    assert book.one(f"SELECT count(*) FROM ({rows} EXCEPT {wanted})") == 0


def test_nobody_holds_more_of_a_product_than_allowed_or_a_card_without_account(book: SimulatedBook) -> None:
    held = """
        SELECT product_id, max(n) FROM (
            SELECT cut, client_id, product_id, count(*) AS n FROM (SELECT DISTINCT cut FROM truth_attrition)
            JOIN contracts ON opened_on < cut AND (closed_on IS NULL OR closed_on >= cut) GROUP BY ALL
        ) GROUP BY 1
    """
    most = {product.product_id: product.most for product in PRODUCTS}
    assert all(n <= most[product_id] for product_id, n in book.rows(held))
    loose = """
        SELECT count(*) FROM contracts AS i WHERE product_id = 'loan_insurance' AND NOT EXISTS (
            FROM contracts AS l WHERE l.client_id = i.client_id AND l.product_id = 'home_loan'
            AND l.opened_on <= i.opened_on AND l.ends_on = i.ends_on
            AND coalesce(l.closed_on, DATE '9999-01-01') >= coalesce(i.closed_on, DATE '9999-01-01')
        )
    """
    assert book.one(loose) == 0


def test_the_book_has_rates_a_banker_would_believe(book: SimulatedBook) -> None:
    years = "(SELECT count(*) / 12 FROM truth_attrition)"
    attrition = book.one(f"SELECT count(*) / {years} FROM ended WHERE reason = 'left'")
    assert 0.05 < attrition < 0.08
    assert 0.003 < book.one(f"SELECT count(*) / {years} FROM ended WHERE reason = 'death'") < 0.013
    reasons = dict(book.rows("SELECT reason, count(*) FROM ended GROUP BY 1"))
    assert reasons.keys() == {"left", "term", "death", "insurer"}
    sizes = [n for _, n in book.rows("SELECT cut, count(*) FROM truth_attrition GROUP BY 1 ORDER BY 1")]
    assert 0.9 < sizes[-1] / sizes[0] < 1.15
    holding = book.rows("""
        SELECT avg(n) FROM (
            SELECT cut, client_id, count(DISTINCT product_id) AS n FROM (SELECT DISTINCT cut FROM truth_attrition)
            JOIN contracts ON opened_on < cut AND (closed_on IS NULL OR closed_on >= cut) GROUP BY ALL
        ) GROUP BY cut
    """)
    assert all(2 < mean < 3 for (mean,) in holding)
    assert 0.05 < book.one("SELECT avg((kind = 'company')::INT) FROM clients") < 0.11
    per_advisor = book.one(
        "SELECT count(*) / (SELECT count(*) FROM advisors) FROM truth_attrition WHERE cut = '2021-03-01'"
    )
    assert 150 < per_advisor < 260


def test_leaving_and_buying_peak_in_january_and_september(book: SimulatedBook) -> None:
    for column, condition in (("closed_on", "close_reason = 'left'"), ("opened_on", "opened_on >= DATE '2021-03-01'")):
        counts = dict(book.rows(f"SELECT month({column}), count(*) FROM contracts WHERE {condition} GROUP BY 1"))
        usual = np.mean([counts[month] for month in (3, 4, 5, 6, 7, 8, 11, 12)])
        assert counts[1] > 1.15 * usual
        assert counts[9] > 1.15 * usual


def test_balances_have_a_heavy_tail(book: SimulatedBook) -> None:
    sql = """
        SELECT balance::DOUBLE AS balance FROM balances JOIN contracts USING (contract_id)
        WHERE product_id = 'life_insurance' AND month = DATE '2024-02-01' AND balance > 0
    """
    balance = book.columns(sql)["balance"]
    logs = np.log(balance)
    assert balance.mean() > 1.4 * np.median(balance)
    assert 0.7 < logs.std() < 1.8
    assert abs(((logs - logs.mean()) ** 3).mean() / logs.std() ** 3) < 1.2


def test_revenue_less_cost_is_near_the_annual_margin(book: SimulatedBook) -> None:
    sql = """
        SELECT margin_kind, any_value(annual_margin), count(*),
               12 * avg((revenue - cost)::DOUBLE) / any_value(CASE margin_kind WHEN 'amount' THEN 1 END),
               12 * sum((revenue - cost)::DOUBLE) / sum(balance::DOUBLE)
        FROM balances JOIN contracts USING (contract_id) JOIN products USING (product_id)
        WHERE family <> 'insurance' GROUP BY product_id, margin_kind
    """
    for kind, margin, count, amount, rate in book.rows(sql):
        assert count > 500
        assert (amount if kind == "amount" else rate) == pytest.approx(margin, rel=0.08)


def test_contacts_hold_claims_surveys_and_texts_that_need_escaping(book: SimulatedBook) -> None:
    kinds = dict(book.rows("SELECT kind, count(*) FROM interactions GROUP BY 1"))
    assert kinds.keys() == {"visit", "call", "email", "complaint", "claim", "review", "survey"}
    assert book.one("SELECT count(*) FROM interactions WHERE (nps IS NOT NULL) <> (kind = 'survey')") == 0
    assert 6 < book.one("SELECT avg(nps) FROM interactions") < 8.5
    assert 0.05 < book.one("SELECT avg((text IS NULL)::INT) FROM interactions") < 0.4
    assert len([name for (name,) in book.rows("SELECT name FROM clients") if name in HOSTILE]) >= 3
    uninsured = """
        SELECT count(*) FROM interactions AS i WHERE kind = 'claim' AND NOT EXISTS (
            FROM contracts JOIN products USING (product_id) WHERE client_id = i.client_id AND family = 'insurance')
    """
    assert book.one(uninsured) == 0


def test_values_are_missing_here_and_there(book: SimulatedBook) -> None:
    for table, column in (
        ("clients", "birth_date"), ("clients", "household_id"), ("clients", "source"), ("client_facts", "income"),
        ("client_facts", "net_worth"), ("balances", "cost"), ("life_events", "source"),
    ):  # fmt: skip
        share = book.one(f"SELECT avg(({column} IS NULL)::INT) FROM {table}")
        assert 0.001 < share < 0.6, (table, column)


def test_a_few_object_to_profiling_and_some_change_their_mind(book: SimulatedBook) -> None:
    newest = (
        "SELECT client_id, arg_max(granted, known_on) AS granted FROM consents WHERE purpose = 'profiling' GROUP BY 1"
    )
    share = book.one(f"SELECT count(*) / {SETTINGS.clients} FROM ({newest}) WHERE NOT granted")
    assert 0.015 < share < 0.08
    changed = "SELECT client_id FROM consents WHERE purpose = 'profiling' GROUP BY 1 HAVING count(DISTINCT granted) = 2"
    assert book.one(f"SELECT count(*) FROM ({changed})") > 5


def test_campaigns_hold_out_a_fifth_and_respect_objections(book: SimulatedBook) -> None:
    campaign = "FROM offers WHERE campaign_id IS NOT NULL"
    assert book.one(f"SELECT avg(held_out::INT) {campaign}") == pytest.approx(0.2, abs=0.02)
    assert book.one("SELECT count(*) FROM offers WHERE held_out AND outcome IS NOT NULL") == 0
    assert book.one("SELECT count(*) FROM offers WHERE (outcome = 'accepted') AND outcome_on IS NULL") == 0
    bought = """
        SELECT count(*) FROM offers AS o WHERE outcome = 'accepted' AND client_id IS NOT NULL AND NOT EXISTS (
            FROM contracts AS c WHERE c.client_id = o.client_id AND c.product_id = o.product_id
            AND c.opened_on = o.outcome_on)
    """
    assert book.one(bought) == 0
    objecting = """
        SELECT count(*) FROM offers JOIN (
            SELECT client_id FROM consents WHERE purpose = 'marketing' GROUP BY 1 HAVING NOT bool_or(granted)
            AND min(known_on) < DATE '2021-03-01'
        ) USING (client_id) WHERE campaign_id IS NOT NULL
    """
    assert book.one(objecting) <= 60  # only those who withdrew in the course of the window


def test_prospects_climb_the_steps_in_order(book: SimulatedBook) -> None:
    steps = ("identified", "qualified", "contacted", "engaged", "client")
    for earlier, later in itertools.pairwise(steps):
        wrong = f"""
            SELECT count(*) FROM prospect_status AS l LEFT JOIN prospect_status AS e
            ON e.prospect_id = l.prospect_id AND e.status = '{earlier}'
            WHERE l.status = '{later}' AND (e.known_on IS NULL OR e.known_on >= l.known_on)
        """
        assert book.one(wrong) == 0, later
    won = """
        SELECT count(*) FROM prospects AS p JOIN clients AS c ON c.client_id = became_client_id
        LEFT JOIN prospect_status AS s ON s.prospect_id = p.prospect_id AND s.status = 'client'
        WHERE s.known_on IS DISTINCT FROM joined_on
    """
    assert book.one(won) == 0
    assert book.one("SELECT count(*) FROM prospect_status WHERE (competitor IS NOT NULL) <> (status = 'lost')") == 0


def outcome_of_leaving(book: SimulatedBook, horizon: int) -> dict[str, np.ndarray]:
    return book.columns(f"""
        SELECT leave_{horizon} AS p, (reason = 'left' AND ended_on < cut + INTERVAL {horizon} MONTH) IS TRUE AS y
        FROM truth_attrition LEFT JOIN ended USING (client_id) WHERE cut <= {END} - INTERVAL {horizon} MONTH
    """)


def test_the_true_hazard_is_what_happens(book: SimulatedBook) -> None:
    sql = "SELECT hazard AS p, (reason = 'left' AND ended_on < cut + INTERVAL 1 MONTH) IS TRUE AS y"
    month = book.columns(f"{sql} FROM truth_attrition LEFT JOIN ended USING (client_id)")
    expected, variance = month["p"].sum(), (month["p"] * (1 - month["p"])).sum()
    assert abs(month["y"].sum() - expected) < 4 * np.sqrt(variance)
    top = month["p"] >= np.quantile(month["p"], 0.95)
    assert abs(month["y"][top].sum() - month["p"][top].sum()) < 4 * np.sqrt(month["p"][top].sum())


def test_the_oracle_of_leaving_is_good_but_not_perfect(book: SimulatedBook) -> None:
    six = outcome_of_leaving(book, 6)
    assert 0.78 < roc_auc_score(six["y"], six["p"]) < 0.88
    for horizon in (3, 6, 12):
        within = outcome_of_leaving(book, horizon)
        assert within["p"].mean() == pytest.approx(within["y"].mean(), rel=0.3)


@pytest.mark.parametrize(
    "product_id", ["premium_card", "home_loan", "life_insurance", "car_insurance", "home_insurance"]
)
def test_the_oracle_of_buying_is_good_but_not_perfect(book: SimulatedBook, product_id: str) -> None:
    within = book.columns(f"""
        SELECT t.{product_id}_6 AS p, count(c.contract_id) > 0 AS y
        FROM truth_purchase AS t LEFT JOIN contracts AS c ON c.client_id = t.client_id AND product_id = '{product_id}'
            AND c.opened_on >= cut AND c.opened_on < cut + INTERVAL 6 MONTH
        WHERE t.{product_id} > 0 AND cut <= {END} - INTERVAL 6 MONTH GROUP BY t.client_id, cut, p
    """)
    assert 0.72 < roc_auc_score(within["y"], within["p"]) < 0.92
    assert within["p"].mean() == pytest.approx(within["y"].mean(), rel=0.35)
