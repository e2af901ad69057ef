"""``elastic-serving run``: the operator."""

import asyncio
import os
import sys

import click

from elastic_serving.errors import ElasticServingError


@click.command(short_help="Run the operator.")
def run() -> None:
    """Run the operator; settings are environment variables ELASTIC_SERVING_<FIELD>.

    \b
    Example:
      ELASTIC_SERVING_KUBECONFIG=~/.kube/config \\
      ELASTIC_SERVING_PROMETHEUS_URL=http://127.0.0.1:9090 elastic-serving run
    """
    from pydantic import ValidationError

    from elastic_serving import app
    from elastic_serving.settings import Settings, unknown_variables

    for name in unknown_variables(os.environ):
        click.echo(f"{name} is no setting and is ignored", err=True)
    try:
        settings = Settings()
    except ValidationError as error:
        raise click.UsageError(
            "; ".join(_sentence(detail["loc"], detail["msg"]) for detail in error.errors())
        ) from None
    try:
        asyncio.run(app.run(settings))
    except* ElasticServingError as group:
        click.echo("; ".join(str(error) for error in _leaves(group)), err=True)
        sys.exit(1)


def _sentence(location: tuple[int | str, ...], problem: str) -> str:
    field = "_".join(str(part) for part in location).upper()
    return f"ELASTIC_SERVING_{field}: {problem}" if field else problem.removeprefix("Value error, ")


def _leaves(group: BaseExceptionGroup[ElasticServingError]) -> list[BaseException]:
    leaves: list[BaseException] = []
    for error in group.exceptions:
        leaves.extend(_leaves(error) if isinstance(error, BaseExceptionGroup) else [error])
    return leaves
