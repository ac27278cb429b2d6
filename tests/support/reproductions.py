"""Every reproduction that does not take minutes, made once for all tests, also where several processes run them."""

import pickle
from collections.abc import Iterator, Mapping
from fcntl import LOCK_EX, flock
from pathlib import Path

import pytest

from support.assembler_study import GRIDS
from veridical.studies import LONG, REPRODUCTIONS, Reproduction, reproduce
from veridical.studies.papers import continuous_costs


class Reproductions(Mapping[str, Reproduction]):
    """Reproductions by name, on coarser grids of costs for Proposition 4; each is made when it is asked for.

    Processes that have the same folder make each once between them: who comes second waits for the file of the first.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.made: dict[str, Reproduction] = {}

    def __getitem__(self, name: str) -> Reproduction:
        if name not in self.made:
            with (self.folder / f"{name}.pickle").open("a+b") as shared:
                flock(shared, LOCK_EX)
                shared.seek(0)
                if content := shared.read():
                    self.made[name] = pickle.loads(content)
                else:
                    self.made[name] = self._make(name)
                    shared.write(pickle.dumps(self.made[name]))
        return self.made[name]

    def __iter__(self) -> Iterator[str]:
        return (name for name in REPRODUCTIONS if name not in LONG)

    def __len__(self) -> int:
        return len(REPRODUCTIONS) - len(LONG)

    def _make(self, name: str) -> Reproduction:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(continuous_costs, "POINTS", GRIDS)
            (reproduction,) = reproduce([name])
        return reproduction
