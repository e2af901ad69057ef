"""The engine fleet: one process that serves every leader pod of the local cluster as a simulated vLLM.

``service_model``, ``pods`` and ``kubelet`` are pure; ``engine`` is one engine's life, ``worker`` follows its pod,
``fleet`` all pods; ``control`` takes faults and pinned loads from tests, ``launch`` starts the process for them.
Run ``python -m dev.engines --help``. Nothing of the operator may import this package.
"""
