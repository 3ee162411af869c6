"""Somebody at the demo's page with nothing but a keyboard; what they see is read from the page."""

from __future__ import annotations

import shutil
import tempfile
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, Final

from axe_playwright_python.async_playwright import Axe
from playwright.async_api import async_playwright, expect

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from playwright.async_api import Locator, Page

BROWSERS: Final = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
OPTIONS: Final = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--hide-scrollbars",
)
PATIENCE: Final = 60_000  # milliseconds that anything may take on a busy machine
MOST_STOPS: Final = 250  # presses of Tab to go once round the page
ANSWER: Final = ".message.bot"
SET_THEME: Final = "theme => { document.documentElement.dataset.theme = theme }"


def browser() -> str | None:
    """Find an installed browser; None if there is none."""
    return next(filter(None, map(shutil.which, BROWSERS)), None)


@asynccontextmanager
async def visit(address: str, *, theme: str = "light", width: int = 1200, height: int = 900) -> AsyncIterator[Visitor]:
    """Open the page in a new browser."""
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        async with async_playwright() as playwright:
            context = await playwright.chromium.launch_persistent_context(
                profile,
                executable_path=browser(),
                args=list(OPTIONS),
                color_scheme="dark" if theme == "dark" else "light",
                viewport={"width": width, "height": height},
                device_scale_factor=1.5,
            )
            context.set_default_timeout(PATIENCE)
            expect.set_options(timeout=PATIENCE)
            page = context.pages[0]
            wrong: list[str] = []
            page.on("pageerror", lambda error: wrong.append(str(error)))
            page.on("console", lambda said: wrong.append(said.text) if said.type == "error" else None)
            await page.goto(address)
            await expect(page.locator("#composer-label")).to_have_text("Message #papers")
            yield Visitor(page, wrong)
            await context.close()


