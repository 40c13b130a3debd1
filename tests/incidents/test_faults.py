"""The faults that `faults.py` plants are still faults of the present code."""

from __future__ import annotations

import pytest

from tests.incidents.faults import FAULTS, PACKAGE, ROOT, Fault

TESTS = "\n".join(path.read_text() for path in (ROOT / "tests" / "incidents").glob("test_*.py"))


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.test)
def test_a_fault_can_be_planted(fault: Fault) -> None:
    """Its place is in the code once, what is planted is other code, and its test exists."""
    text = (PACKAGE / fault.path).read_text()
    assert text.count(fault.right) == 1
    compile(text.replace(fault.right, fault.wrong), fault.path, "exec")
    assert fault.wrong != fault.right
    assert TESTS.count(f"def {fault.test}(") == 1
