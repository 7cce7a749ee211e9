"""Scripts of connections that do anything wrong, for `loopback_stream`."""

from hypothesis import strategies as st

from loopback_stream import DROP

NOISE = ['{"e":"aggTrade"}', "no json", '{"result":null,"id":1}']


@st.composite
def faulty(draw, rows, said):
    """Connections that together say the last of these rows: `said` makes a message of one.

    Others are skipped, said twice, swapped, said again long after; connections drop, and say what is none.
    """
    script, scripts, at = [], [], 0
    while at < len(rows):
        what = draw(st.sampled_from(["say"] * 6 + ["skip", "again", "swap", "drop", "noise"]))
        if what in ("say", "again", "swap"):
            chosen = [rows[at]] * (2 if what == "again" else 1)
            if what == "swap" and 0 < at < len(rows) - 1:
                chosen = [rows[at + 1], rows[at], rows[draw(st.integers(0, at))]]
            script += [said(row) for row in chosen]
        elif what == "noise":
            script.append(draw(st.sampled_from(NOISE)))
        elif what == "drop":
            scripts.append([*script, DROP])
            script = []
        if what != "noise":
            at += 1
    return [*scripts, [*script, said(rows[-1])]]
