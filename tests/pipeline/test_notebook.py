"""The notebook of five questions is run whole, and answers what other tables say."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest

from tests.support import shop

NOTEBOOK = Path(__file__).parents[2] / "examples/notebook/questions.py"
pytest.importorskip("marimo", reason="needs the extra `notebook`: pip install -e '.[notebook]'")


def test_the_notebook_answers_its_questions(
    finished_home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KPI_HOME", str(finished_home))
    spec = importlib.util.spec_from_file_location("questions", NOTEBOOK)
    assert spec is not None
    assert spec.loader is not None
    notebook = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(notebook)
    _, told = notebook.app.run()

    def ask(sql: str) -> object:
        return shop.query(finished_home, sql)[0][0]

    sold = ask("select sum(paid_amount) from marts.fct_orders where is_paid")
    assert told["weeks"]["gmv"].sum() == sold
    assert len(told["factors"]) == 6
    assert told["factors"]["effect"].sum() == pytest.approx(
        ask(
            "select (b.gmv - a.gmv)::double"
            " from marts.fct_gmv_daily as a inner join marts.fct_gmv_daily as b"
            " on b.business_date = a.business_date + 7 and a.dimension = b.dimension"
            " where b.dimension = 'all' order by b.business_date desc limit 1"
        )
    )
    newest = told["cohorts"].filter(age_months=0)
    assert newest["customers"].sum() == ask(
        # of months that are over
        "select count(*) from marts.dim_customer where first_order_date <"
        " (select date_trunc('month', max(business_date)) from marts.fct_gmv_daily)"
    )
    assert told["reasons"]["refunded_amount"].sum() == ask(
        "select sum(refunded_amount) from marts.fct_orders where is_paid"
    )
    assert told["reasons"]["share"].sum() == pytest.approx(1)
    assert told["stock"]["days_of_stock"].is_sorted()
    assert len(told["stock"]) > 0
