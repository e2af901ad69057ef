"""``elastic-serving replay``: does the code of today decide what was recorded?"""

import json
import sys
from pathlib import Path

import click

from elastic_serving.api.times import timestamp
from elastic_serving.commands.records import files_of, records_in
from elastic_serving.commands.refusal import Refused
from elastic_serving.report.observation import Recorded
from elastic_serving.report.replay import Difference, differences


@click.command(short_help="Decide records again, and show what comes out otherwise.")
@click.argument(
    "files", type=click.Path(exists=True, path_type=Path), nargs=-1, required=True, metavar="FILE_OR_DIRECTORY..."
)
@click.option("-o", "--output", type=click.Choice(["text", "json"]), default="text", show_default=True)
def replay(files: tuple[Path, ...], output: str) -> None:
    """Decide every record again, and show the first that comes out otherwise (exit code 1).

    A record has the spec and the memory it was decided from, so each stands for itself. A directory stands for all the
    records the operator keeps there.

    \b
    Example:
      elastic-serving replay records/
    """
    count, others, first = 0, 0, ""
    for path in files_of(files):
        for number, recorded in records_in(path):
            try:
                found = differences(recorded)
            except ValueError as error:
                raise Refused(f"{path}:{number}: {error}") from error
            count, others = count + 1, others + bool(found)
            first = first or (_told(f"{path}:{number}", recorded, found, output) if found else "")
    if count == 0:
        raise Refused(f"no records in {', '.join(map(str, files))}")
    if output == "json":
        click.echo(json.dumps({"records": count, "different": others, "first": json.loads(first or "null")}))
    else:
        words = (
            f"{others} of {count} records are decided otherwise" if others else f"all {count} records decide the same"
        )
        click.echo("\n".join(filter(None, (first, words))))
    sys.exit(1 if others else 0)


def _told(place: str, recorded: Recorded, found: tuple[Difference, ...], output: str) -> str:
    if output == "json":
        parts = [{"path": each.path, "then": each.then, "now": each.now} for each in found]
        about = {"place": place, "serving": recorded.serving, "at": recorded.seen.at}
        return json.dumps({**about, "differences": parts})
    head = f"{place}: {recorded.serving or 'the record'} at {timestamp(recorded.seen.at)} is decided otherwise"
    return "\n  ".join((head, *map(str, found)))
