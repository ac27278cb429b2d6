"""What a spec of a study comes to: its cases, its mechanisms and solvers, and the rows that its table will have."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from importlib import resources
from pathlib import Path
from typing import Any

from veridical.data import InputError, example, examples, files, load, observations
from veridical.data.case_record import HEAD, hashed
from veridical.data.measures import Measures
from veridical.data.record import check
from veridical.data.stamp import stamped
from veridical.families import RESERVED, Mechanism, family_of, find
from veridical.solvers import Configuration, configure
from veridical.solvers.configuration import from_file
from veridical.solvers.engines import refuse_missing
from veridical.studies.sweep import Bench, Group, Plan, StudySpec
from veridical.studies.sweep.outputs import SHORT
from veridical.studies.sweep.spec import CASES
from veridical.study_tasks import read_files, tasks_of, varied

__all__ = ["plan", "refuse_missing_solvers"]

LOG = logging.getLogger(__name__)
AUTO = "auto"  # what the table calls the solver that nobody has named


def plan(spec: Mapping[str, Any] | str | Path | StudySpec, bench: Callable[..., Bench], allow_files: bool = False) -> Plan:
    """Return a study as it is to be run; raises InputError, with the file where there is one, for what cannot be."""
    folder, file = None, None
    if isinstance(spec, str | Path):
        path = _shipped(spec) or Path(spec)
        folder, file = path.parent, path.name
        spec = files.read_toml(path, "study")
    with _of_file(file), files.outside_allowed(allow_files), observations.below(folder) as observed:
        checked = spec if isinstance(spec, StudySpec) else check(StudySpec, spec, file)
        cases = [_case(one, folder, allow_files) for one in checked.case]
        solvers = _labelled([_solver(one, folder, file, allow_files) for one in checked.solver or (None,)])
        _refuse_doubles("case", [case.name for case in cases])
        groups = _groups(checked, cases, solvers)
        tasks, columns = tasks_of(checked, groups)
        manifest = {
            **stamped({"name": checked.name, "case": {case.name: hashed(case) for case in cases}}),
            "mechanisms": list(dict.fromkeys(group.mechanism_name for group in groups)),
            "solver": {label: _settings(one) for label, one in solvers.items()},
            **{"vary": checked.vary_table(), "outputs": {"columns": list(checked.outputs.columns)}, "rows": len(tasks)},
        }
        read_files(cases, checked.axes)
        if observed:
            manifest["files"] = {name: hashed(numbers) for name, numbers in sorted(observed.items())}
        return Plan(
            checked.name,
            bench(tuple(groups), columns=checked.further, folder=folder and folder.resolve(), allow_files=allow_files),
            tuple(tasks),
            columns,
            checked.outputs.columns,
            manifest,
            _called(cases, columns),
            file,
        )


def refuse_missing_solvers(planned: Plan) -> None:
    """Raise InputError for a solver of a study that does not work on this machine."""
    for one in {group.label: group.configuration for group in planned.bench.groups}.values():
        if one is not None and one.solver not in RESERVED:
            try:
                refuse_missing(one)
            except InputError as error:
                raise InputError(*error.problems, file=planned.file) from None


def _called(cases: Sequence[Any], varied: Iterable[str]) -> dict[str, str]:
    """Return what figures of money, and prices that are varied, are called where cases of one kind have them in one currency."""
    said = {(family_of(case).kind, Measures.of(case).currency) for case in cases}
    if len(said) > 1:
        return {}
    (_, currency), words = said.pop(), family_of(cases[0]).drawn
    named = {**words, **{short: words[name] for short, name in SHORT.items() if name in words}}
    named |= {"objective": words["profit"]} if "profit" in words else {}
    fields = type(cases[0]).model_fields
    prices = [name for name in varied if name in fields and "currency per unit" in (fields[name].description or "")]
    rates = {name: f"{name.replace('_', ' ')}, {Measures.of(cases[0]).per_unit}" for name in prices if currency}
    return {name: f"{meaning}, {currency}" if currency else meaning for name, meaning in named.items()} | rates


def _shipped(name: str | Path) -> Path | None:
    """Return the file of a shipped study, by its name; None where it is the path of a file."""
    shipped = sorted(Path(str(resources.files("veridical.data"))).glob("studies/*.toml"))
    if Path(name).exists() or Path(name).suffix == ".toml":
        return None
    for path in shipped:
        if path.stem == str(name):
            return path
    raise InputError.of("spec", str(name), f"a TOML file, or a shipped study: {', '.join(path.stem for path in shipped)}")


@contextmanager
def _of_file(file: str | None) -> Iterator[None]:
    """Name the spec's file in errors that name none."""
    try:
        yield
    except InputError as error:
        raise InputError(*error.problems, file=error.file or file) from None


