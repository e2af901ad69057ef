"""The body of each command of the CLI, one module each; what is heavy is imported when the command runs."""
