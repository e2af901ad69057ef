"""SIMULATE: the same decisions over a virtual clock: traces, a simulated cluster, policies to compare with, scores.

May import what decides (``scaling``) and the resource (``api``); never a clock, a client or a handler. numpy, rich and
plotly are imported in here and in the commands only: the operator runs without them.
"""
