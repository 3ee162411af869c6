"""Find out the size of a model's context, from the various endpoints where servers report it."""

from __future__ import annotations

import asyncio
import json
import re
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

import aiohttp

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from bot.llm.address import Address

_PATIENCE: Final = timedelta(seconds=3)
_OK: Final = 200
# The served size first, the model's maximum last: LM Studio; vLLM; Groq; Ollama and OpenRouter; LM Studio before a
# model is loaded, and Mistral.
_SIZES: Final = ("loaded_context_length", "max_model_len", "context_window", "context_length", "max_context_length")
_NUM_CTX: Final = re.compile(r"^num_ctx\s+(\d+)", re.MULTILINE)


async def window(address: Address, api_key: str | None, name: str) -> int | None:
    """Look up how many tokens the model's context holds, None if the server does not say.

    Call it after a first request: some servers know only loaded models.
    """
    if address.query:  # Azure's deployments do not say
        return None
    headers = {"Authorization": f"Bearer {api_key}"} if api_key else {}
    timeout = aiohttp.ClientTimeout(total=_PATIENCE.total_seconds())
    root = address.base_url.removesuffix("/v1")
    async with aiohttp.ClientSession(timeout=timeout, headers=headers, trust_env=True) as session:
        if size := _listed(await _read(session, f"{address.base_url}/models"), name):
            return size
        own = await asyncio.gather(
            _read(session, f"{root}/props", {"model": name}),
            _read(session, f"{root}/api/ps"),
            _read(session, f"{root}/api/v0/models"),
            _read(session, f"{root}/api/show", asked={"model": name}),
        )
    readers: list[Callable[[Any, str], int | None]] = [_props, _listed, _listed, _shown]
    sizes = (read(found, name) for read, found in zip(readers, own, strict=True))
    return next((size for size in sizes if size), None)


async def _read(
    session: aiohttp.ClientSession, url: str, query: dict[str, str] | None = None, asked: object = None
) -> object:
    method = "POST" if asked else "GET"
    try:
        async with session.request(method, url, params=query, allow_redirects=False, json=asked) as response:
            return json.loads(await response.read()) if response.status == _OK else None
    except (aiohttp.ClientError, TimeoutError, OSError, ValueError, RecursionError):
        return None


def _listed(found: object, name: str) -> int | None:
    """Find the size in a list of models."""
    sizes = (_size(model.get(key)) for model in _models(found) if _is(model, name) for key in _SIZES)
    return next((size for size in sizes if size), None)


def _models(found: object) -> Iterator[dict[str, Any]]:
    """Yield the models of a list, which OpenAI and LM Studio call data and Ollama calls models."""
    if isinstance(found, dict):
        for listed in (found.get("data"), found.get("models")):
            yield from (entry for entry in (listed if isinstance(listed, list) else []) if isinstance(entry, dict))


def _is(model: dict[str, Any], name: str) -> bool:
    wanted = (name, f"{name}:latest", name.removesuffix(":latest"))
    return any(model.get(key) in wanted for key in ("id", "name", "model"))


def _props(found: object, _: str) -> int | None:
    """Find the size in llama.cpp's properties: that of one slot, which is what a call gets."""
    settings = found.get("default_generation_settings") if isinstance(found, dict) else None
    return _size(settings.get("n_ctx")) if isinstance(settings, dict) else None


def _shown(found: object, _: str) -> int | None:
    """Find the size in Ollama's model file; the maximum of the weights is not what is served."""
    parameters = found.get("parameters") if isinstance(found, dict) else None
    told = _NUM_CTX.search(parameters) if isinstance(parameters, str) else None
    return int(told[1]) if told else None


def _size(value: object) -> int | None:
    return value if isinstance(value, int) and value > 0 else None
