"""Joining a Ray cluster, or starting one on this machine.

Ray's settings for this job, each learnt from a failure (docs/architecture.md):
- The dashboard stays on. Without it, Train's cleaner can't see that a controller died, and leaks
  its placement group.
- The cluster has its own temporary folder, and every worker an explicit RAY_ADDRESS. Otherwise two
  clusters on one machine are mistaken for each other.
- A cluster started here listens on loopback, asks for a token of its own, lies in a folder that
  only this user can enter, and is waited for on a busy machine (`ray_settings` has how).
- Trials that only wait for their Train workers take the custom resource `trial_slot`. With a CPU
  each they would deadlock a small cluster.
- Ray's health check interval of 2 s delays every report of a Train worker, so it is shortened.
"""

from __future__ import annotations

import atexit
import json
import logging
import os
import signal
import socket
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any

import ray
from ray._private.runtime_env.constants import RAY_JOB_CONFIG_JSON_ENV_VAR

from xstilts.driver import ray_threads, rendezvous
from xstilts.driver.leftovers import end_processes, own_folder
from xstilts.driver.ray_settings import own_cluster
from xstilts.driver.signals import Terminated
from xstilts.driver.slots import TRIAL_SLOT
from xstilts.errors import EngineError, first_line
from xstilts.sources.reach import REACH
from xstilts.spec.sweep import Resources

RAY_FOLDER = "r"
"""Ray's folder inside the run's. The path of a UNIX socket has 107 bytes, so it is short."""
ENDING_SECONDS = 20.0
"""Longest time that Ray gets to end; then its processes are killed."""
ASK_SECONDS = 5.0
"""Time between two questions whether a joined cluster is still there."""
AWAY_SECONDS = 45.0
"""How long a joined cluster's head may be away: one that kept its state on disk carries on when it
is started again. After a minute without it Ray ends this process, without a word.
"""
SLOW_SECONDS = 20.0
"""Ray starts in 4 to 10 s; after this time the user hears that it is waited for."""

WORKER_ENVIRONMENT = {
    "TOKENIZERS_PARALLELISM": "false",
    "HF_DATASETS_DISABLE_PROGRESS_BARS": "1",
    "RAY_TRAIN_HEALTH_CHECK_INTERVAL_S": "0.3",
    "RAY_TRAIN_ENABLE_PREEMPTION_WATCHER": "0",
    "RAY_TRAIN_WORKER_GROUP_START_TIMEOUT_S": "1800",  # a node that is asked for takes minutes
    "RAY_CHDIR_TO_TRIAL_DIR": "0",
    "RAY_COLOR_PREFIX": "0",
}

PASSED_ON = (
    "HF_HUB_OFFLINE",
    "HF_HOME",
    "XSTILTS_MIRROR",
    "XSTILTS_STORE_WAIT_SECONDS",
    "XSTILTS_CACHE_GB",
    "AWS_ENDPOINT_URL",
    "AWS_ENDPOINT_URL_S3",
    "AWS_REGION",
    "AWS_DEFAULT_REGION",
    "AZURE_STORAGE_ACCOUNT_NAME",
)
"""Variables of the driver that workers get. None is a secret: a machine of a cluster has its own
credentials, from its role, and the processes of one machine inherit them.
"""

DRIVER_ENVIRONMENT = {
    "TUNE_DISABLE_AUTO_CALLBACK_LOGGERS": "1",
    "TUNE_GLOBAL_CHECKPOINT_S": "3600",
    "TUNE_DISABLE_STRICT_METRIC_CHECKING": "1",
    "TUNE_PRINT_ALL_TRIAL_ERRORS": "0",
    "TUNE_WARN_THRESHOLD_S": "10",
    "RAY_AIR_NEW_OUTPUT": "0",
    "RAY_TRAIN_ENABLE_PREEMPTION_WATCHER": "0",
    "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0",
}


class Cluster:
    """The cluster of a run: whether it lives, and how it ends."""

    def __init__(self, address: str, folder: Path | None = None) -> None:
        """`folder`: that of a cluster that was started here; None for one that was joined."""
        self.address, self.folder = address, folder
        self.given_up = False
        self._heads = dict(_heads()) if folder else {}
        self._asked = self._answered = time.monotonic()

    def dead(self) -> str:
        """What of the cluster has died; empty while it lives. Cheap, never waits for Ray."""
        for name, process in self._heads.items():
            if process.poll() is not None:
                return f"its {name} (process {process.pid}) ended"
        if self.folder or self._answers():
            return ""
        return f"{self.address} has refused connections for {AWAY_SECONDS:.0f} s"

    def _answers(self) -> bool:
        """Whether a joined cluster's head has listened within AWAY_SECONDS."""
        if time.monotonic() - self._asked > ASK_SECONDS:
            self._asked = time.monotonic()
            try:
                reach(self.address, seconds=2)
                self._answered = time.monotonic()
            except OSError:
                pass
        return time.monotonic() - self._answered < AWAY_SECONDS

    def give_up(self) -> None:
        """Kills a cluster that was started here; Ray itself would wait for a dead one."""
        self.given_up = True
        if self.folder:
            end_processes(self.folder)


