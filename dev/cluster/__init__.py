"""A real control plane on fake nodes: start, stop, break and repair its parts; nodes and their scripts; Prometheus.

May import ``dev.controlplane`` and the standard library's process tools. Knows no ElasticServing object; the pods'
labels are all it shares with the operator.
"""
