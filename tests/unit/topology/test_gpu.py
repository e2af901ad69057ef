"""Facts of GPUs and the arithmetic of groups."""

import pytest

from elastic_serving.topology.gpu import product_terms
from elastic_serving.topology.group import Group


def test_a_node_of_the_product_meets_one_term_whoever_labelled_it() -> None:
    assert product_terms("nvidia-l4") == [
        {"matchExpressions": [{"key": "nvidia.com/gpu.product", "operator": "In", "values": ["nvidia-l4"]}]},
        {"matchExpressions": [{"key": "cloud.google.com/gke-accelerator", "operator": "In", "values": ["nvidia-l4"]}]},
        {
            "matchExpressions": [
                {"key": "karpenter.k8s.aws/instance-gpu-name", "operator": "In", "values": ["nvidia-l4"]}
            ]
        },
    ]


@pytest.mark.parametrize(
    ("hosts", "per_host", "accelerators", "ranks"),
    [
        pytest.param(1, 1, 1, [0], id="one GPU"),
        pytest.param(1, 8, 8, [0], id="a whole machine of eight"),
        pytest.param(2, 8, 16, [0, 1], id="two machines of eight"),
        pytest.param(4, 4, 16, [0, 1, 2, 3], id="four hosts of four"),
    ],
)
def test_a_group_has_hosts_times_per_host_accelerators(
    hosts: int, per_host: int, accelerators: int, ranks: list[int]
) -> None:
    group = Group(hosts, per_host)
    assert group.accelerators == accelerators
    assert list(group.ranks) == ranks


@pytest.mark.parametrize(("hosts", "per_host"), [pytest.param(0, 1, id="no host"), pytest.param(1, 0, id="no GPU")])
def test_an_empty_group_cannot_be_written(hosts: int, per_host: int) -> None:
    with pytest.raises(ValueError, match=f"not {hosts} x {per_host}"):
        Group(hosts, per_host)
