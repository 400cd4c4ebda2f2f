"""A Dask cluster instead of this machine's cores, through joblib's backend for Dask.

    python do.py exhibit --cluster 2        a scheduler and two workers here, until Ctrl-C
    python do.py exhibit plan.toml --scheduler tcp://127.0.0.1:8786

On several machines: `dask scheduler` on one and `dask worker ADDRESS --nthreads 1` on each, all in
the folder of the series, with the plan and its results on a disk that all of them share.
"""

import importlib.util
import os
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from helpers.exhibit.jobs import LOST, Done, carry_out
from helpers.exhibit.plan import WrongPlan
from helpers.exhibit.room import cores
from helpers.install import requirements

__all__ = ["Cluster", "connected", "paint_there", "start_here"]

PORT = 8786  # Dask's own
PATIENCE = 10  # seconds for a scheduler to answer


class Cluster(NamedTuple):
    """What a Dask cluster offers."""

    client: Any
    workers: int
    threads: int  # of each worker
    memory: int  # bytes that the smallest worker may take; 0 where it may take all


def _require_dask() -> None:
    if importlib.util.find_spec("distributed") is None:
        advice = " ".join(f'"{package}"' for package in requirements("cluster"))
        command = f"{sys.executable} -m pip install {advice}"
        raise WrongPlan(f"a cluster needs Dask, here and on its workers: {command}")


@contextmanager
def connected(scheduler: str, out: Path) -> Iterator[Cluster]:
    """A connection to a Dask scheduler, as long as the block lasts.

    out: the folder of the results, which every worker has to see. Raises WrongPlan where Dask is
    not installed, nobody answers, there is no worker, or a worker is not fit.
    """
    _require_dask()
    from distributed import Client

    try:
        client = Client(scheduler, timeout=PATIENCE, set_as_default=False)
    except (OSError, ValueError) as error:
        raise WrongPlan(f"no Dask scheduler answers at {scheduler}: {error}") from None
    with client:
        yield _offer(client, scheduler, out)


def _offer(client: Any, scheduler: str, out: Path) -> Cluster:
    """What the workers of a scheduler have."""
    until = time.monotonic() + PATIENCE
    while not client.ncores():
        if time.monotonic() > until:
            raise WrongPlan(f"the Dask scheduler at {scheduler} has no worker: start some")
        time.sleep(0.2)
    out.mkdir(parents=True, exist_ok=True)
    try:
        answers = client.run(_what_is_here, str(out.resolve()))
    except Exception as error:  # whatever a worker says that does not know our code
        where = "start them in the folder of the series, with the same Python"
        raise WrongPlan(f"the workers of {scheduler} are not fit ({error}): {where}") from None
    hosts = Counter(urlsplit(address).hostname for address in answers)
    for address, (_, is_shared) in answers.items():
        if not is_shared:
            raise WrongPlan(f"the worker {address} does not see {out}: results need a shared disk")
    shares = [has // hosts[urlsplit(address).hostname] for address, (has, _) in answers.items()]
    workers = client.scheduler_info(n_workers=-1)["workers"].values()
    memory = min((worker.get("memory_limit") or 0 for worker in workers), default=0)
    return Cluster(client, len(answers), max(1, min(shares)), memory)


def _what_is_here(out: str) -> tuple[int, bool]:
    """What a worker tells of its machine: its cores, and whether the folder of results is there."""
    return cores(), os.path.isdir(out)


def _register() -> None:
    """A backend for joblib that also tells what has become of a lost job.

    That of joblib waits for ever for a job whose workers were killed several times.
    """
    from joblib import register_parallel_backend
    from joblib._dask import DaskDistributedBackend

    class Patient(DaskDistributedBackend):
        def submit(self, func, callback=None):
            ((_, arguments, _),) = func.items
            name = arguments[0].name

            def tell(future):
                error = future.exception()
                if error is not None:
                    callback([Done(name, LOST, 0.0)])

            future = super().submit(func, callback)
            future.add_done_callback(tell)
            return future

        def retrieve_result_callback(self, out):
            if isinstance(out, list):
                return out
            if isinstance(out, BaseException):  # of Dask, not of a worker
                raise ConnectionError(f"the connection to the scheduler broke: {out!r}")
            return super().retrieve_result_callback(out)

    register_parallel_backend("patient dask", Patient)


def paint_there(cluster: Cluster, calls: list[tuple]) -> Iterator[Done]:
    """Let a cluster carry out some jobs; each call holds the arguments of `carry_out`.

    Where a worker is killed, another takes its job over. Yields Done; its failure is LOST where
    several workers were killed.
    """
    from joblib import Parallel, delayed, parallel_config

    _register()
    with parallel_config("patient dask", client=cluster.client):
        parallel = Parallel(return_as="generator_unordered", batch_size=1)
        yield from parallel(delayed(carry_out)(*call) for call in calls)


def start_here(workers: int) -> int:
    """Start a scheduler and some single-threaded workers on this machine, until Ctrl-C.

    Returns the exit code.
    """
    _require_dask()
    from distributed import LocalCluster

    options = {"scheduler_port": PORT, "dashboard_address": None, "memory_limit": 0}
    with LocalCluster(n_workers=workers, threads_per_worker=1, **options) as cluster:
        address = cluster.scheduler_address
        print(f"A Dask cluster of {workers} worker(s) is at {address}. In another window:")
        print(f"python do.py exhibit plan.toml --scheduler {address}")
        print("Ctrl-C ends it.", flush=True)
        try:
            while True:
                time.sleep(60)
        except KeyboardInterrupt:
            return 0
