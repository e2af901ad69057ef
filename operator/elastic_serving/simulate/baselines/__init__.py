"""BASELINES: other autoscalers as policies of a simulated world, from their documentation and source.

Each module names what it follows and where it departs. All of them get the same terms (``terms.py``), and none is
tuned to a trace. What they assume is told in docs/explanation/compared-with-others.md.
"""
