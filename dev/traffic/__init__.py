"""Traffic for the local cluster: request and rate traces, or a bursty sample, replayed against a Service's endpoints.

Traces and samples are the simulator's (``elastic_serving.simulate``). ``arrivals`` and ``measure`` are pure,
``endpoints`` follows EndpointSlices, ``client`` asks once, ``replay`` sends all. Run ``python -m dev.traffic --help``.
Nothing of the operator may import this package.
"""
