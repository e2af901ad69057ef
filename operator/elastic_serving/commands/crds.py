"""``elastic-serving crds``: the CustomResourceDefinitions."""

import click


@click.command()
def crds() -> None:
    """Print the CustomResourceDefinitions of this version.

    \b
    Example:
      elastic-serving crds | kubectl apply --server-side -f -
    """
    from elastic_serving.api import crdgen

    pages = [text for path, text in crdgen.documents().items() if path.startswith("crds/")]
    click.echo("---\n".join(pages), nl=False)
