"""The guard around plugin code: faults, deadlines and validated results."""

import asyncio
import gc
import signal
import threading
import weakref
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import replace
from functools import partial
from types import MappingProxyType
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scmhost.plugins.errors import Origin, PluginFault
from scmhost.plugins.isolation.guard import MOST_VALUES, Guard, Implementation
from scmhost.plugins.isolation.worker_pool import WAITING_PER_PLUGIN, WORKERS_PER_PLUGIN
from scmhost.sdk import HOOK_SPECS, Existence, InstallationDraft, ProviderForbidden
from scmhost.sdk.validation import ARGUMENTS, result_adapter, result_text

ORIGIN = Origin("forge", "acme-forge", "scm_commit_url")
rubbish = st.recursive(
    st.none() | st.integers() | st.floats(), lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner)
)
CONTEXT: ContextVar[str] = ContextVar("CONTEXT", default="nothing")


@contextmanager
def guarding(workers: int = 8) -> Iterator[Guard]:
    """A guard that is closed after the block."""
    guard = Guard(workers_per_plugin=workers)
    try:
        yield guard
    finally:
        guard.close()


def implementation(
    function: Callable[..., Any], hook: str = "scm_commit_url", parameters: Sequence[str] = (), seconds: float = 5.0
) -> Implementation:
    """Return a function as an implementation of a loaded plugin."""
    spec = replace(HOOK_SPECS[hook], budget=seconds)
    origin = Origin("forge", "acme-forge", hook)
    return Implementation(origin, spec, function, tuple(parameters), result_adapter(hook), result_text(hook))


def fault_of(
    guard: Guard, function: Callable[..., Any], hook: str = "scm_commit_url", seconds: float = 5.0
) -> PluginFault:
    """The fault that a function causes."""
    with pytest.raises(PluginFault) as caught:
        guard.call(implementation(function, hook, seconds=seconds), {})
    return caught.value


def failing(error: BaseException) -> Callable[[], str]:
    """A function that raises."""

    def fail() -> str:
        raise error

    return fail


class Unprintable(Exception):
    """Its text cannot be read."""

    def __str__(self) -> str:
        raise SystemExit("even here")


class EndlessPages(Sequence[str]):
    """A list whose reading hangs."""

    def __init__(self, released: threading.Event) -> None:
        self._released = released

    def __len__(self) -> int:
        return 1

    def __getitem__(self, place: Any) -> Any:
        self._released.wait()
        raise IndexError


@pytest.mark.parametrize(
    ("error", "kind", "text"),
    [
        (ValueError("broken"), "raised", "raised ValueError: broken"),
        (StopIteration(), "raised", "raised StopIteration"),
        (TimeoutError("the forge"), "raised", "raised TimeoutError: the forge"),
        (MemoryError(), "raised", "raised MemoryError"),
        (GeneratorExit(), "raised", "raised GeneratorExit"),
        (Unprintable(), "raised", "raised Unprintable: a text that cannot be printed"),
        (SystemExit(3), "exited", "tried to end the process with SystemExit: 3"),
        (KeyboardInterrupt(), "exited", "tried to end the process with KeyboardInterrupt"),
        (BaseExceptionGroup("two", [SystemExit(1)]), "raised", "raised BaseExceptionGroup: two (1 sub-exception)"),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, BaseException) else "",
)
def test_every_exception_becomes_a_fault(error: BaseException, kind: str, text: str) -> None:
    """The fault is one sentence with plugin, distribution, hook and line, and the host continues."""
    # In the thread of a request: in the main thread an interrupt is the operator's.
    with guarding() as guard, ThreadPoolExecutor(1) as request:
        fault = request.submit(fault_of, guard, failing(error)).result()
    assert fault.kind == kind
    assert str(fault).startswith(f"plugin 'forge' (acme-forge), scm_commit_url: {text} (")
    assert "test_guard.py:" in str(fault)
    assert fault.__cause__ is error


def test_provider_errors_pass() -> None:
    """An error that a plugin raises on purpose reaches the caller as it is, and is no fault."""
    with guarding() as guard, pytest.raises(ProviderForbidden, match="not yours"):
        guard.call(implementation(failing(ProviderForbidden("not yours"))), {})
    assert guard.counters.all()["forge", "scm_commit_url"].faults == 0


