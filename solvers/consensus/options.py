"""How a consensus is asked for: the options of `solver = "consensus"`, checked."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

from pydantic import Field, field_validator

from veridical.data.fields import Flag, NonNegative, Positive, Record, check, number, whole, wrong
from veridical.solvers.configuration import Configuration, configure
from veridical.solvers.consensus.messages import INTERFACES

__all__ = ["TRANSPORT", "Options", "options"]

# Options that say how questions travel, and not what is asked: they may differ where a run is gone on with.
TRANSPORT = ("listen", "certificate", "key", "tokens", "scheduler", "timeout", "absence", "restarts", "state", "resume")

CHOICES = {"workers": ("inline", "processes", "dask", "network"), "when_lost": ("hold", "stop"), "values": ("always", "checks")}


class Options(Record):
    """Options of a consensus run.

    gap: between plan and lower bound, relative to the savings, at which it stops. rounds: the most. rho: weight of the proximal
    terms for a typical flow, currency per unit squared; None: 0.3 over the typical flow of the baseline. Flows of which less is
    usual, or of which a unit has more m3, have a larger one. relaxation: of the receivers' answers, 1 to below 2. balance: rounds
    after which rho is balanced by the residuals where they are far apart (it is lowered after round 15 too, and raised after 28,
    and with a fee evened out among flows after every fifth and later every tenth), 0: never. check: rounds from one certificate
    to the next. patience: rounds for which an agent's last answer stands in for it. when_lost: whether a supplier who is lost
    for good is held at the baseline and the rest planned again, or the run stops. timeout: seconds that a question waits,
    wherever the agent runs: who answers within patience of them, however late each time, counts; who hangs is lost after
    patience + 1, or + 2 where a proof waits for him. restarts: how often an agent that died is started anew. workers: inline,
    processes, dask or network; scheduler: the cluster's address.
    interfaces: of parties that are not proximal: dual or primal; strong_convexity and smoothness: of the costs of dual and
    primal agents, by party, currency per unit squared. largest: units above which no flow is worth while, needed where no side
    can answer for a price alone.

    shuffle: whether plans that are asked for together (that of all, and those without somebody) are made in turn, a few rounds
    each in an order that is drawn every time, and as many of each: then an agent cannot tell by order or number of questions
    which of those it takes part in is the plan of all. By default where workers = network. What comes of it is the same to the
    last digit, for agents that answer the same whatever they were asked before; it takes more rounds (`turns`).

    With workers = network agents are at home with their own firms and come in at `listen`, HOST:PORT, with TLS by `certificate`
    and `key`, PEM files; without them on this machine alone. tokens: a TOML file with the SHA-256 of each party's token, hex.
    absence: seconds that a party which is not connected is waited for, at the start and later; then it is lost. The network's
    agents say themselves what they are, so that `interfaces`, `noise` and the like are theirs to set.

    state: a file in which all answers are kept while a run lasts, so that it can be gone on with where the coordinator was cut
    short; resume: whether to do that. Files lie below the folder of the TOML file that names them.

    What lessens what answers reveal, measured in `veridical.studies.disclosure`; agents of your own do as they like.
    values: whether every answer carries its support's value, an exact number, or in rounds with a check alone; an agent without
    the method `step` goes on telling it. With a larger `check` costs are asked less often as well. It hides levels of cost and
    nothing else: marginal costs at the plans answered stay readable, and with them contracts, congestion, differences of costs.
    noise: how far, at most and relative, what suppliers answer is off: each answers for his flows to a site times a factor of
    his own, drawn once from 1 - noise to 1 + noise. Contracts and congestion are then known up to these factors, costs per m3
    as well as before. Bounds stay proven and the gap true, but how near it comes depends on the factors. Of 100 draws with
    noise = 0.2 the gap was 0.4 times the noise in the median and 1.04 at most on the pilot, 0.7 and 2.9 on the marketplace,
    where 17 were above the noise and two above twice (`benchmarks/noise.py`): gap = 3 noise is to be allowed, and a run that
    comes to no such gap ends in NotSolvedError after `rounds`. Costs of plans, which are asked at checks, stay exact: enough of
    them give the factors away. What receivers answer is the plan that is carried out, and stays as it is. Factors are drawn
    anew whenever an agent is made: in every run, after a restart, and where an audit tries another record of its party, and
    then the true one again. So no two runs are alike, transfers and audits are as exact as the gap, and who sees many draws can
    take their mean.

    Examples
    --------
    >>> Options(rounds=200, values="checks").gap
    0.001
    """

    gap: Positive = 1e-3
    rounds: int = 500
    rho: Positive | None = None
    relaxation: Positive = 1.6
    balance: int = 10
    check: int = 5
    patience: int = 10
    when_lost: Literal["hold", "stop"] = "hold"
    timeout: Positive = 300.0
    restarts: int = 0
    workers: Literal["inline", "processes", "dask", "network"] = "inline"
    scheduler: str | None = None
    listen: str = "127.0.0.1:8443"
    certificate: str | None = None
    key: str | None = None
    tokens: str = "tokens.toml"
    absence: Positive = 300.0
    state: str | None = None
    resume: Flag = False
    interfaces: dict[str, str] = Field(default_factory=dict)
    strong_convexity: dict[str, Positive] = Field(default_factory=dict)
    smoothness: dict[str, NonNegative] = Field(default_factory=dict)
    largest: Positive | None = None
    shuffle: bool | None = None
    values: Literal["always", "checks"] = "always"
    noise: float = 0.0

    @property
    def hides(self) -> bool:
        """Whether it is hidden from agents which plan they are asked for."""
        return self.workers == "network" if self.shuffle is None else self.shuffle

    @field_validator("rounds", "check", "patience", "balance", "restarts", mode="before")
    @classmethod
    def _count(cls, value: object, info: Any) -> object:
        return whole(value, 0 if info.field_name in ("balance", "restarts") else 1)

    @field_validator("listen", mode="before")
    @classmethod
    def _listen(cls, value: object) -> object:
        host, _, port = value.rpartition(":") if isinstance(value, str) else ("", "", "")
        if not host or not (port.isascii() and port.isdigit() and int(port) < 2**16):
            raise wrong(value, "HOST:PORT, as 0.0.0.0:8443, where agents come in")
        return value

    @field_validator("relaxation")
    @classmethod
    def _relaxed(cls, value: float) -> float:
        if not 1.0 <= value < 2.0:
            raise wrong(value, "a number from 1 to below 2")
        return value

    @field_validator("noise", mode="before")
    @classmethod
    def _small(cls, value: object) -> object:
        return number(value, "a number from 0 to 0.5", lambda x: 0 <= x <= 0.5)

    @field_validator("workers", "when_lost", "values", mode="before")
    @classmethod
    def _known(cls, value: object, info: Any) -> object:
        if value not in CHOICES[info.field_name]:
            raise wrong(value, f"one of {', '.join(CHOICES[info.field_name])}")
        return value

    @field_validator("interfaces", mode="before")
    @classmethod
    def _interfaces(cls, value: object) -> object:
        if not isinstance(value, Mapping):
            raise wrong(value, "a table: a party's name and its interface")
        for name, interface in value.items():
            if interface not in INTERFACES:
                raise wrong(interface, f"one of {', '.join(INTERFACES)}", str(name))
        return value


def options(solver: str | Path | Mapping[str, Any] | Configuration) -> tuple[Configuration, Options]:
    """Return configuration and options; raises InputError with the names near one that is not known."""
    configuration = configure(solver)
    if configuration.solver != "consensus":
        raise configuration.error_for("solver", configuration.solver, "consensus")
    for name, value in configuration.options.items():
        if name not in Options.model_fields:
            near = difflib.get_close_matches(name, Options.model_fields, 3, 0.4) or sorted(Options.model_fields)
            raise configuration.error_for(f"options.{name}", value, f"an option of consensus; near it: {', '.join(near)}")
    return configuration, check(Options, configuration.options, configuration._file)