def _heads() -> Iterator[tuple[str, Any]]:
    """The processes without which a cluster is dead, by name."""
    from ray._private.worker import _global_node

    for name in ("gcs_server", "raylet"):
        for info in _global_node.all_processes.get(name, ()):
            yield name, info.process


@contextmanager
def connected(
    resources: Resources, tell: Callable[[str], None] = lambda doing: None
) -> Iterator[Cluster]:
    """A connection to the cluster in RAY_ADDRESS, or to one started here, which ends with the
    block.

    `tell` gets what is waited for, from any thread. Raises EngineError where no cluster can be
    joined or started.
    """
    os.environ.update({k: os.environ.get(k, v) for k, v in DRIVER_ENVIRONMENT.items()})
    given = os.environ.get("RAY_ADDRESS")
    if ray.is_initialized():  # by the program around this one, whose Ray stays as it is
        yield Cluster(ray.get_runtime_context().gcs_address)
        return
    with _quiet():
        if not given:
            with _own(resources, tell) as cluster:
                yield cluster
            return
        with _handlers_of_signals_kept():
            cluster = Cluster(_join(given, resources))
        try:
            yield cluster
        finally:
            _disconnect(cluster)


@contextmanager
def _quiet() -> Iterator[None]:
    """Ray prints nothing about its processes' deaths, which the run tells itself.

    Nor does it connect by itself any more, in or after the block: a late call of a thread would
    start another cluster.
    """
    ray._private.auto_init_hook.enable_auto_connect = False
    heard = ray._private.worker.print_to_stdstream
    ray._private.worker.print_to_stdstream = _unheard
    try:
        yield
    finally:
        ray._private.worker.print_to_stdstream = heard


def _unheard(*given: Any, **more: Any) -> None:
    """Prints nothing."""


def _disconnect(cluster: Cluster) -> None:
    """Ends Ray in this process, if it can be when no thread calls it any more. Where the cluster
    has died, Ray would wait for it.
    """
    seconds = 2 if cluster.given_up or cluster.dead() else ENDING_SECONDS

    def leave() -> None:
        ray_threads.wait(seconds / 2)
        _shutdown()

    thread = ray_threads.start(leave, name="leaves-ray")
    until = time.monotonic() + seconds
    try:
        while thread.is_alive() and time.monotonic() < until:
            thread.join(0.05)
            _take_sigterm_back()
    except KeyboardInterrupt:
        cluster.give_up()
        raise
    finally:
        if thread.is_alive():
            cluster.give_up()
        if cluster.given_up:  # at the end of the process, Ray would ask what is dead once more
            atexit.unregister(ray._private.worker.shutdown)
            sys.excepthook = sys.__excepthook__


def _take_sigterm_back() -> None:
    """Ray's shutdown puts the system's own action in place of our handler, behind Python's back."""
    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGTERM, signal.getsignal(signal.SIGTERM))


def _shutdown() -> None:
    with suppress(Exception):
        ray.shutdown()


@contextmanager
def _handlers_of_signals_kept() -> Iterator[None]:
    """Ray replaces the handler of SIGTERM when it starts; ours is put back. Processes that are
    started in the block never get SIGHUP: a terminal that is closed sends it to all of them, and
    the run needs them to end in order.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    handler = signal.getsignal(signal.SIGTERM)
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGHUP})
    try:
        yield
    except SystemExit as error:  # Ray's own handler
        if error.code == signal.SIGTERM:
            raise Terminated(signal.SIGTERM) from error
        raise
    finally:
        signal.signal(signal.SIGTERM, handler)
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _join(address: str, resources: Resources) -> str:
    """Connects to the cluster at `address`; EngineError says why that can't be."""
    if address.startswith(("http://", "https://")):
        raise EngineError(
            f"RAY_ADDRESS={address} is a cluster's dashboard, to which `xstilts submit` sends "
            "sweeps; a run joins the cluster itself: RAY_ADDRESS=HOST:6379, or unset it to run on "
            "this machine"
        )
    try:
        reach(address)
    except OSError as error:
        raise _nobody_there(address, error) from error
    try:
        ray.init(
            address=address,
            runtime_env=_beside_the_jobs(_runtime(resources, {"RAY_ADDRESS": address})),
            log_to_driver=False,
            logging_level=logging.WARNING,
        )
    except ConnectionError as error:
        raise _nobody_there(address, error) from error
    except Exception as error:
        raise EngineError(
            f"RAY_ADDRESS={address}: the cluster there could not be joined: "
            f"{first_line(error, 400)}"
        ) from error
    return address


