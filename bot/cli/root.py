"""The `footnote` command itself: its own options, and the commands below it."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from inspect import getdoc
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer
import typer.main
from typer.core import TyperCommand, TyperGroup

from bot.cli import paper_group, question_group, service_group, upkeep_group
from bot.cli.shared_options import DataDir
from bot.cli.verbosity import start_log

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from typer.models import CommandInfo

# In the order of --help.
MODULES: Final = (question_group, paper_group, upkeep_group, service_group)

# Flags of every command, which may stand before and behind its name.
ANYWHERE: Final = ("--verbose", "-v")


class Commands(Mapping[str, Any]):
    """The commands by name, each built when it is asked for, as its signature is dear to read."""

    def __init__(self) -> None:
        """Note what there is, and what each command says of itself."""
        self.summaries: dict[str, str] = {}
        self._builders: dict[str, Callable[[], Any]] = {}
        self._built: dict[str, Any] = {}
        for app in (module.app for module in MODULES):
            for info in app.registered_commands:
                assert info.callback
                self._add(info.name or info.callback.__name__, getdoc(info.callback), partial(_command, info))
            for group in app.registered_groups:
                assert group.typer_instance
                told = group.typer_instance.info
                self._add(told.name, told.help, partial(typer.main.get_group, group.typer_instance))

    def _add(self, name: Any, summary: Any, builder: Callable[[], Any]) -> None:  # noqa: ANN401  # Typer's own defaults
        self.summaries[name] = summary or ""
        self._builders[name] = builder

    def __getitem__(self, name: str) -> Any:  # noqa: ANN401  # Typer brings a Click of its own
        """Return a command, which is built once."""
        if name not in self._built:
            self._built[name] = self._builders[name]()
        return self._built[name]

    def __iter__(self) -> Iterator[str]:
        """Yield the names in the order of --help."""
        return iter(self._builders)

    def __len__(self) -> int:
        """Count the commands."""
        return len(self._builders)


def _command(info: CommandInfo) -> Any:  # noqa: ANN401
    alone = typer.Typer(add_completion=False, pretty_exceptions_enable=False, rich_markup_mode=None)
    alone.registered_commands.append(info)
    return typer.main.get_command(alone)


class Root(TyperGroup):
    """Build only the command that runs, and take the flags of every command wherever they stand."""

    def __init__(self, **arguments: Any) -> None:  # noqa: ANN401
        """Take what Typer makes of the app, and the commands."""
        super().__init__(**arguments)
        self.listed = Commands()
        self.commands: Any = self.listed

    def list_commands(self, ctx: Any) -> list[str]:  # noqa: ANN401, ARG002
        """Return the names."""
        return list(self.listed)

    def format_commands(self, ctx: Any, formatter: Any) -> None:  # noqa: ANN401
        """List the commands by what they say of themselves, without building one."""
        told = {name: TyperCommand(name, help=text) for name, text in self.listed.summaries.items()}
        TyperGroup(commands=dict(told)).format_commands(ctx, formatter)

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:  # noqa: ANN401
        """Put those flags before the command; what follows `--` is left alone."""
        end = args.index("--") if "--" in args else len(args)
        flags = [arg for arg in args[:end] if arg in ANYWHERE]
        rest = [arg for arg in args[:end] if arg not in ANYWHERE]
        return super().parse_args(ctx, [*flags, *rest, *args[end:]])


app = typer.Typer(
    name="footnote",
    cls=Root,
    help="Answer questions about papers, every sentence resting on a title and a quote.",
    epilog='Example: footnote ask "which papers train robots with language corrections?"',
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,  # boxes would cost as much as all of Typer, at each --help
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _version(asked: bool) -> None:
    if asked:
        from importlib.metadata import version

        typer.echo(f"footnote {version('footnote')}")
        raise typer.Exit


@app.callback()
def common(
    context: typer.Context,
    data_dir: DataDir = None,
    verbose: Annotated[bool, typer.Option("--verbose", "-v", help="Log what happens to stderr.")] = False,
    version: Annotated[  # noqa: ARG001  # its callback has done all
        bool, typer.Option("--version", help="Show the version and exit.", callback=_version, is_eager=True)
    ] = False,
) -> None:
    """Take the options that every command shares."""
    start_log(verbose=verbose)
    context.obj = data_dir
