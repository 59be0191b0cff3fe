"""The commands as a user types them: exit codes, messages, and speed of the help."""

import json
import subprocess
import sys

import duckdb
import pytest
import yaml

COMMAND = [sys.executable, "-m", "appetence"]


def appetence(*arguments, cwd=None):
    return subprocess.run([*COMMAND, *map(str, arguments)], capture_output=True, text=True, check=False, cwd=cwd)


def test_the_help_imports_nothing_heavy():
    script = "import sys; sys.argv = ['appetence', '--help']\nfrom appetence.cli import main\ntry: main()\n"
    script += (
        "except SystemExit: pass\nheavy = {'pandas', 'numpy', 'pyarrow', 'duckdb', 'ibis', 'lightgbm', 'mlflow'}\n"
    )
    script += "print(sorted(heavy & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"
    assert all(
        name in done.stdout for name in ("run", "simulate", "check", "train", "backtest", "score", "explain", "report")
    )


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["nonsense"], 2, "No such command"),
        (["run", "--config", "missing.yaml"], 2, "config must be a file that exists"),
        (["score", "--revise"], 2, "--revise and --why go together"),
        (["tune", "attrition", "--trials", "1"], 2, "--trials"),
        (["tune", "attrition", "--time-budget", "0"], 2, "--time-budget"),
        (["score", "--why", "because"], 2, "--revise and --why go together"),
    ],
)
def test_wrong_use_is_told_in_one_message_with_exit_code_2(arguments, code, message, tmp_path):
    done = appetence(*arguments, cwd=tmp_path)
    assert done.returncode == code
    assert message in done.stderr
    assert "Traceback" not in done.stderr


def test_a_question_that_this_book_is_too_short_to_tune_is_refused(firm, tmp_path, write_config):
    attrition = {"min_events": 20, "horizon": 9}
    path = write_config(tmp_path, attrition=attrition, book={"directory": str(firm.root / "book")})
    done = appetence("tune", "attrition", "--config", path, "--json")
    assert done.returncode == 1
    told = json.loads(done.stdout)
    assert told["state"] == "refused"
    # by hand: cuts 6 and 9 before a fold at 18; cuts to 24, so that 21 and 24 calibrate; a test at 33, known from 42
    assert "needs 42 months of book" in told["verdict"]
    assert "il y en a 30" in told["verdict_fr"]
    unknown = appetence("tune", "attritoin", "--config", path)
    assert unknown.returncode == 2
    assert "Did you mean 'attrition'" in unknown.stderr


def test_explain_tells_a_clients_reasons_in_both_languages(firm):
    with duckdb.connect(firm.config.scoring.database, read_only=True) as connection:
        client, probability = connection.execute(
            "SELECT client_id, attrition_probability FROM current_client_scores ORDER BY 2 DESC LIMIT 1"
        ).fetchall()[0]
    asked = ("explain", "--config", firm.path, "--client", client, "--question", "attrition")
    found = json.loads(appetence(*asked, "--json").stdout)
    assert found["questions"]["attrition"]["probability"] == pytest.approx(probability, abs=1e-9)
    assert found["questions"]["attrition"]["reasons"][0]["theme"] == "baseline"
    french = appetence(*asked, "--language", "fr")
    assert french.returncode == 0
    assert "Niveau attendu" in french.stdout


def test_explain_does_not_repeat_an_id_that_has_no_scores(firm):
    done = appetence("explain", "--config", firm.path, "--client", "nobody-of-that-name")
    assert done.returncode == 1
    assert "must have scores" in done.stderr
    assert "nobody" not in done.stderr


def test_backtest_prints_tables_and_json_and_writes_its_page(firm, write_config, tmp_path):
    path = write_config(
        tmp_path,
        book={"directory": str(firm.root / "book")},
        features={"groups": ["tenure", "holdings"]},
        backtest={"tests": 1, "spacing": 3},
    )
    done = appetence("backtest", "attrition", "--config", path, "--json")
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert list(found["questions"]) == ["attrition"]
    assert found["report"].endswith("backtests/2023-06-attrition.html")
    assert "<svg" in (tmp_path / "reports" / "backtests" / "2023-06-attrition.html").read_text(encoding="utf-8")
    assert "measuring how far" in done.stderr
    wrong = appetence("backtest", "atrition", "--config", path)
    assert wrong.returncode == 2
    assert "attrition" in wrong.stderr


def test_run_prints_json_for_programs_and_progress_elsewhere(firm):
    done = appetence("run", "--config", firm.path, "--json")
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert found["changed"] is False
    assert found["scored"]["run_id"] == firm.first.scored.run_id
    assert "opening and checking the book" in done.stderr


def test_uplift_is_refused_with_exit_code_1_where_too_few_bought_and_leaves_the_scores_alone(firm):
    done = appetence("uplift", "--config", firm.path, "--json")
    assert done.returncode == 1, done.stderr
    found = json.loads(done.stdout)
    assert found["state"] == "refused"
    assert found["verdict"].startswith("refused: in the older campaigns")
    assert found["verdict_fr"].startswith("refusé : dans les campagnes plus anciennes")
    assert found["balance"]["p"] >= 0.01
    again = appetence("run", "--config", firm.path, "--json")
    assert json.loads(again.stdout)["changed"] is False
    unknown = appetence("uplift", "--config", firm.path, "--product", "livret_b")
    assert unknown.returncode == 2
    assert "Did you mean 'livret_a'?" in unknown.stderr