def _nobody_there(address: str, error: BaseException) -> EngineError:
    return EngineError(
        f"RAY_ADDRESS={address}: no Ray cluster answers there ({error}); "
        "start one, or unset RAY_ADDRESS to run on this machine"
    )


def _beside_the_jobs(runtime: dict[str, Any]) -> dict[str, Any]:
    """The environment without the variables that the job has which this driver belongs to: its
    workers have them anyway, and Ray refuses a driver that names them once more.
    """
    job = json.loads(os.environ.get(RAY_JOB_CONFIG_JSON_ENV_VAR, "{}"))
    held = ((job.get("runtime_env") or {}).get("env_vars")) or {}
    variables = {k: v for k, v in runtime["env_vars"].items() if k not in held}
    return {**runtime, "env_vars": variables}


def reach(address: str, seconds: float = 10) -> None:
    """Raises OSError where nothing listens there: Ray itself would end the whole process."""
    host, _, port = address.removeprefix("ray://").rpartition(":")
    if host and port.isdigit():
        socket.create_connection((host, int(port)), timeout=seconds).close()


@contextmanager
def _own(resources: Resources, tell: Callable[[str], None]) -> Iterator[Cluster]:
    """A cluster on this machine, for the block; where its start took too long, a second try in
    a clean folder.
    """
    with ExitStack() as stack:
        try:
            cluster = stack.enter_context(_started(resources, tell))
        except _TookTooLong as error:
            tell(f"Ray did not start in {error.seconds:.0f} s; trying once more")
            try:
                cluster = stack.enter_context(_started(resources, tell))
            except _TookTooLong as again:
                raise again.told() from again
        yield cluster


class _TookTooLong(Exception):
    """A cluster whose parts did not find each other in time, or died of that."""

    def __init__(self, seconds: float, error: Exception) -> None:
        super().__init__(str(error))
        self.seconds = seconds

    def told(self) -> EngineError:
        return EngineError(
            f"Ray did not start on this machine in two tries, of {self.seconds:.0f} s the second "
            f"({self}); run again when the machine is less busy"
        )


@contextmanager
def _started(resources: Resources, tell: Callable[[str], None]) -> Iterator[Cluster]:
    """One cluster in a folder of its own.

    Ray opens its folder to all users (0777), so it lies in one that only this user can enter.
    """
    with own_folder("ray") as folder:
        temporary = folder / "tmp"
        temporary.mkdir()
        with own_cluster(temporary):
            cluster = None
            try:
                with _handlers_of_signals_kept():
                    address = _start(folder / RAY_FOLDER, temporary, resources, tell)
                cluster = Cluster(address, folder)
                yield cluster
            finally:
                _disconnect(cluster) if cluster else _shutdown()
                os.environ.pop("RAY_ADDRESS", None)


def _start(folder: Path, temporary: Path, resources: Resources, tell: Callable[[str], None]) -> str:
    arguments: dict[str, Any] = {
        "address": "local",
        "num_cpus": _cpus(resources),
        "resources": {TRIAL_SLOT: 64},
        "include_dashboard": True,
        "dashboard_host": "127.0.0.1",
        "_temp_dir": str(folder),
        "log_to_driver": False,
        "logging_level": logging.WARNING,
        "object_store_memory": 200 * 1024 * 1024,
    }
    began = time.monotonic()
    try:
        with _told_when_slow(tell):
            ray.init(**arguments, runtime_env=_runtime(resources, rendezvous.variables(temporary)))
    except Exception as error:
        seconds = time.monotonic() - began
        if seconds > SLOW_SECONDS:
            raise _TookTooLong(seconds, error) from error
        raise EngineError(
            f"Ray could not be started on this machine ({error}); `xstilts doctor` looks for "
            "the cause"
        ) from error
    address = ray.get_runtime_context().gcs_address
    os.environ["RAY_ADDRESS"] = address
    return address


@contextmanager
def _told_when_slow(tell: Callable[[str], None]) -> Iterator[None]:
    """Says so where the block takes longer than Ray's start on a machine with time to spare."""
    timer = threading.Timer(
        SLOW_SECONDS, tell, args=("Ray is slow to start on this busy machine; waiting",)
    )
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()


def _cpus(resources: Resources) -> int:
    """CPUs that a cluster started here claims: the machine's, or more where the sweep's `slots`
    need more.
    """
    wanted = (resources.slots or 1) * resources.workers * resources.cpus_per_worker
    return max(wanted, os.cpu_count() or 1)


def _runtime(resources: Resources, more: Mapping[str, str]) -> dict[str, Any]:
    """The environment of the workers; `more` is what this cluster's need."""
    variables = {**WORKER_ENVIRONMENT, "OMP_NUM_THREADS": str(resources.cpus_per_worker)}
    variables.update({k: v for k, v in os.environ.items() if k in PASSED_ON})
    if REACH.known_away:
        variables["HF_HUB_OFFLINE"] = "1"  # what the cache has is used without asking again
    return {"env_vars": {**variables, **more}}
