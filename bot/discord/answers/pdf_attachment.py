"""PDFs that people send: read a few at a time in separate processes, and searched for an hour."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from cachetools import TTLCache

from bot.discord.connection.calls import NETWORK_ERRORS
from bot.discord.ui.markdown import escape, plain, shorten
from bot.language import say
from retrieval import BadInputError
from retrieval.fulltext.extraction import LARGEST, PdfError, can_read_pdfs
from retrieval.fulltext.worker import MOST_PAGES
from retrieval.sources.pdf import SOURCE, paper_in

if TYPE_CHECKING:
    from collections.abc import Mapping

    import discord

    from retrieval import Fetched, Library
    from retrieval.fulltext.extraction import Fault
    from retrieval.search.full_text_searcher import Document

AT_ONCE: Final = 2  # processes, each of up to a gigabyte
REMEMBERED: Final = timedelta(hours=1)
MOST_DOCUMENTS: Final = 50  # across all people; some megabytes each
NAME_CHARACTERS: Final = 80


class PdfAttachments:
    """Read attached PDFs, and keep the last one of each DM in memory for a while; none is stored."""

    def __init__(self, library: Library) -> None:
        self._library = library
        self._turns = asyncio.Semaphore(AT_ONCE)
        self._documents: TTLCache[int, Document] = TTLCache(MOST_DOCUMENTS, REMEMBERED.total_seconds())

    async def read(self, attachment: discord.Attachment, source: str = SOURCE) -> Fetched:
        """Read the paper in a PDF with its full text; raises BadInputError with a sentence for the sender."""
        name = escape(shorten(plain(attachment.filename), NAME_CHARACTERS))
        if attachment.size > LARGEST:
            raise BadInputError(_sentence("large", name))
        try:
            data = await attachment.read()
        except NETWORK_ERRORS:
            raise BadInputError(
                say("I could not download “{name}” from Discord: please send it again.", name=name)
            ) from None
        async with self._turns:
            try:
                return await asyncio.to_thread(paper_in, data, source)
            except PdfError as error:
                raise BadInputError(_sentence(error.fault, name)) from error
            except BadInputError:  # there are no words to make a title of
                raise BadInputError(_sentence("malformed", name)) from None

    async def take(self, channel_id: int, attachment: discord.Attachment) -> Document:
        """Read a PDF in a DM, whose questions are answered from it from now on; raises as `read` does."""
        fetched = await self.read(attachment)
        assert fetched.full_text is not None
        document = await self._library.prepare_document(fetched.paper, fetched.full_text)
        self._documents[channel_id] = document
        return document

    def at_hand(self, channel_id: int) -> Document | None:
        """Get the PDF last sent in a DM, None if it was too long ago."""
        return self._documents.get(channel_id)


def is_pdf(attachment: discord.Attachment) -> bool:
    """Check whether an attachment is a PDF and can be read here."""
    return attachment.filename.lower().endswith(".pdf") and can_read_pdfs()


def taken(document: Document) -> str:
    """Say that a document was read, and for how long questions are answered from it."""
    return say(
        "I have read “{title}” ({pages} pages). For an hour I also look in it for answers to what you ask me "
        "here; then I forget it.",
        title=escape(shorten(plain(document.paper.title), NAME_CHARACTERS)),
        pages=document.full_text.pages,
    )


def _sentence(fault: Fault, name: str) -> str:
    sentences: Mapping[Fault, str] = {
        "missing": say("I cannot read PDFs here: please write your question as text."),
        "large": say("“{name}” is larger than {most} MB: please send a smaller PDF.", name=name, most=LARGEST >> 20),
        "malformed": say("“{name}” is a damaged PDF: please save it again, and send me the new file.", name=name),
        "encrypted": say("“{name}” is encrypted: please save it without a password, and send me that file.", name=name),
        "long": say(
            "“{name}” has more than {most} pages: please send only the pages of one paper.", name=name, most=MOST_PAGES
        ),
        "pictures": say(
            "“{name}” contains images of text, not text: please run it through an OCR program first.", name=name
        ),
        "heavy": say("“{name}” takes too long to read: please print it to a new PDF, and send me that one.", name=name),
    }
    return sentences[fault]
