from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any

import numpy as np
import openai
import pytest

from tests.local_llm import (
    LocalLLM,
    cut,
    fails,
    given_paper_mixed_up,
    held_by,
    invented_paper,
    invented_quote,
    masked_link,
    pings_everyone,
    refuses,
    says,
    silent,
    statement,
    writes,
    wrong_number,
)

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from tests.local_llm.behaviours import Behaviour

PAPERS = """\
<papers>
<paper number="1">
<title>Of Cats</title>
<abstract>
Cats sleep most of the day. We measure that cats sleep 15 hours, more than dogs. They also eat.
</abstract>
</paper>
<paper number="2">
<title>Of Ships</title>
<abstract>
Ships sail. Harbours are where ships rest at night.
</abstract>
</paper>
</papers>
<question>
how many hours do cats sleep, compared to dogs?
</question>"""
QUOTE = "We measure that cats sleep 15 hours, more than dogs."


@pytest.fixture
async def llm() -> AsyncIterator[LocalLLM]:
    async with LocalLLM() as llm:
        yield llm


@pytest.fixture
async def client(llm: LocalLLM) -> AsyncIterator[openai.AsyncOpenAI]:
    async with openai.AsyncOpenAI(api_key="key", base_url=llm.base_url, max_retries=0) as client:
        yield client


async def ask(client: openai.AsyncOpenAI, content: str = PAPERS) -> Any:
    reply = await client.chat.completions.create(model="m", messages=[{"role": "user", "content": content}])
    return reply.choices[0]


async def statements(client: openai.AsyncOpenAI) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads((await ask(client)).message.content)["statements"]
    return found


async def test_it_answers_from_the_papers_in_the_prompt(client: openai.AsyncOpenAI) -> None:
    assert await statements(client) == [{"text": QUOTE, "supports": [{"paper": 1, "quote": QUOTE}]}]


async def test_it_says_when_the_papers_do_not_suffice(client: openai.AsyncOpenAI) -> None:
    content = PAPERS.replace("how many hours do cats sleep, compared to dogs?", "who won the football cup of 1987?")
    assert json.loads((await ask(client, content)).message.content) == {"sufficient": False, "statements": []}


async def test_without_papers_it_repeats_the_prompt(client: openai.AsyncOpenAI) -> None:
    assert (await ask(client, "hello")).message.content == "hello"


async def test_a_stream_holds_the_same_text_in_pieces_and_the_usage_in_the_last(client: openai.AsyncOpenAI) -> None:
    stream = await client.chat.completions.create(
        model="m",
        messages=[{"role": "user", "content": PAPERS}],
        stream=True,
        stream_options={"include_usage": True},
    )
    chunks = [chunk async for chunk in stream]
    text = "".join(choice.delta.content or "" for chunk in chunks for choice in chunk.choices)
    whole = await client.chat.completions.create(model="m", messages=[{"role": "user", "content": PAPERS}])
    assert text == whole.choices[0].message.content
    assert len(chunks) > 5
    assert chunks[-1].usage == whole.usage
    assert chunks[-1].choices == []


async def test_planted_errors_are_in_the_answer(llm: LocalLLM, client: openai.AsyncOpenAI) -> None:
    async def first(behaviour: Behaviour) -> dict[str, Any]:
        llm.next(behaviour)
        return (await statements(client))[0]

    assert (await first(invented_paper))["supports"][0]["paper"] == 9
    assert (await first(invented_quote))["supports"][0]["quote"] not in PAPERS
    assert (await first(given_paper_mixed_up))["supports"] == [{"paper": 2, "quote": QUOTE}]
    assert "8641" in (await first(wrong_number))["text"]
    assert "@everyone" in (await first(pings_everyone))["text"]
    assert "](https://" in (await first(masked_link))["text"]
    assert (await first(says(statement("Given.", (1, "q")))))["text"] == "Given."


async def test_what_is_asked_for_happens_once_in_order_and_then_no_more(
    llm: LocalLLM, client: openai.AsyncOpenAI
) -> None:
    llm.next(fails(503), writes("one"), times=2)
    for _ in range(2):
        with pytest.raises(openai.InternalServerError):
            await ask(client)
        assert (await ask(client)).message.content == "one"
    assert (await statements(client))[0]["text"] == QUOTE


