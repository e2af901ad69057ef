"""The demo: a whole cluster, the real chart, the real operator and ten minutes of traffic in two.

``scale`` (what is divided by the speed), ``recording`` and ``page`` are pure; ``stage`` starts and ends everything,
``cloud`` sells machines, ``audience`` watches as a user would, ``performance`` runs the traffic, ``screen`` shows it.
Run ``python -m dev.demo --help``. Nothing of the operator may import this package.
"""