def write(root, name, text, encoding="utf-8"):
    (root / name).write_text(text, encoding=encoding)


CLIENTS = "numéro;né le;depuis\n0012;05/03/1980;01/02/2019\n0013;29/02/1972;15/06/2020\n0014;01/01/1990;01/01/2021\n"
CONTRACTS = "contrat;client;produit;ouvert;fermé;solde\n" + "".join(
    f"C{n};{client};{product};{opened};{closed};1 234,56\n"
    for n, (client, product, opened, closed) in enumerate(
        [
            ("0012", "vie", "01/02/2019", ""),
            ("0013", "vie", "15/06/2020", "01/03/2022"),
            ("0014", "auto", "01/01/2021", ""),
        ]
    )
)
DATE = {"format": "csv", "encoding": "latin-1", "delimiter": ";", "decimal": ",", "thousands": " "}
VIEWS = {
    "clients": """SELECT "numéro" AS client_id, 'person' AS kind, "depuis" AS joined_on, "né le" AS birth_date
                  FROM clients""",
    "products": """SELECT * FROM (VALUES ('vie', 'Life', 'Vie', 'savings', 20, 'amount'),
                   ('auto', 'Car', 'Auto', 'insurance', 30, 'amount'))
                   AS t(product_id, label_en, label_fr, family, annual_margin, margin_kind)""",
    "contracts": """SELECT "contrat" AS contract_id, "client" AS client_id, "produit" AS product_id,
                    "ouvert" AS opened_on, "fermé" AS closed_on FROM contracts""",
    "balances": """SELECT "contrat" AS contract_id, DATE '2022-12-01' AS month, "solde" AS balance, 0 AS revenue
                   FROM contracts""",
}


def own_book(root, clients=CLIENTS, contracts=CONTRACTS, **views):
    """Write a firm's own files as Excel in France does: latin-1, semicolons, decimal commas, day first."""
    write(root, "clients.csv", clients, "latin-1")
    write(root, "contracts.csv", contracts, "latin-1")
    sources = {
        "clients": DATE
        | {"path": "clients.csv", "date_format": "%d/%m/%Y", "columns": {"né le": "date", "depuis": "date"}},
        "contracts": DATE
        | {
            "path": "contracts.csv",
            "date_format": "%d/%m/%Y",
            "columns": {"ouvert": "date", "fermé": "date", "solde": "number"},
        },
    }
    config = {
        "name": "own",
        "book": {"sources": sources, "views": VIEWS | views, "observed_until": "2023-01-01"},
        "scoring": {"database": "scores.duckdb"},
        "reports": {"directory": "reports"},
    }
    write(root, "own.yaml", yaml.safe_dump(config, allow_unicode=True))
    return appetence("check", "--config", "own.yaml", "--json", cwd=root)


def test_a_latin_1_file_with_semicolons_and_decimal_commas_is_read_as_declared(tmp_path):
    done = own_book(tmp_path)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["rows"] == {"clients": 3, "products": 2, "contracts": 3, "balances": 3}


def test_a_wrong_column_names_the_view_the_column_and_the_nearest_right_one(tmp_path):
    done = own_book(tmp_path, contracts=CONTRACTS.replace("ouvert;", "ouverture;"))
    assert done.returncode == 1
    assert "ouvert" in done.stderr
    assert "ouverture" in done.stderr
    done = own_book(tmp_path, clients=CLIENTS, contracts=CONTRACTS, products="SELECT 'vie' AS produit_id")
    assert done.returncode == 1
    assert "products" in done.stderr
    assert "product_id" in done.stderr


def test_a_duplicated_client_is_an_error(tmp_path):
    done = own_book(tmp_path, clients=CLIENTS + "0012;05/03/1980;01/02/2019\n")
    assert done.returncode == 1
    (finding,) = json.loads(done.stdout)["findings"]
    assert (finding["table"], finding["check"], finding["keys"]) == ("clients", "duplicate_key", ["0012"])


def test_an_unknown_product_and_a_closing_before_its_opening_are_set_aside_and_too_many_stop(tmp_path):
    bad = "B1;0012;moto;01/02/2019;;0\nB2;0012;vie;01/02/2019;01/01/2019;0\n"
    done = own_book(tmp_path, contracts=CONTRACTS + bad)
    findings = {finding["check"]: finding for finding in json.loads(done.stdout)["findings"]}
    assert done.returncode == 1
    assert findings["too_many_set_aside"]["severity"] == "error"
    many = "".join(f"D{n};0012;vie;01/02/2019;;0\n" for n in range(60))
    done = own_book(tmp_path, contracts=CONTRACTS + bad + many)
    findings = {f["check"]: f for f in json.loads(done.stdout)["findings"] if f["table"] == "contracts"}
    assert done.returncode == 0
    aside = {name: f["keys"] for name, f in findings.items() if f["severity"] == "quarantine"}
    assert sorted(aside.values()) == [["B1"], ["B2"]]


def test_a_date_in_another_format_is_told_by_line_and_never_by_value(tmp_path):
    done = own_book(tmp_path, clients=CLIENTS.replace("29/02/1972", "1972-02-29"))
    assert done.returncode == 1
    assert "né le" in done.stderr
    assert "%d/%m/%Y" in done.stderr
    assert "1972" not in done.stderr