@pytest.mark.thorough
@given(rubbish)
def test_result_of_another_type_is_refused(result: object) -> None:
    """A result that is not a URL is refused where the contract has a URL."""
    with guarding() as guard:
        fault = fault_of(guard, lambda: result)
    assert fault.kind == "bad_result"
    assert f"returned {type(result).__name__!r} where str | NoUrl is expected" in str(fault)


def test_bad_result_names_the_field() -> None:
    """The fault names a wrong field without its value."""
    draft = InstallationDraft.model_construct(name="secret" * 90, external_id="1")
    with guarding() as guard:
        fault = fault_of(guard, lambda: draft, "scm_install")
    assert "where InstallationDraft is expected (at name: String should have at most 200 characters)" in str(fault)
    assert "secret" not in str(fault)


def test_any_mapping_is_accepted() -> None:
    """Where the contract has a mapping, any kind of mapping is accepted."""
    hook = implementation(lambda: MappingProxyType({"a": 1}), "scm_serialize_repository")
    with guarding() as guard:
        assert guard.call(hook, {}) == {"a": 1}


@pytest.mark.parametrize("result", [(), "yes", {"a": object()}], ids=["tuple", "text", "no JSON"])
def test_mapping_must_be_json(result: object) -> None:
    """Where the contract has a mapping to JSON, every other value is refused."""
    with guarding() as guard:
        fault = fault_of(guard, lambda: result, "scm_serialize_repository")
    assert fault.kind == "bad_result"


class Pages(Sequence[str]):
    """Ten million texts, made when they are read. ``read`` is how many were."""

    def __init__(self, claimed: int) -> None:
        self.read = 0
        self._claimed = claimed

    def __len__(self) -> int:
        return self._claimed

    def __getitem__(self, place: Any) -> Any:
        self.read += 1
        if place >= 10_000_000:
            raise IndexError
        return "https://forge.example/"


@pytest.mark.parametrize("claimed", [10_000_000, 3], ids=["honest", "lying"])
def test_endless_result_is_not_read_to_its_end(claimed: int) -> None:
    """A sequence is read up to the limit, even if it reports another length."""
    pages = Pages(claimed)
    with guarding() as guard:
        fault = fault_of(guard, lambda: pages, "scm_compare_commits", 60.0)
    assert (fault.kind, "returned more than 100,000 values or characters" in str(fault)) == ("bad_result", True)
    assert pages.read == MOST_VALUES + 1


@pytest.mark.parametrize("result", [[None] * 200_000, (None,) * 200_000, "x" * 200_000], ids=["list", "tuple", "text"])
def test_huge_result_is_refused_before_it_is_validated(result: object) -> None:
    """A result over the limit is refused by its size alone."""
    with guarding() as guard:
        fault = fault_of(guard, lambda: result, "scm_compare_commits")
    assert (fault.kind, "which is the limit" in str(fault)) == ("bad_result", True)


class OwnBytes(bytes):
    """Bytes of a plugin, with methods of its own."""

    def __len__(self) -> int:
        raise SystemExit("outside of the guard")

    decode = __iter__ = __bytes__ = __len__  # type: ignore[assignment]


@pytest.mark.parametrize("content", [b"", b"text", bytes(MOST_VALUES + 1)])
@pytest.mark.parametrize("kind", [bytes, OwnBytes])
def test_content_of_a_file_is_one_value(content: bytes, kind: type[bytes]) -> None:
    """Bytes are no sequence of numbers with its limit, and none of the plugin's own code comes with them."""
    with guarding() as guard:
        result = guard.call(implementation(partial(kind, content), "scm_read_file"), {})
    assert (type(result), result) == (bytes, content)


@pytest.mark.parametrize("result", [[1, 2], ("a",), 5, bytearray(b"a"), {"a": 1}])
def test_content_of_another_type_is_refused(result: object) -> None:
    """A list of numbers is no content."""
    with guarding() as guard:
        assert fault_of(guard, lambda: result, "scm_read_file").kind == "bad_result"


def test_hanging_call_costs_its_budget() -> None:
    """A call that never returns is given up after its budget, and its line is named."""
    released = threading.Event()
    with guarding() as guard:
        fault = fault_of(guard, released.wait, "scm_file_exists", seconds=0.02)
        again = guard.call(implementation(lambda: "yes", "scm_file_exists"), {})
        released.set()
    assert (fault.kind, again) == ("timed_out", Existence.YES)
    assert "did not come back within its budget of 0.02 s" in str(fault)


