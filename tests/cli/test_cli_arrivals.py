"""Is every way in which users can fail to arrive noticed?"""

import pytest

from useresponse_async.cli._demo import DeliveryCheck


@pytest.mark.parametrize(
    ("pages", "problem"),
    [
        ([[1, 2], [3, 4]], None),
        ([[1, 2], [4]], "1 lost"),
        ([], "4 lost"),
        ([[1, 2, 3]], "1 lost"),
        ([[1, 2], [2, 3, 4]], "1 duplicated"),
        ([[1, 2], [1, 2], [3, 4]], "2 duplicated"),
        ([[3, 4], [1, 2]], "2 out of order"),
        ([[1, 2], [3, 4, 5]], "1 unknown"),
        ([[0, 1, 2], [3, 4, None]], "2 unknown"),
        ([[2, 2], [1, 9]], "2 lost, 1 duplicated, 1 out of order, 1 unknown"),
    ],
)
def test_what_is_wrong_is_said(pages, problem):
    arrivals = DeliveryCheck(4)
    for page in pages:
        arrivals.take(page)
    assert arrivals.problem() == problem


def test_arrivals_are_counted_each_time():
    arrivals = DeliveryCheck(4)
    arrivals.take([1, 1, 2])
    assert (arrivals.count, arrivals.lost, arrivals.duplicated) == (3, 2, 1)
