"""The local cluster, the engine fleet, traffic and the demo: what developers and tests run, never what users install.

Nothing under ``operator/`` imports from here.
"""
