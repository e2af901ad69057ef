"""Arithmetic of one replica: an atomic group of hosts with the same number of accelerators each."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Group:
    """``hosts`` pods, each on a node of its own, with ``per_host`` accelerators each; both are at least 1."""

    hosts: int
    per_host: int

    def __post_init__(self) -> None:
        if self.hosts < 1 or self.per_host < 1:
            raise ValueError(f"a group has at least 1 host with 1 accelerator, not {self.hosts} x {self.per_host}")

    @property
    def accelerators(self) -> int:
        """All of one replica: 2 hosts x 8 are 16."""
        return self.hosts * self.per_host

    @property
    def ranks(self) -> range:
        """Ranks of the hosts in order; 0 is the leader."""
        return range(self.hosts)
