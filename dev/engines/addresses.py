"""Where an engine of the local cluster listens: pod 10.N.y.z is 127.N.y.z on this machine.

EndpointSlice refuses loopback addresses, so pods get addresses in 10.N from kwok while the engines listen in 127.N;
Prometheus maps them with the same rule in its relabelling.
"""

from ipaddress import IPv4Address, IPv4Network

import click


class PodRange(click.ParamType[IPv4Network]):
    """``10.64`` or ``10.64.0.0/16``: the pods' addresses."""

    name = "range"

    def convert(
        self, value: str | IPv4Network, param: click.Parameter | None, ctx: click.Context | None
    ) -> IPv4Network:
        """The network, or a usage error that names the legal form."""
        try:
            return value if isinstance(value, IPv4Network) else parse_pod_range(value)
        except ValueError as error:
            self.fail(str(error), param, ctx)


def parse_pod_range(text: str) -> IPv4Network:
    """``10.64`` as 10.64.0.0/16. ValueError with one sentence for anything outside 10.0 to 10.255."""
    try:
        network = IPv4Network(text if "/" in text else f"{text}.0.0/16")
    except ValueError:
        network = None
    if network is None or not network.subnet_of(IPv4Network("10.0.0.0/8")):
        raise ValueError(
            f'the pod range is "{text}"; it must be 10.N with N from 0 to 255, or a network within 10.0.0.0/8'
        )
    return network


def loopback_of(pod_ip: str, pod_range: IPv4Network) -> str | None:
    """The engine's own address for the pod's; None where the pod is not in the range (it is on a real node)."""
    address = IPv4Address(pod_ip)
    return str(IPv4Address(int(address) & 0x00FFFFFF | 127 << 24)) if address in pod_range else None
