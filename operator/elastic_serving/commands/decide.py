"""``elastic-serving decide``: what would be decided on observations, one after another."""

import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import IO

import click

from elastic_serving.act.memory import decoded
from elastic_serving.api.models import ElasticServingSpec
from elastic_serving.commands.manifest import read_manifest
from elastic_serving.commands.refusal import Refused, name_of
from elastic_serving.observe.stream import Stream
from elastic_serving.report.lines import decided
from elastic_serving.report.observation import Recorded, parse
from elastic_serving.report.replay import spec_of
from elastic_serving.report.timeline import block, change_of
from elastic_serving.scaling.decide import Decided
from elastic_serving.scaling.decide import decide as decide_once
from elastic_serving.scaling.memory import Memory, from_dict, to_dict
from elastic_serving.settings import Settings


@click.command(short_help="Decide on observations in a file, and say why.")
@click.option("-f", "--manifest", type=click.File("rb"), help="The manifest. Records bring their spec.")
@click.option("--observations", type=click.File("rb"), required=True, help="A JSON object a line; - for stdin.")
@click.option("--serving", help="NAMESPACE/NAME: only its records, where several servings are in the file.")
@click.option("--memory", type=click.File("rb"), help="What was remembered before; none: a first pass.")
@click.option("--memory-out", type=click.Path(dir_okay=False, path_type=Path), help="Where to leave the memory.")
@click.option(
    "--stale-seconds",
    type=click.FloatRange(min=0, min_open=True),
    default=Settings.model_fields["stale_seconds"].default,
    show_default=True,
    help="Older samples count as missing, as with the operator's setting.",
)
@click.option("-o", "--output", type=click.Choice(["text", "json"]), default="text", show_default=True)
def decide(
    manifest: IO[bytes] | None,
    observations: IO[bytes],
    serving: str | None,
    memory: IO[bytes] | None,
    memory_out: Path | None,
    stale_seconds: float,
    output: str,
) -> None:
    """Say how many replicas there should be, and why, for each observation; memory goes from line to line.

    \b
    Examples:
      elastic-serving decide -f manifest.yaml --observations observations.jsonl
      elastic-serving decide --observations records/decisions.jsonl --serving default/llama-8b -o json
    """
    spec = read_manifest(manifest).spec if manifest else None
    remembered = _memory(memory) if memory else None
    for made in decisions(
        name_of(observations), observations, spec=spec, memory=remembered, stale_seconds=stale_seconds, serving=serving
    ):
        told = json.dumps(decided(made.decision)) if output == "json" else block(change_of(made.decision))
        click.echo(told)
        remembered = made.memory
    if memory_out and remembered:
        try:
            memory_out.write_text(json.dumps(to_dict(remembered)) + "\n", encoding="utf-8")
        except OSError as error:
            raise click.ClickException(f"{memory_out} cannot be written: {error.strerror}") from None


def decisions(
    name: str,
    lines: Iterable[bytes],
    *,
    spec: ElasticServingSpec | None = None,
    memory: Memory | None = None,
    stale_seconds: float,
    serving: str | None = None,
) -> Iterator[Decided]:
    """A decision for each line that is not blank, at the line's time, from the memory of the one before.

    Without ``spec`` each line must be a record and is decided under its own; without ``memory`` the first line's is
    taken, if it has one. ``serving`` picks the records of one serving. Raises Refused, ``<name>:<line>: ...``.
    """
    stream, of, is_there = Stream(stale_seconds), serving, serving is None
    for number, text in enumerate(lines, start=1):
        if not text.strip():
            continue
        try:
            found = parse(text)
            if serving and found.serving != serving:
                continue
            if spec is None and found.spec is None:
                raise ValueError("spec: required, but not there: name a manifest with -f, or decide on records")
            under, memory, of = spec or spec_of(found), memory or found.memory, _same(found, of)
        except ValueError as error:
            raise Refused(f"{name}:{number}: {error}") from error
        made = decide_once(under, stream.counted(under, found.seen), memory, found.seen.at)
        memory, is_there = made.memory, True
        yield made
    if not is_there:
        raise Refused(f'{name}: no record of "{serving}"')


def _same(found: Recorded, of: str | None) -> str:
    """The serving of the lines so far. Raises ValueError where this line is another's: they would share a memory."""
    if of is not None and found.serving != of:
        raise ValueError(f'serving: "{found.serving}", but the lines before are of "{of}": choose one with --serving')
    return found.serving


def _memory(file: IO[bytes]) -> Memory | None:
    """What ``--memory-out`` left, or the state of a ServingMemory."""
    try:
        text = file.read().decode()
        plain = json.loads(text)
        if not isinstance(plain, dict):
            raise ValueError("a memory is a JSON object")
        return decoded(text).memory if "version" in plain else from_dict(plain)
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise Refused(f"{name_of(file)}: {error}") from error
