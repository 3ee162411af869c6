"""Servers that describe themselves as the real ones do, at the paths that their documentation shows."""

from __future__ import annotations

from typing import Any

from .server import LocalLLM


def llama_cpp(model: str = "gemma-3-4b-it", n_ctx: int = 8192) -> LocalLLM:
    """Play llama.cpp's llama-server: /props has the context of a slot, the list of models the one used in training."""
    settings = {"id": 0, "id_task": -1, "n_ctx": n_ctx, "speculative": False, "params": {"temperature": 0.8}}
    props = {"default_generation_settings": settings, "total_slots": 1, "model_path": f"{model}.gguf"}
    meta = {"vocab_type": 1, "n_vocab": 262144, "n_ctx_train": 131072, "n_embd": 2560, "n_params": 3880099328}
    return LocalLLM(models=[model], tells={"/props": props}, lists={"owned_by": "llamacpp", "meta": meta})


def ollama(model: str = "qwen3:8b", context_length: int | None = 4096, num_ctx: int | None = None) -> LocalLLM:
    """Play Ollama: /api/ps has the context of a loaded model, /api/show those of its weights and of its model file."""
    running: dict[str, Any] = {"name": model, "model": model, "size": 6654289920, "digest": "500a1f067a9f"}
    if context_length:
        running["context_length"] = context_length
    parameters = 'stop                           "<|im_end|>"\ntemperature                    0.6'
    if num_ctx:
        parameters += f"\nnum_ctx                        {num_ctx}"
    shown = {"parameters": parameters, "model_info": {"general.architecture": "qwen3", "qwen3.context_length": 40960}}
    tells = {"/api/ps": {"models": [running]}, "/api/show": shown}
    return LocalLLM(models=[model], tells=tells, lists={"owned_by": "library"})


def vllm(model: str = "Qwen/Qwen3-8B", max_model_len: int = 16384, key: str | None = "token-abc123") -> LocalLLM:
    """Play vLLM, whose list of models says how long a request may be."""
    lists = {"owned_by": "vllm", "root": model, "parent": None, "max_model_len": max_model_len}
    return LocalLLM(key=key, models=[model], lists=lists)


def lm_studio(model: str = "qwen2.5-7b-instruct", loaded_context_length: int = 4096) -> LocalLLM:
    """Play LM Studio, whose own API says what is loaded, and how; its OpenAI-compatible list does not."""
    loaded = {
        "id": model,
        "object": "model",
        "type": "llm",
        "arch": "qwen2",
        "state": "loaded",
        "max_context_length": 32768,
        "loaded_context_length": loaded_context_length,
    }
    return LocalLLM(models=[model], tells={"/api/v0/models": {"object": "list", "data": [loaded]}})


def open_router(model: str = "mistralai/mistral-nemo", context_length: int = 131072) -> LocalLLM:
    """Play OpenRouter, whose list of models says everything."""
    return LocalLLM(key="sk-or", models=[model], lists={"context_length": context_length})
