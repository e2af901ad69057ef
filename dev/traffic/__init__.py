"""Traffic for the local cluster: request and rate traces, or a bursty sample, replayed against a Service's endpoints.

``arrivals``, ``sample`` and ``measure`` are pure, ``trace`` reads files, ``endpoints`` follows EndpointSlices,
``client`` asks once, ``replay`` sends all. Run ``python -m dev.traffic --help``.
Nothing of the operator may import this package.
"""
