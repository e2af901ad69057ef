"""The watchdog thread ends the process exactly when renewals stop."""

import threading
import time

from elastic_serving.kube.lease import LOST_EXIT_CODE, Watchdog


def test_a_watchdog_that_is_not_fed_in_time_ends_the_process() -> None:
    ended = threading.Event()
    codes: list[int] = []

    def end(code: int) -> None:
        codes.append(code)
        ended.set()

    watchdog = Watchdog(0.05, end)
    watchdog.start()
    watchdog.fed(time.monotonic())
    assert ended.wait(5)
    assert codes == [LOST_EXIT_CODE]


def test_a_watchdog_that_was_never_fed_belongs_to_a_follower_and_waits() -> None:
    ended = threading.Event()
    watchdog = Watchdog(0.01, lambda _: ended.set())
    watchdog.start()
    assert not ended.wait(0.2)
    watchdog.stop()


def test_a_stopped_watchdog_ends_nothing() -> None:
    ended = threading.Event()
    watchdog = Watchdog(0.05, lambda _: ended.set())
    watchdog.start()
    watchdog.fed(time.monotonic())
    watchdog.stop()
    assert not ended.wait(0.3)