class Visitor:
    """Use the page by keyboard alone."""

    def __init__(self, page: Page, wrong: list[str]) -> None:
        self.page = page
        self.wrong = wrong  # errors of the page's scripts

    async def press(self, *keys: str) -> None:
        """Press keys one after the other."""
        for key in keys:
            await self.page.keyboard.press(key)

    async def types(self, text: str) -> None:
        """Type a text into whatever has the focus."""
        await self.page.keyboard.type(text)

    async def tab_to(self, wanted: Locator, *, back: bool = False) -> None:
        """Press Tab until an element has the focus."""
        await expect(wanted).to_have_count(1)
        for _ in range(MOST_STOPS):
            if await wanted.evaluate("it => it === document.activeElement"):
                return
            await self.press("Shift+Tab" if back else "Tab")
        raise AssertionError(f"No key leads to {wanted}")

    async def becomes(self, name: str) -> None:
        """Choose who to be."""
        await self.tab_to(self.page.locator(f'[data-who="{name}"]'))
        await self.press("Enter")
        await expect(self.page.locator(f'[data-who="{name}"]')).to_have_attribute("aria-pressed", "true")
        await self.has_looked()

    async def goes(self, place: str) -> None:
        """Go to a channel, a thread or the direct messages."""
        button = self.page.locator("#places .go").filter(has_text=place).first
        await self.tab_to(button)
        await self.press("Enter")
        await expect(self.page.locator("#places [aria-current]")).to_contain_text(place)
        await self.has_looked()

    async def has_looked(self) -> None:
        """Wait until the page shows the current state."""
        await expect(self.page.locator("#log")).to_have_attribute("aria-busy", "false")

    async def says(self, text: str) -> Locator:
        """Send a message, and wait for the bot's complete answer."""
        before = await self.page.locator(ANSWER).count()
        await self.tab_to(self.page.locator("#composer"), back=True)
        await self.types(text)
        await self.press("Enter")
        return await self.answer(before)

    async def writes_command(self, command: str, **options: str) -> None:
        """Choose a slash command from the list, and fill in its fields."""
        await self.tab_to(self.page.locator("#composer"), back=True)
        await self.types(f"/{command}")
        await expect(self.page.locator("#offers li").first).to_contain_text(f"/{command}")
        await self.press("Enter")
        await expect(self.page.locator("#command-name")).to_have_text(f"/{command}")
        for name, value in options.items():
            await self.tab_to(self.page.locator(f'#command [name="{name}"]'))
            await self.types(value)

    async def uses(self, command: str, **options: str) -> Locator:
        """Use a slash command, and wait for the bot's complete answer."""
        before = await self.page.locator(ANSWER).count()
        await self.writes_command(command, **options)
        await self.press("Enter")
        return await self.answer(before)

    async def answer(self, before: int) -> Locator:
        """Wait for one more message of the bot than `before`, until it no longer grows."""
        message = self.page.locator(ANSWER).nth(before)
        await expect(message).to_be_attached()
        await expect(message.locator(".thinking")).to_have_count(0)
        await self.settled(message)
        number = await message.get_attribute("data-message")
        return self.page.locator(f"#m{number}")

    async def settled(self, message: Locator, rounds: int = 4) -> None:
        """Wait until a message has not changed for a moment."""
        said, same = "", 0
        while same < rounds:
            await self.page.wait_for_timeout(150)
            now = await message.locator(".body").inner_text()
            same = same + 1 if now == said and not now.rstrip().endswith(" …") else 0
            said = now

    async def clicks(self, message: Locator, label: str) -> None:
        """Press a button on a message."""
        await self.tab_to(message.get_by_role("button", name=label, exact=True), back=True)
        await self.press("Enter")

    async def opens_select(self, message: Locator, at: int = 0) -> Locator:
        """Open a select on a message, and find its list."""
        select = message.locator(".select").nth(at)
        await self.tab_to(select.locator("button"), back=True)
        await self.press("Enter")
        await expect(select.get_by_role("listbox")).to_be_focused()
        return select.get_by_role("listbox")

    async def chooses(self, message: Locator, option: str, at: int = 0) -> None:
        """Choose an option from a select on a message."""
        options = await self.opens_select(message, at)
        await self._moves_to(options, option)
        await self.press("Enter")

    async def picks_from_menu(self, message: Locator, entry: str) -> None:
        """Choose an entry from the menu of a message."""
        await self.tab_to(message.locator("[data-menu]"), back=True)
        await self.press("Enter")
        menu = self.page.locator("#menu")
        await expect(menu).to_be_focused()
        await self._moves_to(menu, entry)
        await self.press("Enter")

    async def violations(self) -> list[str]:
        """List axe-core's findings against WCAG 2.2 A and AA in both themes, and the errors of scripts."""
        tags = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]
        shown = await self.page.evaluate("document.documentElement.dataset.theme")
        other = "light" if shown == "dark" else "dark"
        lines = self.wrong + [f"{shown} {line}" for line in await self._axe({"type": "tag", "values": tags})]
        # The other theme differs only in its colours.
        await self.page.evaluate(SET_THEME, other)
        colours = {"type": "rule", "values": ["color-contrast", "link-in-text-block"]}
        lines += [f"{other} {line}" for line in await self._axe(colours)]
        await self.page.evaluate(SET_THEME, shown)
        return lines

    async def _axe(self, rules: dict[str, Any]) -> list[str]:
        found: dict[str, Any] = (await Axe().run(self.page, options={"runOnly": rules})).response
        return [
            f"{each['id']}: {node['html'][:200]} {node['any'][:1] or node['all'][:1]}"
            for each in found["violations"]
            for node in each["nodes"]
        ]

    async def _moves_to(self, entries: Locator, text: str) -> None:
        for _ in range(30):
            current = await entries.locator(".current").inner_text()
            if text in current:
                return
            await self.press("ArrowDown")
        raise AssertionError(f"No key leads to {text!r}")
