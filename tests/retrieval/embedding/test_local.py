"""The local model: its vectors next to those of sentence-transformers, and what it does with bad files."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
import pytest_asyncio
from hypothesis import given, settings
from hypothesis import strategies as st

from bench.make_graph import build
from retrieval.embedding.local import BATCH, WEIGHTS, LocalEmbedder
from retrieval.embedding.minilm import GRAPH
from retrieval.errors import WeightsError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

REFERENCE = json.loads((Path(__file__).parents[2] / "fixtures" / "minilm_reference.json").read_text(encoding="utf-8"))[
    "texts"
]
TEXTS = [row["text"] for row in REFERENCE]


@pytest.fixture(scope="module")
def cache_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("models")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def embedder(cache_dir: Path) -> AsyncIterator[LocalEmbedder]:
    embedder = LocalEmbedder(cache_dir)
    await embedder.load()
    yield embedder
    await embedder.close()


def cached_graph(cache_dir: Path) -> Path:
    (path,) = cache_dir.glob("*.onnx")
    return path


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def model_dir(tmp_path: Path, embedder: LocalEmbedder) -> Path:
    """Make a folder with links to the model's own files."""
    folder = tmp_path / "model"
    folder.mkdir()
    for name in ("model.safetensors", "tokenizer.json"):
        (folder / name).symlink_to(embedder._folder() / name)
    return folder


async def test_vectors_are_those_of_sentence_transformers(embedder: LocalEmbedder) -> None:
    expected = np.array([row["vector"] for row in REFERENCE])
    expected /= np.linalg.norm(expected, axis=1, keepdims=True)
    vectors = await embedder.embed(TEXTS)
    assert vectors.shape == (len(TEXTS), 384)
    assert vectors.dtype == np.float32
    assert np.linalg.norm(vectors, axis=1) == pytest.approx(1, abs=1e-5)
    cosines = (vectors * expected).sum(axis=1)
    assert cosines.min() >= 0.99999, TEXTS[cosines.argmin()]


def test_the_graph_that_ships_is_the_one_that_is_built(embedder: LocalEmbedder) -> None:
    built = build(embedder._file(WEIGHTS))
    assert built.SerializeToString(deterministic=True) == GRAPH.read_bytes(), "run bench/make_graph.py"


async def test_no_texts_give_no_rows(embedder: LocalEmbedder) -> None:
    assert (await embedder.embed([])).shape == (0, 384)


@settings(max_examples=10, deadline=None)
@given(
    texts=st.lists(st.one_of(st.text(max_size=60), st.sampled_from(TEXTS[:5])), min_size=1, max_size=2 * BATCH + 1),
    data=st.data(),
)
def test_a_vector_depends_neither_on_order_nor_on_batch_mates(
    embedder: LocalEmbedder, texts: list[str], data: st.DataObject
) -> None:
    order = data.draw(st.permutations(range(len(texts))))
    alone = data.draw(st.sampled_from(range(len(texts))))

    async def run() -> None:
        rows = await embedder.embed(texts)
        assert np.allclose(await embedder.embed([texts[i] for i in order]), rows[order], atol=1e-5)
        assert np.allclose(await embedder.embed([texts[alone]]), rows[[alone]], atol=1e-5)

    asyncio.run(run())


async def test_concurrent_calls_get_their_own_rows(embedder: LocalEmbedder) -> None:
    together = await asyncio.gather(*(embedder.embed([text]) for text in TEXTS))
    assert np.allclose(np.concatenate(together), await embedder.embed(TEXTS), atol=1e-5)


async def test_a_question_overtakes_the_batches_of_an_ingest(embedder: LocalEmbedder) -> None:
    ingest = asyncio.create_task(embedder.embed(TEXTS[5:8] * 100))
    await asyncio.sleep(0)
    await embedder.embed(["a question"])
    assert not ingest.done()
    ingest.cancel()
    with pytest.raises(asyncio.CancelledError):
        await ingest
    assert (await embedder.embed(["still at work"])).shape == (1, 384)


@pytest.mark.parametrize(("text", "count"), [("", 2), ("diffusion", 3), ("  diffusion \n", 3), ("token " * 700, 702)])
def test_tokens_are_counted_beyond_what_is_embedded(embedder: LocalEmbedder, text: str, count: int) -> None:
    assert embedder.count_tokens(text) == count


async def test_what_stands_behind_256_word_pieces_does_not_count(embedder: LocalEmbedder) -> None:
    first, second, third = await embedder.embed(["token " * 254, "token " * 254 + "extra", "token " * 253 + "extra"])
    assert np.allclose(first, second, atol=1e-6)
    assert not np.allclose(first, third, atol=1e-3)


