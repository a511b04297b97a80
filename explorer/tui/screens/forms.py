"""The form behind F and R: a name, overrides, a template; checked while it is typed."""

from __future__ import annotations

from dataclasses import dataclass

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Input, Label, Static

from explorer.errors import BadInput
from explorer.lineage.address import Node, check_bucket_name
from explorer.lineage.state import State
from explorer.lineage.values import Overrides, parse_scalar, show_overrides
from explorer.tui.names import shown
from explorer.tui.readings import effective_overrides
from explorer.tui.screens.dialog import keys_line
from explorer.tui.session import Session


@dataclass(frozen=True, slots=True)
class Answer:
    """What the form was left with; None where a field was left empty."""

    name: str | None = None
    overrides: Overrides = ()
    template: str | None = None


class Form(ModalScreen[Answer | None]):
    """`verb` is Fork (asks for a name) or Resume (asks for a template)."""

    BINDINGS = [Binding("escape", "leave", show=False)]  # noqa: RUF012

    def __init__(self, verb: str, node: Node, session: Session) -> None:
        super().__init__()
        self._verb = verb
        self._node = node
        self._session = session

    def compose(self) -> ComposeResult:
        state = self._session.state
        inherited = show_overrides(effective_overrides(state, self._node.bucket))
        with Vertical(classes="dialog form") as dialog:
            dialog.border_title = f"{self._verb} {shown(state.label(self._node))}".replace("[", r"\[")
            if self._verb == "Fork":
                yield Label("name")
                yield Input(compact=True, placeholder="proposed if left empty", id="name")
            yield Label("overrides")
            yield Input(compact=True, placeholder="lr=3e-5 seed=7", id="overrides")
            if inherited:
                yield Static(Content(f"inherits {shown(inherited)}"), classes="inherited")
            if self._verb == "Resume":
                yield Label("template")
                yield Input(compact=True, placeholder="the one that the run was started with", id="template")
            yield Static("", id="verdict")
            yield keys_line(("enter", self._verb.lower()), ("tab", "next field"), ("esc", "leave"))

    def on_mount(self) -> None:
        self._judge()

    @on(Input.Changed)
    def _judge(self) -> None:
        answer, why = self._read()
        verdict, glyphs = self.query_one("#verdict", Static), self._session.glyphs
        if answer is None:
            verdict.update(Content.from_markup("[$error]$sign $why[/]", sign=glyphs.failed, why=why))
        else:
            changed = show_overrides(answer.overrides)
            said = f"changes {shown(changed)}" if changed else "changes nothing: an exact copy"
            verdict.update(
                Content.from_markup("[$success]$sign[/] [$dim]$said[/]", sign=glyphs.done, said=said)
            )

    @on(Input.Submitted)
    def _submitted(self) -> None:
        answer, _ = self._read()
        if answer is not None:
            self.dismiss(answer)

    def action_leave(self) -> None:
        self.dismiss(None)

    def _read(self) -> tuple[Answer | None, str]:
        """The answer as it stands, or why it cannot be meant."""
        told = {field.id: field.value.strip() for field in self.query(Input)}
        try:
            name = check_name(told.get("name", ""), self._session.state)
            overrides = parse_overrides(told.get("overrides", ""))
        except BadInput as error:
            return None, f"{shown(str(error))} {shown(error.hint)}"
        return Answer(name, overrides, told.get("template") or None), ""


def check_name(text: str, state: State) -> str | None:
    """A free bucket name, or None where nothing was typed.

    Raises:
        BadInput: S3 would refuse it, or it is taken.
    """
    if not text:
        return None
    check_bucket_name(text)
    if text in state.buckets:
        raise BadInput(f"There is a bucket {text} already.", hint="leave it empty for a free name")
    return text


def parse_overrides(text: str) -> Overrides:
    """Read `lr=3e-5 seed=7`; commas may stand between them.

    Raises:
        BadInput: a word is not `name=value`.
    """
    told: dict[str, str] = {}
    for word in text.replace(",", " ").split():
        name, sign, value = word.partition("=")
        if not (name and sign and value):
            raise BadInput(f"`{word}` is not an override.", hint="write name=value, like lr=3e-5")
        told[name] = value
    return tuple((name, parse_scalar(value)) for name, value in told.items())
