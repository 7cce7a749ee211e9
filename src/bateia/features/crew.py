"""One plan, several threads: each computes some of the features, all see every row."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

from bateia.core import Block
from bateia.core.events import Floats
from bateia.features.graph import Graph
from bateia.features.stream import Columns, Stream, given_columns, room_for


class Crew:
    """A plan in motion over large blocks, its features shared out; the same bits as of one `Stream`.

    Make it with `plan.crew(threads)`. What features of different threads have in common is computed twice.
    """

    def __init__(self, graph: Graph, parts: Sequence[Graph], plan: str, block: int) -> None:
        self.graph = graph
        self._streams = [Stream(part, plan, block) for part in parts]
        place = {name: row for row, name in enumerate(graph.outputs)}
        self._places = [[place[name] for name in part.outputs] for part in parts]

    @property
    def rows(self) -> int:
        """Events seen so far."""
        return self._streams[0].rows

    def run(self, block: Block | Columns, out: Floats | None = None) -> Floats:
        """A block of events of any length, as `Stream.run` takes it: (features, rows) out."""
        names = self.graph.columns
        columns = dict(zip(names, given_columns(names, block), strict=True))
        out = room_for(len(self.graph.outputs), len(next(iter(columns.values()))), out)

        def work(part: int) -> None:
            stream = self._streams[part]
            mine = [columns[name] for name in stream.graph.columns]
            stream.fill(mine, [out[row] for row in self._places[part]])

        # Compiled code leaves the GIL.
        with ThreadPoolExecutor(len(self._streams)) as pool:
            for done in [pool.submit(work, part) for part in range(len(self._streams))]:
                done.result()
        return out


def shares(graph: Graph, count: int) -> list[list[str]]:
    """Names of features in `count` groups of about equal work: the largest first, each where it adds least.

    >>> from bateia.features import Plan
    >>> plan = Plan({"a": "close - 1", "b": "(close - 1) / 2", "c": "volume - 1", "d": "(volume - 1) / 2"})
    >>> shares(plan.graph, 2)
    [['b', 'a'], ['d', 'c']]
    """
    needs: list[frozenset[int]] = []
    for k, slot in enumerate(graph.slots):
        own = {k} if slot.operator is not None else set()
        needs.append(frozenset(own.union(*(needs[i] for i in slot.inputs))))
    groups: list[list[str]] = [[] for _ in range(count)]
    done: list[set[int]] = [set() for _ in range(count)]
    for name, made in sorted(graph.outputs.items(), key=lambda item: -len(needs[item[1]])):
        least = min(range(count), key=lambda g: len(done[g] | needs[made]))
        groups[least].append(name)
        done[least] |= needs[made]
    return groups
