"""Notebook 13: its schedule, its rubric and its plan."""

import heapq
import re
import tomllib

import pytest

from helpers.images import DATA, manifest
from tests.notebooks.test_loops import run


@pytest.mark.parametrize("workers", [1, 2, 5])
def test_the_schedule_of_the_notebook_is_that_of_a_queue(workers):
    """Whoever is free first takes the next job: an independent simulation."""
    until_done = run("13", "def minutes_until_done(")["minutes_until_done"]
    jobs = [3, 1, 4, 1, 5, 9, 2, 6, 5, 3, 5]
    free = [0.0] * workers
    ends = []
    for minutes in jobs:
        ends.append(heapq.heappop(free) + minutes)
        heapq.heappush(free, ends[-1])
    assert until_done(jobs, workers) == max(ends)


def test_no_points_make_up_for_missing_rights():
    verdict = run("13", "def verdict(")["verdict"]
    assert verdict({"Rights": 0, "Idea": 3, "Craft": 3}) == "may not be shown"
    assert verdict({"Rights": 1, "Idea": 3, "Craft": 2}) == "6 of 9 points"


@pytest.fixture(scope="module")
def works():
    return tomllib.loads((DATA / "exhibition.toml").read_text(encoding="utf-8"))["work"]


def test_every_label_has_about_eighty_words(works):
    for work in works:
        assert 75 <= len(work["label"].split()) <= 85, work["title"]
        sentences = re.split(r"(?<=[.?!]) ", work["label"].strip())
        assert max(len(sentence.split()) for sentence in sentences) <= 30, work["title"]


def test_every_picture_of_the_exhibition_may_be_shown_changed(works):
    for work in works:
        styles = work["style"] if isinstance(work["style"], str) else work["style"][0]
        for name in [work["content"], *([styles] if isinstance(styles, str) else styles)]:
            licence = manifest()[name]["licence"]
            assert re.fullmatch(r"public domain|CC0|CC BY \d\.\d", licence), name
