"""Registering an operator: its name, its signature, its compiled address."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from bateia.kernels.operator import OPERATORS, Number, Operator, Window, operator


def test_a_registered_operator_knows_itself():
    def half_(start, stop, x, out, p, s):
        """Half of x.

        More.
        """
        for i in range(start, stop):
            out[i] = 0.5 * x[0][i]
        return 0

    try:
        made = operator("x", params=(Window("rows", timed=False), Number("q", default=0.5)), source="none")(
            half_
        )
        assert made is OPERATORS["half"]
        assert made.signature == "half(x, rows, q=0.5)"
        assert (made.about, made.source, made.window) == ("Half of x.", "none", None)
        assert (made.history((3.0,)), made.warmup((3.0,)), made.state((3.0,))) == (0, 0, 0)
        assert made.kernel is half_
        with pytest.raises(ValueError, match="the operator 'half' exists; allowed: a new name"):
            operator("x")(half_)
    finally:
        del OPERATORS["half"]


@pytest.mark.compiled
def test_a_kernel_is_compiled_once():
    made = OPERATORS["sum"]
    assert made.address == made.address != 0
    assert made.window == Window()


@pytest.mark.compiled
def test_threads_that_ask_together_get_one_address():
    """The second compilation would free the first one's code, which a stream may already run."""

    def third(start, stop, x, out, p, s):
        for i in range(start, stop):
            out[i] = x[0][i] / 3.0
        return 0

    ask = vars(Operator)["address"].func  # without the memory of the property, as threads may see it
    made = Operator("third", ("x",), (), third)
    with ThreadPoolExecutor(4) as pool:
        addresses = list(pool.map(lambda _: ask(made), range(8)))
    assert set(addresses) == {made.address}
