"""The command line: ``elastic-serving COMMAND``. Exit codes: 0 done, 1 failed, 2 wrong use; errors are one sentence."""

import importlib
from typing import Final

import click

COMMANDS: Final = ("run", "decide", "replay", "explain", "simulate", "backtest", "crds")
"""Each is the function of that name in the module of that name in ``commands``; help lists them in this order."""


class _Lazy(click.Group):
    """Imports a command when it is asked for, so that one command does not wait for the imports of another."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002  # click's signature
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002  # click's signature
        if cmd_name not in COMMANDS:
            return None
        found: click.Command = getattr(importlib.import_module(f"elastic_serving.commands.{cmd_name}"), cmd_name)
        return found


@click.group(cls=_Lazy)
@click.version_option(package_name="elastic-serving")
def main() -> None:
    """Elastic Serving: scales model serving on Kubernetes."""
