"""What a model of parties says of itself: its blocks, prices and numbers, and how the duals of its constraints are named."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from dataclasses import dataclass, field
from typing import Any

from veridical.data.arrays import Array
from veridical.models.info import ModelInfo

__all__ = ["Families", "PlanInfo", "Square"]


@dataclass(frozen=True)
class Families:
    """A role's constraints: what the parts of their index are called, by family, and which families are identities."""

    role: str
    index_names: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    identities: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Square:
    """A square that tangents stand for: weight / 2 * variable squared, of which `charge` is the largest tangent."""

    variable: Any
    weight: Any
    charge: Any
    tangents: Any
    points: list[float] = field(default_factory=lambda: [0.0])

    @property
    def exact(self) -> Any:
        """The square itself, currency: an expression."""
        return self.weight / 2 * self.variable**2

    def short(self, value: float) -> float:
        """Return by how much the largest tangent is below the square at a value of the variable, relative to the square."""
        return min(((value - point) / value) ** 2 for point in self.points) if value else 0.0

    def touch(self, point: float) -> None:
        """Add the tangent at a point."""
        self.points.append(point)
        self.tangents.add(self.weight * (point * self.variable - point**2 / 2) <= self.charge)


@dataclass
class PlanInfo(ModelInfo):
    """The record of a model of one party or several.

    shared: what its flows are. parties: the blocks by name; None for one party's own model. families: each party's role and
    constraints. price: of routes, where several parties have it in common. start: the baseline, units, one a flow, where there is
    one.
    """

    shared: Any = None
    parties: Any = None
    families: dict[str, Families] = field(default_factory=dict)
    price: Any = None
    start: Array | None = None
    squares: list[Square] = field(default_factory=list)

    def note(self, party: str, param: Any) -> None:
        """Note the numbers of a Param by name, `Alder.production_capacity[3]`; `party` is empty where it is no party's."""
        name = f"{party}.{param.local_name}" if party else param.local_name
        for key, number in param.items():
            parts = key if isinstance(key, tuple) else (key,)
            self.parameters[name if key is None else f"{name}[{','.join(map(str, parts))}]"] = number

    def take(self, name: str, block: Any, families: Families) -> None:
        """Note what a party's constraints are: those that its block has, of all that its role can have."""
        names = {family: parts for family, parts in families.index_names.items() if block.component(family) is not None}
        self.families[name] = Families(families.role, names, families.identities & names.keys())

    def close(self, of_model: Mapping[str, tuple[str, ...]]) -> None:
        """Put together the names of all families; `of_model` are those of constraints between parties, identities all of them."""
        self.name_of = self.dual_key
        self.index_names = {}
        for party in self.families.values():
            for family, parts in party.index_names.items():
                if 1 + len(parts) > len(self.index_names.get(family, ())):
                    self.index_names[family] = ("party", *parts)
        self.index_names |= of_model
        self.identities = frozenset(of_model).union(*(party.identities for party in self.families.values()))
        for party in self.families.values():
            for family, parts in party.index_names.items():
                if not set(parts) <= set(self.index_names[family]):  # another role has a family of this name, and other parts
                    self.index_names[f"{party.role}.{family}"] = ("party", *parts)

    def dual_key(self, constraint: Any) -> tuple[str, Hashable]:
        """Return a constraint's family and key in the duals: the party's name comes before its own index.

        Where a family has a part more in one role than in another (the site of a stock), that part is None. A constraint of
        the user's own that has the name of another family has its role's name, or the model's, before it.
        """
        party, family, index = self.place_of(constraint)
        if party is not None:
            return self.key_of(party, family, index)
        names = self.index_names.get(family)
        return (f"{constraint.model().name}.{family}" if names and names[0] == "party" else family), index

    def key_of(self, party: str, family: str, index: Any) -> tuple[str, Hashable]:
        """Return the family and key in the duals of what stands on a party's block, by its family and index there."""
        names = self.index_names.get(family)
        declared = self.families[party].index_names.get(family)
        key = () if index is None else index if isinstance(index, tuple) else (index,)
        if names is not None and names[1:] != declared:
            if declared is None or not set(declared) <= set(names):
                family = f"{self.families[party].role}.{family}"
            else:
                known = dict(zip(declared, key, strict=True))
                key = tuple(known.get(name) for name in names[1:])
        return family, (party, *key) if key else party

    def place_of(self, constraint: Any) -> tuple[str | None, str, Any]:
        """Return whose block of this model a constraint stands on, its family there, and its index; nobody's: None."""
        family, block = constraint.parent_component().local_name, constraint.parent_block()
        while block.parent_block() is not None and block.parent_component() is not self.parties:
            family, block = f"{block.local_name}.{family}", block.parent_block()
        return None if block.parent_block() is None else block.index(), family, constraint.index()
