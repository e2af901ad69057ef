"""Addresses and ports no other cluster on this machine has: everything follows from one claimed number.

Number N gives pods 10.N.0.0/16, engines 127.N.0.0/16, Services 10.(N+128).0.0/16 and ten ports of 127.0.0.1.
The ports lie below the range from which the kernel serves outgoing connections (32768 up, see
net.ipv4.ip_local_port_range): a component that is restarted finds its port as it left it.
"""

import socket
from dataclasses import dataclass
from enum import IntEnum
from typing import Final

from dev.cluster.errors import ClusterError

FIRST, LAST = 64, 127
FIRST_PORT: Final = 20_000
PORTS_EACH: Final = 10
ADDRESS: Final = "127.0.0.1"


class Port(IntEnum):
    """What each of a cluster's ports is for: the offset from its first one."""

    ETCD_CLIENT = 0
    ETCD_PEER = 1
    API_SERVER = 2
    CONTROLLER_MANAGER = 3
    SCHEDULER = 4
    KWOK = 5
    PROMETHEUS = 6


@dataclass(frozen=True, slots=True)
class AddressRange:
    """The addresses of cluster ``number`` (64 to 127)."""

    number: int

    @property
    def pods(self) -> str:
        """CIDR of the pods' addresses; EndpointSlices refuse loopback, hence not 127."""
        return f"10.{self.number}.0.0/16"

    @property
    def engines(self) -> str:
        """CIDR on loopback where the engine of pod 10.N.x.y listens: 127.N.x.y."""
        return f"127.{self.number}.0.0/16"

    @property
    def services(self) -> str:
        """CIDR of the Services' virtual addresses; nothing answers there, there is no kube-proxy."""
        return f"10.{self.number + 128}.0.0/16"

    @property
    def service_of_the_api(self) -> str:
        """Address of the Service ``kubernetes``: the first of the range."""
        return f"10.{self.number + 128}.0.1"

    def port(self, purpose: Port) -> int:
        """Port of 127.0.0.1 for ``purpose``: 20000 for the first of cluster 64."""
        return FIRST_PORT + (self.number - FIRST) * PORTS_EACH + purpose


@dataclass(frozen=True, slots=True)
class Claim:
    """A range that is ours while ``lock`` is open, here or in any process that inherited it."""

    addresses: AddressRange
    lock: socket.socket

    def release(self) -> None:
        """Give our hold up; processes that inherited the lock keep theirs."""
        self.lock.close()


def claim_range() -> Claim:
    """The first free range; raises ClusterError when all 64 are taken.

    The lock is an abstract Unix socket's name: one per network namespace, like the addresses it stands for, and gone
    with its last holder, however that one ended.
    """
    for number in range(FIRST, LAST + 1):
        lock = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        addresses = AddressRange(number)
        try:
            lock.bind(f"\0elastic-serving/range/{number}")
            _check_ports(addresses)
        except OSError:
            lock.close()
            continue
        return Claim(addresses, lock)
    raise ClusterError(f"all {LAST - FIRST + 1} address ranges are taken; `python -m dev.cluster down` ends a cluster")


def _check_ports(addresses: AddressRange) -> None:
    for purpose in Port:
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # TIME_WAIT of a past cluster is no hindrance
            probe.bind((ADDRESS, addresses.port(purpose)))
