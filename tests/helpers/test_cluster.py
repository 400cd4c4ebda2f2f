"""Exhibitions on a Dask cluster; what is painted there is made cheap."""

import os
from types import SimpleNamespace

import pytest

from helpers.exhibit import cluster
from helpers.exhibit.cluster import connected, paint_there
from helpers.exhibit.jobs import LOST
from helpers.exhibit.plan import WrongPlan
from tests.helpers import dask_jobs

pytest.importorskip("distributed", reason="clusters are an extra of pyproject.toml")


@pytest.fixture(scope="module")
def address():
    """A scheduler and two workers."""
    from distributed import LocalCluster

    options = {"dashboard_address": None, "memory_limit": 0, "threads_per_worker": 1}
    with LocalCluster(n_workers=2, **options) as local:
        yield local.scheduler_address


def calls(folder, *names):
    return [(SimpleNamespace(name=name), {}, str(folder), 3) for name in names]


@pytest.mark.slow
def test_a_job_that_kills_every_worker_stops_nobody(address, tmp_path, monkeypatch):
    """joblib's own backend would wait for it for ever."""
    monkeypatch.setattr(cluster, "carry_out", dask_jobs.pretend)
    names = ["a", "b", "deadly", "c", "d", "e"]
    with connected(address, tmp_path) as offer:
        assert offer.workers == 2
        assert offer.threads == max(1, cluster.cores() // 2)
        found = {done.name: done.failure for done in paint_there(offer, calls(tmp_path, *names))}
    assert found["deadly"] == LOST
    assert set(found) == set(names)
    for name in "abcde":
        assert (tmp_path / name).read_text() == "3"


@pytest.mark.slow
def test_a_worker_without_the_folder_of_results_is_refused(address, tmp_path, monkeypatch):
    monkeypatch.setattr(cluster, "_what_is_here", lambda out: (2, os.path.isdir(out + "/lost")))
    with pytest.raises(WrongPlan, match="the worker tcp://.* does not see .*: results need a shar"):
        with connected(address, tmp_path):
            pass


@pytest.mark.slow
def test_workers_that_do_not_know_the_code_are_refused(address, tmp_path, monkeypatch):
    def missing(out):
        raise ModuleNotFoundError("No module named 'helpers'")

    monkeypatch.setattr(cluster, "_what_is_here", missing)
    with pytest.raises(WrongPlan, match="not fit .No module named 'helpers'.*in the folder of the"):
        with connected(address, tmp_path):
            pass


def test_where_no_scheduler_is_a_sentence_is(tmp_path, monkeypatch):
    monkeypatch.setattr(cluster, "PATIENCE", 0.2)
    for wrong in ("tcp://127.0.0.1:9", "no address", "tcp://nowhere.invalid:8786"):
        with pytest.raises(WrongPlan, match="no Dask scheduler answers at "):
            with connected(wrong, tmp_path):
                pass


def test_where_dask_is_missing_the_way_to_it_is_told(tmp_path, monkeypatch):
    monkeypatch.setattr(cluster.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(WrongPlan, match='a cluster needs Dask.* -m pip install "distributed>='):
        with connected("tcp://127.0.0.1:8786", tmp_path):
            pass
