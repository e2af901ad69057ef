"""Loads the plugin that remembers which promises the run proved; fixtures stand in tests/conftest.py."""

pytest_plugins = ["tests.support.promises"]