def test_hanging_result_costs_its_budget_too() -> None:
    """Reading a result may run the plugin's code, and is part of the budget."""
    released = threading.Event()
    with guarding() as guard:
        fault = fault_of(guard, lambda: EndlessPages(released), "scm_compare_commits", 0.02)
        released.set()
    assert fault.kind == "timed_out"


def test_no_caller_waits_for_workers_that_all_hang() -> None:
    """When all calls of a plugin hang, the next is refused without waiting, and other plugins work."""
    released = threading.Event()
    with guarding(workers=2) as guard:
        hung = [fault_of(guard, released.wait, "scm_file_exists", seconds=0.01).kind for _ in range(2)]
        busy = fault_of(guard, str, "scm_file_exists")
        other = guard.run(Origin("other", "acme-other", "import"), lambda: "fine", 5.0)
        released.set()
    assert (hung, busy.kind, other) == (["timed_out", "timed_out"], "busy", "fine")
    assert "all 2 workers are taken" in str(busy)


@contextmanager
def interrupting() -> Iterator[Callable[[], None]]:
    """What a plugin may run to have its caller's thread interrupted, once, as by an operator."""
    caught, ended = threading.Event(), threading.Event()

    def interrupt(*_: object) -> None:
        if not caught.is_set():
            caught.set()
            raise KeyboardInterrupt

    def send() -> None:
        # A signal that comes just before the caller begins to wait would not wake it: send until it is caught.
        try:
            while not caught.wait(0.01):
                signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGUSR1)
        finally:
            ended.set()

    before = signal.signal(signal.SIGUSR1, interrupt)
    try:
        yield send
    finally:
        ended.wait(5)
        signal.signal(signal.SIGUSR1, before)


def test_interrupt_of_the_operator_passes() -> None:
    """An interrupt while a plugin hangs ends the wait at once: it is the operator's, not the plugin's."""
    with interrupting() as send, guarding() as guard, pytest.raises(KeyboardInterrupt):
        guard.run(ORIGIN, send, 60.0)


def test_interrupt_of_the_operator_passes_a_pure_hook() -> None:
    """Ctrl-C during a pure hook that hangs ends the command, and the slot of the call is free again."""
    with interrupting() as send, guarding() as guard:

        def hang() -> None:
            send()
            threading.Event().wait(5)

        with pytest.raises(KeyboardInterrupt):
            guard.call(implementation(hang), {})
        assert guard.call(implementation(lambda: "https://git.example.com/"), {}) == "https://git.example.com/"


def test_worker_is_used_again_when_its_call_returns() -> None:
    """A plugin that recovers is called again."""
    released, back = threading.Event(), threading.Event()

    def slow() -> None:
        released.wait()
        back.set()

    with guarding(workers=1) as guard:
        fault_of(guard, slow, "scm_file_exists", seconds=0.01)
        released.set()
        back.wait(5)
        assert eventually(partial(guard.run, ORIGIN, lambda: "again", 5.0)) == "again"


def eventually(attempt: Callable[[], str]) -> str:
    """The answer as soon as the worker is free again."""
    while True:
        try:
            return attempt()
        except PluginFault as fault:
            if fault.kind != "busy":
                raise


def test_burst_of_calls_is_served() -> None:
    """More callers than workers are all served, as long as the calls before them return."""
    gate = threading.Barrier(20)

    def call(number: int) -> int:
        gate.wait()
        return guard.run(ORIGIN, lambda: number, 5.0)

    with guarding(workers=2) as guard, ThreadPoolExecutor(20) as callers:
        assert sorted(callers.map(call, range(20))) == list(range(20))


def test_plugin_that_hangs_takes_few_callers() -> None:
    """Of a hundred callers, only those that have a worker or wait for one are delayed; the others are refused."""
    released = threading.Event()
    refused = threading.Semaphore(0)
    kinds: list[str] = []

    def call() -> None:
        try:
            guard.run(ORIGIN, released.wait, 600.0)
        except PluginFault as fault:
            kinds.append(fault.kind)
            refused.release()

    with guarding() as guard:
        callers = [threading.Thread(target=call) for _ in range(100)]
        for caller in callers:
            caller.start()
        for _ in range(100 - WORKERS_PER_PLUGIN - WAITING_PER_PLUGIN):
            assert refused.acquire(timeout=60)
        assert kinds == ["busy"] * (100 - WORKERS_PER_PLUGIN - WAITING_PER_PLUGIN)
        assert guard.run(Origin("other", "acme-other", "hook"), lambda: "fine", 5.0) == "fine"
        released.set()
        for caller in callers:
            caller.join()