@pytest.mark.parametrize("suffix", [".onnx", ".weights"])
@pytest.mark.parametrize("damage", ["truncated", "one bit", "empty", "no digest"])
async def test_a_damaged_cache_is_built_anew(
    tmp_path: Path, cache_dir: Path, embedder: LocalEmbedder, damage: str, suffix: str
) -> None:
    graph = cached_graph(cache_dir)
    cached = graph.with_suffix(suffix)
    for name in names(cache_dir):
        (tmp_path / name).write_bytes((cache_dir / name).read_bytes())
    whole = cached.read_bytes()
    copy, digest = tmp_path / cached.name, tmp_path / f"{graph.name}.sha256"
    broken = bytearray(whole)
    broken[len(whole) // 2] ^= 1
    copy.write_bytes(
        {"truncated": whole[: len(whole) // 2], "one bit": bytes(broken), "empty": b"", "no digest": whole}[damage]
    )
    if damage == "no digest":
        digest.unlink()
    other = LocalEmbedder(tmp_path)
    assert np.allclose(await other.embed(TEXTS[:2]), await embedder.embed(TEXTS[:2]), atol=1e-6)
    await other.close()
    assert copy.read_bytes() == whole
    assert names(tmp_path) == names(cache_dir)


async def test_a_whole_cache_is_opened_as_it_is(cache_dir: Path, embedder: LocalEmbedder) -> None:
    cached = cached_graph(cache_dir)
    before = cached.stat()
    other = LocalEmbedder(cache_dir)
    await other.load()
    await other.close()
    assert (cached.stat().st_ino, cached.stat().st_mtime_ns) == (before.st_ino, before.st_mtime_ns)


async def test_a_folder_with_the_same_files_serves(tmp_path: Path, cache_dir: Path, embedder: LocalEmbedder) -> None:
    other = LocalEmbedder(cache_dir, model_dir(tmp_path, embedder))
    assert np.allclose(await other.embed(["x"]), await embedder.embed(["x"]), atol=1e-6)
    await other.close()


@pytest.mark.parametrize("name", ["model.safetensors", "tokenizer.json"])
async def test_other_files_than_the_expected_are_refused_even_with_a_good_cache(
    tmp_path: Path, cache_dir: Path, embedder: LocalEmbedder, name: str
) -> None:
    folder = model_dir(tmp_path, embedder)
    content = (folder / name).read_bytes()
    (folder / name).unlink()
    (folder / name).write_bytes(content[:-1] + b"!")
    other = LocalEmbedder(cache_dir, folder)
    with pytest.raises(WeightsError, match=rf"{name} is damaged.*FOOTNOTE_EMBEDDING__MODEL_DIR"):
        await other.embed(["x"])
    await other.close()


@pytest.mark.parametrize("name", ["model.safetensors", "tokenizer.json"])
async def test_a_missing_file_is_named(tmp_path: Path, cache_dir: Path, embedder: LocalEmbedder, name: str) -> None:
    folder = model_dir(tmp_path, embedder)
    (folder / name).unlink()
    other = LocalEmbedder(cache_dir, folder)
    with pytest.raises(WeightsError, match=rf"Cannot read .*{name} .*FOOTNOTE_EMBEDDING__MODEL_DIR"):
        await other.load()
    await other.close()


async def test_a_missing_package_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "path", [])
    monkeypatch.setattr(sys, "path_importer_cache", {})
    other = LocalEmbedder(tmp_path)
    with pytest.raises(WeightsError, match=r"not installed; install the release's footnote_minilm wheel .*MODEL_DIR"):
        other._folder()
    await other.close()


async def test_a_cache_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    other = LocalEmbedder(tmp_path / "file" / "models")
    with pytest.raises(WeightsError, match=r"Cannot keep the embedding model in .*FOOTNOTE_DATA_DIR"):
        await other.load()
    await other.close()


def test_importing_the_module_imports_nothing_heavy() -> None:
    heavy = {"numpy", "onnx", "onnxruntime", "tokenizers", "openai", "tiktoken", "torch"}
    code = (
        "import sys, pathlib, retrieval.embedding.local as m, retrieval.embedding.openai\n"
        "m.LocalEmbedder(pathlib.Path('unused'))\n"
        f"print(sorted({heavy} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_a_folder_that_is_not_there_is_said_before_anything_is_embedded(tmp_path: Path) -> None:
    with pytest.raises(WeightsError, match=r"nowhere is no folder; .*FOOTNOTE_EMBEDDING__MODEL_DIR"):
        LocalEmbedder(tmp_path, tmp_path / "nowhere")