@pytest.mark.parametrize(
    ("status", "error"),
    [(401, openai.AuthenticationError), (404, openai.NotFoundError), (429, openai.RateLimitError)],
)
async def test_errors_are_those_of_the_api(
    llm: LocalLLM, client: openai.AsyncOpenAI, status: int, error: type[Exception]
) -> None:
    llm.next(fails(status, retry_after=7))
    with pytest.raises(error) as caught:
        await ask(client)
    assert isinstance(caught.value, openai.APIStatusError)
    assert caught.value.response.headers["Retry-After"] == "7"


async def test_a_cut_stream_breaks_the_connection(llm: LocalLLM, client: openai.AsyncOpenAI) -> None:
    llm.next(cut(0.5))
    stream = await client.chat.completions.create(
        model="m", messages=[{"role": "user", "content": PAPERS}], stream=True
    )
    with pytest.raises(openai.APIConnectionError):
        [chunk async for chunk in stream]


async def test_silence_lasts_until_the_server_goes(llm: LocalLLM, client: openai.AsyncOpenAI) -> None:
    llm.next(silent)
    call = asyncio.create_task(ask(client))
    await llm.asked(1)
    done, _ = await asyncio.wait([call], timeout=0.2)
    assert not done
    call.cancel()


async def test_a_held_answer_waits_for_its_gate(llm: LocalLLM, client: openai.AsyncOpenAI) -> None:
    gate = asyncio.Event()
    llm.next(held_by(gate))
    call = asyncio.create_task(ask(client))
    await llm.asked(1)
    gate.set()
    assert (await call).message.content


async def test_a_refusal_has_a_field_of_its_own(llm: LocalLLM, client: openai.AsyncOpenAI) -> None:
    llm.next(refuses("No."))
    message = (await ask(client)).message
    assert (message.content, message.refusal) == (None, "No.")


async def test_key_models_and_fields_are_checked_where_asked_for() -> None:
    async with LocalLLM(key="right", models=["m"], rejects=["temperature"]) as llm:
        async with openai.AsyncOpenAI(api_key="wrong", base_url=llm.base_url) as client:
            with pytest.raises(openai.AuthenticationError):
                await ask(client)
        async with openai.AsyncOpenAI(api_key="right", base_url=llm.base_url) as client:
            assert await ask(client)
            assert [model.id async for model in client.models.list()] == ["m"]
            with pytest.raises(openai.NotFoundError):
                await client.chat.completions.create(model="x", messages=[{"role": "user", "content": "?"}])
            with pytest.raises(openai.BadRequestError, match="temperature"):
                await client.chat.completions.create(
                    model="m", messages=[{"role": "user", "content": "?"}], temperature=0
                )


async def test_requests_are_kept_and_their_keys_stay_out_of_sight(llm: LocalLLM, client: openai.AsyncOpenAI) -> None:
    await ask(client, "hello")
    (request,) = llm.requests
    assert request.key == "key"
    assert request.prompt == "hello"
    assert "Bearer" not in repr(request)


async def test_texts_that_share_words_have_vectors_near_each_other(client: openai.AsyncOpenAI) -> None:
    texts = ["cats sleep most of the day", "most cats sleep in the day", "quantum chromodynamics on a lattice"]
    reply = await client.embeddings.create(model="text-embedding-3-small", input=texts)
    cats, kittens, quarks = (np.array(item.embedding) for item in reply.data)
    assert cats.shape == (1536,)
    assert np.linalg.norm(cats) == pytest.approx(1, abs=1e-5)
    assert cats @ kittens > 0.6
    assert cats @ quarks < 0.3
    assert reply.usage.prompt_tokens > 0


async def test_vectors_are_the_same_as_floats_and_as_base64_and_as_long_as_asked(client: openai.AsyncOpenAI) -> None:
    floats = await client.embeddings.create(model="e", input="a text", dimensions=64, encoding_format="float")
    packed = await client.embeddings.create(model="e", input=["a text"], dimensions=64)
    assert len(floats.data[0].embedding) == 64
    assert packed.data[0].embedding == pytest.approx(floats.data[0].embedding)


async def test_embeddings_fail_when_asked_to(llm: LocalLLM, client: openai.AsyncOpenAI) -> None:
    llm.next(fails(429), on="/v1/embeddings")
    with pytest.raises(openai.RateLimitError):
        await client.embeddings.create(model="e", input="a text")
    assert (await client.embeddings.create(model="e", input="a text")).data
