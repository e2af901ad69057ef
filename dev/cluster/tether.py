"""Run a command that dies with the process that started it: ``python tether.py PARENT_PID COMMAND ARGUMENT…``.

Linux kills the process (SIGKILL) when the *thread* that started it ends, whatever ended it: that is why
``process.py`` starts every process from one thread that lives as long as its cluster. The wish survives ``exec``.
Imports nothing of ours: it is run as a file, isolated, to be quick (20 ms).
"""

import ctypes
import os
import signal
import sys

PR_SET_PDEATHSIG = 1  # linux/prctl.h


def main() -> None:
    """Replace this process by the command; exit 1 if the parent is already gone."""
    parent, command = int(sys.argv[1]), sys.argv[2:]
    if ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, int(signal.SIGKILL), 0, 0, 0) != 0:
        sys.exit(f"prctl(PR_SET_PDEATHSIG) failed: {os.strerror(ctypes.get_errno())}")
    if os.getppid() != parent:  # it died before the wish was known, and would never be noticed
        sys.exit(1)
    os.execv(command[0], command)


if __name__ == "__main__":
    main()
