"""Commands that set the bot up and run it, in Discord, on a page, or for other programs."""

from __future__ import annotations

from typing import Annotated

import typer

from bot.cli.shared_options import AsJson, DataDir, NoLLM, load_settings, run_to_end, utf8
from bot.cli.verbosity import hide_remarks, show_progress

app = typer.Typer()


@app.command(epilog="Example: footnote setup --token - --llm ollama --ingest seeds")
def setup(
    context: typer.Context,
    token: Annotated[
        str | None, typer.Option(help="The bot's token; - reads it from standard input.", callback=utf8)
    ] = None,
    message_content: Annotated[
        bool | None,
        typer.Option(
            "--message-content/--no-message-content", help="Whether prefix commands are heard (Message Content Intent)."
        ),
    ] = None,
    llm: Annotated[
        str | None,
        typer.Option(help="Who writes answers: none, openai, ollama, lm-studio, or an address.", callback=utf8),
    ] = None,
    llm_key: Annotated[
        str | None, typer.Option(help="The key to it; - reads it from standard input.", callback=utf8)
    ] = None,
    llm_model: Annotated[str | None, typer.Option(help="The model's name there.", callback=utf8)] = None,
    papers: Annotated[
        str | None,
        typer.Option("--ingest", help="First papers, as for footnote ingest.", metavar="SOURCE", callback=utf8),
    ] = None,
    data_dir: DataDir = None,
) -> None:
    """Make a bot ready, and write .env.

    Without options it asks in the terminal; with some it changes just that. Every answer is tried out before.
    """
    from bot.commands.setup import Answers
    from bot.commands.setup import setup as run_setup

    answers = Answers(token, message_content, llm, llm_key, llm_model, papers, data_dir or context.obj)
    if not run_setup(answers):
        raise typer.Exit(1)


@app.command(epilog="Example: footnote doctor")
def doctor(context: typer.Context, as_json: AsJson = False, data_dir: DataDir = None) -> None:
    """Check the set-up.

    A line for each part says what is wrong and how to mend it.
    """
    from bot.commands.doctor import run_doctor

    if not run_to_end(run_doctor(lambda: load_settings(context, data_dir), as_json=as_json)):
        raise typer.Exit(1)


@app.command(epilog="Example: footnote run")
def run(context: typer.Context, data_dir: DataDir = None) -> None:
    """Run the Discord bot until it is told to stop."""
    from bot.commands.run import run as run_until_stopped
    from bot.log import show_traces

    show_traces()
    show_progress()
    run_to_end(run_until_stopped(load_settings(context, data_dir)))


@app.command(epilog="Example: footnote demo")
def demo(
    context: typer.Context,
    port: Annotated[int, typer.Option(min=1, max=65535, help="The port on this machine.")] = 8420,
    data_dir: DataDir = None,
) -> None:
    """Show the Discord bot on a page of this machine.

    It needs no token and no key, answers from seeds/ and forgets everything at the end. With a data dir it answers from
    that library, as the settings say.
    """
    from bot.commands.demo import demo as run_demo

    hide_remarks()
    configured = bool(data_dir or context.obj)
    run_to_end(run_demo(load_settings(context, data_dir), port, configured=configured))


@app.command(epilog="Example: footnote mcp --no-llm")
def mcp(context: typer.Context, no_llm: NoLLM = False, data_dir: DataDir = None) -> None:
    """Serve other programs' models (MCP).

    Over stdin and stdout they get search, ask, similar and get, read-only.
    """
    from bot.commands.mcp import serve

    run_to_end(serve(load_settings(context, data_dir), use_llm=not no_llm))
