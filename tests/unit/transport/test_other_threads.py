"""Tasks that wait for what other threads do."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Coroutine
from concurrent.futures import Future

import pytest

from walletport.transport.drivers import AsyncDriver
from walletport.transport.effects import Program, WaitFor
from walletport.transport.limits import Limits


class Refused(Exception):
    """What the other thread ends in."""


def waiting(future: Future[int]) -> Program[int]:
    found: int = yield WaitFor(future)
    return found


def with_driver(work: Callable[[AsyncDriver], Coroutine[None, None, None]]) -> None:
    """Run a coroutine with a driver of its own."""

    async def run() -> None:
        driver = AsyncDriver(None, Limits.max_body)
        try:
            await asyncio.wait_for(work(driver), 20)
        finally:
            await driver.close()

    asyncio.run(run())


def test_each_gets_what_it_waited_for() -> None:
    """A hundred futures that another thread resolves, one after the other."""

    async def work(driver: AsyncDriver) -> None:
        futures = [Future[int]() for _ in range(100)]

        def resolve() -> None:
            for number, future in enumerate(futures):
                future.set_result(number)

        tasks = [asyncio.create_task(driver.drive(waiting(future))) for future in futures]
        await asyncio.sleep(0)
        threading.Thread(target=resolve).start()
        assert await asyncio.wait_for(asyncio.gather(*tasks), 20) == list(range(100))

    with_driver(work)


def test_what_is_there_already_is_not_waited_for() -> None:
    """Not even for a turn of the event loop."""

    async def work(driver: AsyncDriver) -> None:
        future = Future[int]()
        future.set_result(7)
        with pytest.raises(StopIteration) as stop:
            driver.drive(waiting(future)).send(None)
        assert stop.value.value == 7

    with_driver(work)


def test_the_failure_of_the_other_thread_is_thrown_in() -> None:

    async def work(driver: AsyncDriver) -> None:
        future = Future[int]()
        task = asyncio.create_task(driver.drive(waiting(future)))
        await asyncio.sleep(0)
        threading.Thread(target=future.set_exception, args=(Refused(),)).start()
        with pytest.raises(Refused):
            await asyncio.wait_for(task, 20)

    with_driver(work)


def test_whoever_stops_waiting_does_not_stop_the_work() -> None:
    """Nor those who wait on."""

    async def work(driver: AsyncDriver) -> None:
        stopped, goes_on = Future[int](), Future[int]()
        tasks = [asyncio.create_task(driver.drive(waiting(future))) for future in (stopped, goes_on)]
        await asyncio.sleep(0)
        tasks[0].cancel()
        await asyncio.wait({tasks[0]})

        def resolve() -> None:
            stopped.set_result(1)
            goes_on.set_result(2)

        threading.Thread(target=resolve).start()
        assert await asyncio.wait_for(tasks[1], 20) == 2
        assert tasks[0].cancelled()
        assert stopped.result() == 1

    with_driver(work)


def test_a_thread_that_ends_after_the_event_loop_has_ended_is_not_disturbed() -> None:
    """What it did is done; nobody is there to be told."""
    future = Future[int]()

    async def stop_waiting() -> None:
        driver = AsyncDriver(None, Limits.max_body)
        task = asyncio.create_task(driver.drive(waiting(future)))
        await asyncio.sleep(0)
        task.cancel()
        await asyncio.wait({task})
        await driver.close()

    asyncio.run(stop_waiting())
    future.set_result(1)
    assert future.result() == 1