def _case(given: Any, folder: Path | None, allow_files: bool) -> Any:
    """Return a case: itself, a shipped one by its name, or that of a file or folder, which a spec in a file has below its own."""
    if not isinstance(given, str | Path):
        if folder is not None:
            raise InputError.of("case", given, CASES)
        family_of(given)
        return given
    path = (folder or Path()) / given
    if str(given) in examples() and not path.exists():
        return example(str(given))
    if not path.exists() and path.suffix != ".toml":
        raise InputError.of("case", str(given), f"a case file, a folder, or a shipped case: {', '.join(examples())}")
    if folder is None:
        return load(path, allow_files=allow_files)
    with files.inside(folder, str(given)) as inside:
        return load(inside / HEAD if inside.is_dir() else inside, allow_files=allow_files)


def _solver(given: Any, folder: Path | None, file: str | None, allow_files: bool) -> Configuration | None:
    if isinstance(given, Mapping) and file is not None:
        return from_file(given, file, allow_files=allow_files)
    if given is None or isinstance(given, Configuration | Mapping):
        return None if given is None else configure(given, allow_files=allow_files)
    if not isinstance(given, str | Path):
        raise InputError.of("solver", given, "a solver's name, a table of settings, or a TOML file; or a list of them")
    if folder is None or Path(given).suffix != ".toml":
        return configure(given, allow_files=allow_files)
    with files.inside(folder, str(given)) as path:
        return configure(path, allow_files=allow_files)


def _labelled(solvers: Sequence[Configuration | None]) -> dict[str, Configuration | None]:
    """Return solvers by what the table calls them: the name, and the settings of its own where it has any."""
    labels = []
    for one in solvers:
        settings = {name: value for name, value in _settings(one).items() if name != "solver"}
        words = ", ".join(f"{name}={value}" for name, value in settings.items())
        labels.append(AUTO if one is None else f"{one.solver} ({words})" if words else one.solver)
    _refuse_doubles("solver", labels)
    return dict(zip(labels, solvers, strict=True))


def _settings(one: Configuration | None) -> dict[str, Any]:
    """Return what a configuration says beside what they all do."""
    if one is None:
        return {}
    plain: dict[str, Any] = json.loads(json.dumps(one.model_dump(exclude_defaults=True), default=str))
    plain.pop("allow_files", None)
    return plain


def _refuse_doubles(field: str, names: Sequence[str]) -> None:
    for k, name in enumerate(names):
        if name in names[:k]:
            raise InputError.of(field, name, f"every {field} once, by names of their own")


def _groups(spec: StudySpec, cases: Sequence[Any], solvers: Mapping[str, Configuration | None]) -> list[Group]:
    """Return cases with the mechanisms that fit them, each by the solvers that have a way to it.

    What counts is the case at its points. Raises InputError for a mechanism that fits none, and for one for which no solver has
    a way.
    """
    if spec.mechanisms is None:
        return [group for case in cases for group in _by_solvers(case, _default(spec, case), None, solvers)]
    _refuse_doubles("mechanisms", [str(getattr(name, "name", name)) for name in spec.mechanisms])
    groups, refusals, fitted = [], dict[int, InputError](), set[int]()
    for case in cases:
        at_points = varied(spec, case)
        for place, name in enumerate(spec.mechanisms):
            mechanism = _first_found(at_points, name)
            if isinstance(mechanism, InputError):
                refusals[place] = mechanism
                continue
            fitted.add(place)
            groups += _by_solvers(case, mechanism, name, solvers)
    for place, refusal in refusals.items():
        if place not in fitted:
            raise refusal
    return groups


def _first_found(cases: Sequence[Any], name: Any) -> Mechanism | InputError:
    """Return the mechanism of that name for the first of the cases that it fits; the refusal where it fits none."""
    refusals = []
    for case in cases:
        try:
            return find(case, name)
        except InputError as error:
            refusals.append(error)
    return refusals[0]


def _default(spec: StudySpec, case: Any) -> Mechanism:
    """Return the mechanism of the kind's own that fits a case at every point; raises InputError where there is none."""
    at_points = varied(spec, case)
    own = [find(one, None) for one in at_points]
    for mechanism in dict.fromkeys(own):
        if all(mechanism.fits(one) for one in at_points):
            return mechanism
    names = " and ".join(dict.fromkeys(one.name for one in own))
    allowed = f"one or more by name: none of the kind's own takes every point of {case.name}, which are for {names}"
    raise InputError.of("mechanisms", "<nothing>", allowed)


def _by_solvers(case: Any, mechanism: Mechanism, name: Any, solvers: Mapping[str, Configuration | None]) -> list[Group]:
    groups, refusals = [], []
    for label, one in solvers.items():
        try:
            mechanism.route(None if one is None else one.solver, RESERVED, case.name)
        except InputError as error:
            refusals.append(error)
            continue
        groups.append(Group(case, name if isinstance(name, Mechanism) else mechanism.name, one, label))
    if not groups:
        raise refusals[0]
    for refusal in refusals:
        LOG.warning("left out: %s", refusal)
    return groups
