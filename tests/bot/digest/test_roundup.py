from __future__ import annotations

import io

import numpy as np
import pytest
from matplotlib.image import imread

from bot.digest.map_renderer import BACKGROUND, draw
from bot.digest.roundup import cluster, make_map, silhouette

THEMES = ("walking robots", "protein folding", "speech recognition", "weather forecasts")
MOST_BYTES = 8 << 20


def papers(each: int, seed: int = 0) -> tuple[np.ndarray, list[str]]:
    """Make `each` papers in each of four well-separated groups; a title names its group."""
    chance = np.random.default_rng(seed)
    middles = np.eye(len(THEMES), 16) * 3
    vectors = np.concatenate([middle + chance.normal(scale=0.3, size=(each, 16)) for middle in middles])
    titles = [f"Improved {theme} via method {number}" for theme in THEMES for number in range(each)]
    return (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32), titles


def test_groups_that_stand_apart_are_found_and_named_by_their_words() -> None:
    chart = make_map(*papers(30))
    assert [cluster.members for cluster in sorted(chart.clusters, key=lambda each: each.members)] == [
        tuple(range(start, start + 30)) for start in range(0, 120, 30)
    ]
    names = sorted(cluster.name for cluster in chart.clusters)
    assert all(theme in name for theme, name in zip(sorted(THEMES), names, strict=True))


def test_the_same_papers_give_the_same_map() -> None:
    assert np.array_equal(make_map(*papers(20)).points, make_map(*papers(20)).points)


def test_clusters_do_not_cover_each_other_on_the_map() -> None:
    chart = make_map(*papers(40))
    for number, one in enumerate(chart.clusters):
        for two in chart.clusters[:number]:
            assert np.hypot(one.x - two.x, one.y - two.y) >= 0.95 * (one.radius + two.radius)
    for each in chart.clusters:
        apart = chart.points[list(each.members)] - (each.x, each.y)
        assert np.hypot(*apart.T).max() <= each.radius * 1.001


def test_the_silhouette_is_high_for_the_right_groups_and_low_for_random_ones() -> None:
    vectors, _ = papers(20)
    right = np.repeat(np.arange(4), 20)
    assert silhouette(vectors, right) > 0.5
    assert silhouette(vectors, np.arange(80) % 4) < 0.1
    assert silhouette(vectors, np.zeros(80, np.intp)) == -1.0


@pytest.mark.parametrize("count", [8, 9, 40])
def test_few_papers_and_equal_ones_make_a_map_too(count: int) -> None:
    same = np.tile(np.array([1, 0, 0], np.float32), (count, 1))
    chart = make_map(same, [f"One title {number}" for number in range(count)])
    assert np.isfinite(chart.points).all()
    assert sum(len(each.members) for each in chart.clusters) == count
    assert set(cluster(same.astype(float))) >= {0}


def test_the_picture_is_dark_and_small_enough_whatever_the_titles_hold() -> None:
    vectors, titles = papers(60)
    titles = [f"{title} $x^2 {{ \\frac <b> 日本" for title in titles]
    picture = draw(make_map(vectors, titles), "240 new $papers_ \\alpha$", [0, 100], "★ in this digest")
    assert len(picture) < MOST_BYTES
    pixels = imread(io.BytesIO(picture))
    assert pixels.shape[:2] == (990, 1500)
    assert pixels[5, 5, :3] == pytest.approx([int(BACKGROUND[at : at + 2], 16) / 255 for at in (1, 3, 5)], abs=0.01)
    assert (pixels[..., :3].max(axis=2) > 0.6).mean() > 0.005
