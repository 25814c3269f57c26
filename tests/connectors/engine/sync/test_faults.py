"""Faults are what was asked for, where it was asked for, and only where that is permitted."""

import pytest

from connectors.engine.sync.faults import FLUSH, MOMENTS, PERMISSION, Faults, read_faults
from dataflow.errors import ConfigError, DataflowError, InternalError, TransientError
from dataflow.runtime import SYSTEM
from machines.operations import StreamOperation

PERMITTED = {PERMISSION: "1"}


@pytest.mark.parametrize("environment", [{}, {PERMISSION: ""}, {PERMISSION: "0"}])
def test_a_fault_is_refused_where_it_is_not_permitted(environment: dict[str, str]) -> None:
    with pytest.raises(ConfigError, match="not permitted") as caught:
        read_faults(["after:swap=kill"], environment)

    assert PERMISSION in caught.value.remedy


def test_without_a_fault_nothing_need_be_permitted() -> None:
    assert read_faults([], {}) == ()


@pytest.mark.parametrize(
    "text",
    ["", "swap", "after:swap", "after:swap=die", "beside:swap=kill", "after:read=kill", "after:swap#0=kill"],
)
def test_a_fault_that_is_not_understood_is_refused_with_all_that_can_be_said(text: str) -> None:
    with pytest.raises(ConfigError, match="not understood") as caught:
        read_faults([text], PERMITTED)

    for word in ("during", "dedupe_and_swap", "flush", "hang"):
        assert word in caught.value.remedy


@pytest.mark.parametrize("operation", [*StreamOperation, FLUSH])
@pytest.mark.parametrize("moment", MOMENTS)
@pytest.mark.parametrize(("kind", "error"), [("transient", TransientError), ("permanent", InternalError)])
def test_a_fault_strikes_once_where_it_was_asked_to(
    moment: str, operation: str, kind: str, error: type[DataflowError]
) -> None:
    faults = Faults(read_faults([f"{moment}:{operation}#2={kind}"], PERMITTED), SYSTEM.threads)

    faults.strike(moment, operation)
    faults.strike(moment, "another")
    with pytest.raises(error, match="requested fault"):
        faults.strike(moment, operation)
    faults.strike(moment, operation)
