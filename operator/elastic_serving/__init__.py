"""Elastic Serving: a Kubernetes operator that scales model serving in whole replicas.

Layers, top to bottom; a layer imports only what is below it (pyproject.toml enforces it):
cli > app > handlers > observe, act, report > kube, scaling > api > topology.
"""
