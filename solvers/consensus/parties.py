"""Who answers for each party of a case: what his agent is made from, where it runs, and what it says of itself."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from veridical.data import InputError
from veridical.data.fields import check
from veridical.data.joint_plan import AtHome, JointPlanCase
from veridical.solvers.cluster import CONNECTING, connected
from veridical.solvers.configuration import Configuration
from veridical.solvers.consensus.carriers import AgentSpec, Network, Workers
from veridical.solvers.consensus.carriers.spec import effective, traits_of, unsafe
from veridical.solvers.consensus.messages import AgentTraits
from veridical.solvers.consensus.opening import opened, tokens
from veridical.solvers.consensus.options import Options

__all__ = ["Parties"]


@dataclass
class Parties:
    """The parties of a run as options and whoever plans have them: `agents` of users' own, a `client` of a cluster, `tokens`."""

    configuration: Configuration
    options: Options
    agents: Mapping[str, Any]
    client: Any = None
    tokens: dict[str, str] | None = None  # of agents at home

    def spec(self, case: JointPlanCase, name: str) -> AgentSpec:
        """Return what the agent of a party is made from; raise InputError where it cannot be made of anything."""
        party, meant = case.party(name), AgentSpec()
        if isinstance(party, AtHome):
            meant = AgentSpec(world=(party.state or 0, party.week or 0), lie=party.lie)
        if name in self.agents:
            return replace(meant, agent=self.agents[name])
        settings = self.options
        if settings.workers == "network" and name in self._at_home(case):
            return meant
        if case.shared.truckload:
            raise InputError.of("truckload", True, "false: whole trucks have no prices, and no consensus", case.name)
        interface = settings.interfaces.get(name, "proximal")
        noise = settings.noise if name in case.suppliers else 0.0
        if noise and interface != "proximal":
            raise self.configuration.error_for("options.noise", noise, f"0, or proximal suppliers; {name} is {interface}")
        convexity, smoothness = settings.strong_convexity.get(name), settings.smoothness.get(name)
        return AgentSpec(case.part(name), interface, convexity, smoothness, noise=noise)

    def _at_home(self, case: JointPlanCase) -> Collection[str]:
        """Return who answers from home: whose record is there, and whoever has a token."""
        if self.tokens is None:
            self.tokens = tokens(self.configuration, self.options, case.names)
        return {*self.tokens, *case.at_home}

    def traits(self, name: str, spec: AgentSpec, workers: Workers) -> AgentTraits:
        """Return what a party's agent is; refuse what cannot converge."""
        if spec.remote:
            assert isinstance(workers, Network)
            return workers.traits(name)
        try:
            declared = traits_of(spec.agent) if spec.part is None else spec.traits
        except (Exception, SystemExit) as error:
            allowed = f"an agent that says how it answers ({type(error).__name__} when it was asked)"
            raise InputError.of(f"agents.{name}", "<an agent>", allowed, "consensus") from None
        try:
            traits = check(AgentTraits, declared, "consensus")
        except InputError as error:
            raise error.within(f"agents.{name}") from None
        if (lacking := unsafe(traits)) is not None:
            field, value, allowed = lacking
            raise self.configuration.error_for(f"options.{field}.{name}", value, allowed)
        return effective(traits)

    def open(self, case: JointPlanCase, specs: dict[str, AgentSpec]) -> Workers:
        """Return the agents, each where it runs; raises InputError for options and agents of nobody."""
        settings = self.options
        for field in ("interfaces", "strong_convexity", "smoothness"):
            for name, value in getattr(settings, field).items():
                if name not in specs:
                    raise self.configuration.error_for(f"options.{field}.{name}", value, f"parties: {', '.join(specs)}")
        for name in self.agents:
            if name not in specs:
                raise InputError.of("agents", name, f"parties: {', '.join(specs)}", "consensus")
        known = {name: case.shared.digests(name) for name, spec in specs.items() if spec.remote}
        return opened(self.configuration, settings, specs, self._client, self.tokens or {}, known)

    def _client(self) -> Any:
        if self.client is not None:
            return self.client
        if self.options.scheduler is None:
            raise self.configuration.error_for("options.scheduler", None, "the address of a Dask scheduler, or a client")
        timeout = min(self.options.timeout, CONNECTING)
        self.client = connected(self.options.scheduler, timeout, partial(self.configuration.error_for, "options.scheduler"))
        return self.client
