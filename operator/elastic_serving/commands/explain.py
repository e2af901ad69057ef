"""``elastic-serving explain``: the changes of a serving's number, each with its reasons."""

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

import click
from pydantic import ValidationError

from elastic_serving.api import labels
from elastic_serving.api.status import DecisionStatus
from elastic_serving.commands.records import files_of, records_in
from elastic_serving.errors import ElasticServingError, Forbidden, NotFound
from elastic_serving.kube.api import Object, Resource
from elastic_serving.kube.client import KubeClient
from elastic_serving.kube.config import load_configuration, present_namespace
from elastic_serving.report.events import EVENTS
from elastic_serving.report.timeline import as_json, block, timeline

_USUAL: Final = Path("~/.kube/config").expanduser()
_SERVINGS: Final = Resource(labels.GROUP, labels.VERSION, labels.PLURAL)


@click.command(short_help="Print the changes of a serving's number, with their reasons.")
@click.argument("name")
@click.option("-n", "--namespace", help="Default: the namespace of the kubeconfig's current context.")
@click.option(
    "--kubeconfig",
    type=click.Path(path_type=Path),
    envvar="KUBECONFIG",
    help="Default: $KUBECONFIG, ~/.kube/config, the pod's ServiceAccount.",
)
@click.option(
    "--record",
    "records",
    type=click.Path(exists=True, path_type=Path),
    multiple=True,
    help="Records of the operator, a file or their directory; may be repeated.",
)
@click.option("-o", "--output", type=click.Choice(["text", "json"]), default="text", show_default=True)
def explain(name: str, namespace: str | None, kubeconfig: Path | None, records: tuple[Path, ...], output: str) -> None:
    """Print every known change of the number of replicas of the serving NAME with its reasons, newest last.

    The last change stands in the status, with its steps. Events tell those of the last hour, a line each. The
    operator's records tell all of them with their steps.

    \b
    Example:
      elastic-serving explain llama-8b -n default --record records/
    """
    kubeconfig = kubeconfig or (_USUAL if _USUAL.exists() else None)
    try:
        namespace = namespace or present_namespace(kubeconfig)
        known = asyncio.run(_ask(kubeconfig, namespace, name))
    except ElasticServingError as error:
        if not (records and namespace):
            raise click.ClickException(str(error)) from error
        known = _Known(unread=(str(error),))
    for words in known.unread:
        click.echo(f"without what the cluster knows: {words}", err=True)
    changes = timeline(_decisions(records, f"{namespace}/{name}"), known.decision, known.events)
    for change in changes:
        click.echo(as_json(change) if output == "json" else block(change))
    if output == "text" and known.summary:
        click.echo(known.summary)
    if not changes and not known.is_there:
        raise click.ClickException(f"nothing is known of an ElasticServing {namespace}/{name}")


@dataclass(frozen=True, slots=True)
class _Known:
    """What the cluster knows of a serving; ``unread`` says what could not be read, a sentence each."""

    is_there: bool = False
    summary: str = ""
    decision: DecisionStatus | None = None
    events: Sequence[Object] = ()
    unread: tuple[str, ...] = ()


async def _ask(kubeconfig: Path | None, namespace: str, name: str) -> _Known:
    """The serving's status and its Events. What may not be read is told, and the rest is returned."""
    known = _Known()
    async with KubeClient(await load_configuration(kubeconfig), field_manager="elastic-serving-explain") as client:
        try:
            serving = await client.get(_SERVINGS, namespace, name)
            status = serving.get("status") or {}
            known = _Known(True, str(status.get("summary") or ""), _change(status))
        except (NotFound, Forbidden) as error:
            known = replace(known, unread=(str(error),))
        try:
            events = await client.list(EVENTS, namespace)
        except Forbidden as error:
            return replace(known, unread=(*known.unread, str(error)))
    return replace(known, events=[event for event in events if _is_about(event, name)])


def _change(status: Mapping[str, Any]) -> DecisionStatus | None:
    """The decision in the status; None where there is none that this version can read."""
    try:
        return DecisionStatus.model_validate(status["decision"])
    except (KeyError, ValidationError):
        return None


def _is_about(event: Mapping[str, Any], name: str) -> bool:
    about = event.get("involvedObject") or {}
    return (about.get("kind"), about.get("name")) == (labels.KIND, name)


def _decisions(records: tuple[Path, ...], serving: str) -> Iterator[Mapping[str, Any]]:
    for path in files_of(records):
        for _, recorded in records_in(path):
            if recorded.serving == serving and recorded.decision is not None:
                yield recorded.decision
