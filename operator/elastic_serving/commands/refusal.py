"""What a command says of input that it cannot use."""

import click


class Refused(click.ClickException):
    """Wrong input: the sentences on stderr, one a line, and exit code 2."""

    exit_code = 2