def test_calls_in_turn_share_one_thread() -> None:
    """A caller in a loop needs one thread, however many calls it makes."""
    with guarding() as guard:
        threads = {guard.run(ORIGIN, threading.get_ident, 5.0) for _ in range(50)}
    assert len(threads) == 1
    assert threads != {threading.get_ident()}


def test_idle_worker_keeps_no_reference() -> None:
    """Arguments and results are freed after the call."""

    class Heavy:
        """Something worth freeing."""

    with guarding() as guard:
        heavy = Heavy()
        watch = weakref.ref(heavy)
        guard.run(ORIGIN, partial(id, heavy), 5.0)
        del heavy
        guard.run(ORIGIN, int, 5.0)
        gc.collect()
        assert watch() is None


def test_closed_guard_ends_its_threads() -> None:
    """After closing, no thread of a plugin is left waiting."""
    guard = Guard()
    thread = guard.run(ORIGIN, threading.current_thread, 5.0)
    guard.close()
    thread.join(5)
    assert not thread.is_alive()
    assert thread.daemon


def test_context_of_the_caller_is_copied() -> None:
    """A plugin sees its caller's context, and changes to it stay inside."""
    CONTEXT.set("a request")

    def look() -> str:
        seen = CONTEXT.get()
        CONTEXT.set("the plugin's")
        return f"https://forge.example/{seen}"

    with guarding() as guard:
        assert guard.call(implementation(look), {}) == "https://forge.example/a request"
    assert CONTEXT.get() == "a request"


def test_async_hook_is_awaited() -> None:
    """A hook that does I/O may be asynchronous."""

    async def exists() -> Existence:
        await asyncio.sleep(0)
        return Existence.YES

    with guarding() as guard:
        assert guard.call(implementation(exists, "scm_file_exists"), {}) is Existence.YES


def test_late_async_hook_is_cancelled() -> None:
    """An asynchronous call over budget is cancelled, so that its worker is free again."""
    cancelled = threading.Event()

    async def forever() -> str:
        try:
            await asyncio.Event().wait()
        finally:
            cancelled.set()
        return "yes"

    with guarding() as guard:
        fault = fault_of(guard, forever, "scm_file_exists", 0.02)
        assert cancelled.wait(5)
    assert fault.kind == "timed_out"


def test_timeout_of_the_plugins_own_is_its_fault() -> None:
    """A timeout inside the plugin is an exception of the plugin, and not of its budget."""

    async def gives_up() -> str:
        raise TimeoutError("the forge is slow")

    with guarding() as guard:
        fault = fault_of(guard, gives_up, "scm_file_exists")
    assert (fault.kind, "raised TimeoutError: the forge is slow" in str(fault)) == ("raised", True)


def test_coroutine_of_a_pure_hook_is_refused() -> None:
    """A plain function that returns a coroutine is a bad result, without a warning."""

    async def page() -> str:
        return "https://forge.example/"

    with guarding() as guard:
        fault = fault_of(guard, lambda: page())  # noqa: PLW0108 - a plain function is the point
    assert "returned 'coroutine'" in str(fault)


def test_only_parameters_of_the_function_are_passed() -> None:
    """An implementation gets the arguments that it names, in any order."""
    hook = implementation(lambda sha, installation: f"{installation}/{sha}", parameters=("installation", "sha"))
    with guarding() as guard:
        assert guard.call(hook, {"installation": "i", "repository": "r", "sha": "s"}) == "i/s"
    assert "repository" in ARGUMENTS["scm_commit_url"]


def test_everything_is_counted() -> None:
    """Calls, faults and the slowest call are known for each plugin and hook."""
    with guarding() as guard:
        fault_of(guard, failing(ValueError()))
        guard.call(implementation(lambda: "https://forge.example/"), {})
    count = guard.counters.all()["forge", "scm_commit_url"]
    assert (count.calls, count.faults, count.slowest > 0) == (2, 1, True)


def test_many_callers_at_once() -> None:
    """Callers in several threads each get their own answer."""
    answers: dict[int, list[int]] = {}

    def call(guard: Guard, number: int) -> None:
        answers[number] = [guard.run(ORIGIN, partial(int, number), 30.0) for _ in range(100)]

    with guarding() as guard:
        threads = [threading.Thread(target=call, args=(guard, number)) for number in range(6)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert answers == {number: [number] * 100 for number in range(6)}
