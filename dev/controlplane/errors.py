"""Errors of the builder: each message is a sentence a person can act on."""


class BuildError(Exception):
    """No toolchain, or a build that failed; the message says what to do or shows the end of the log."""
