"""The calendar's functions over every day of 130 years; the references see a few hours only."""

from datetime import UTC, datetime

import numpy as np
import pytest

from bateia.features import Plan, library
from references import REFERENCES

DAY = 86_400_000_000
DAYS = np.arange(0, (datetime(2100, 2, 1, tzinfo=UTC) - datetime(1970, 1, 1, tzinfo=UTC)).days)
NAMES = (
    "cycle_day",
    "year_day",
    "march_month",
    "month",
    "day_of_month",
    "days_in_month",
    "days_to_month_end",
)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("offset", [0, DAY - 1])
def test_every_day_until_2100(name, offset):
    time = DAYS * DAY + offset
    expected = REFERENCES[name].rows({"time": time.tolist()}, 0)
    np.testing.assert_array_equal(Plan({"it": f"{name}()"}).run({"time": time})["it"], expected)


@pytest.mark.parametrize("name", ["minute_of_day", "within_hours"])
def test_every_second_of_a_day(name):
    time = 1_709_164_800_000_000 + np.arange(86_400) * 1_000_000
    expected = REFERENCES[name].rows({"time": time.tolist()}, 0)
    np.testing.assert_array_equal(
        Plan({"it": REFERENCES[name].expression}).run({"time": time})["it"], expected
    )


def test_the_library_is_on_circles_and_flags():
    time = DAYS[-3000:] * DAY + DAYS[-3000:] % 1440 * 60_000_000
    found = Plan({name: feature.formula for name, feature in library("calendar").items()}).run({"time": time})
    for name in found:
        if name.endswith("_sin"):
            circle = found[name] ** 2 + found[name.replace("_sin", "_cos")] ** 2
            np.testing.assert_allclose(circle, 1)
        if name.endswith(("_session", "weekend", "overlap")):
            assert set(np.unique(found[name])) <= {0, 1}
