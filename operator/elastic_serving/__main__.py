"""``python -m elastic_serving`` is ``elastic-serving``."""

from elastic_serving.cli import main

main(prog_name="elastic-serving")
