"""What a command says of input that it cannot use."""

from typing import IO

import click


class Refused(click.ClickException):
    """Wrong input: the sentences on stderr, one a line, and exit code 2."""

    exit_code = 2


def name_of(file: IO[bytes]) -> str:
    """The path as it was given; what is read from memory or a pipe has none and is ``<stdin>``."""
    return str(getattr(file, "name", "<stdin>"))
