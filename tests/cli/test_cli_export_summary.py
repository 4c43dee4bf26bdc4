"""Does an export say what may be missing?"""

import pytest

from useresponse_async.cli._errors import Reporter
from useresponse_async.cli._export_run import Summary


def test_an_export_of_rows_that_kept_moving_says_where_some_may_be_missing(
    capsys: pytest.CaptureFixture[str],
):
    Summary(things="users", items=10, total=10, unsettled=2).tell(Reporter(), "users.jsonl")
    assert "users may be missing in 2 places" in capsys.readouterr().err


def test_an_export_of_rows_that_stood_still_warns_of_nothing(capsys: pytest.CaptureFixture[str]):
    Summary(things="users", items=10, total=10).tell(Reporter(), "users.jsonl")
    assert "warning" not in capsys.readouterr().err
