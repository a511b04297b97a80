"""The verbs of the lineage screen: each asks the workspace in a thread and says how it went."""

from __future__ import annotations

from textual.message import Message

from explorer.errors import Conflict, ExplorerError
from explorer.lineage.address import Node
from explorer.tui.names import shown
from explorer.tui.screens.confirm import Confirm
from explorer.tui.screens.forking import Forking
from explorer.tui.screens.looks import Looks
from explorer.tui.status import Said


class Retry(Message):
    """Try to open the workspace again."""


class Deeds(Forking, Looks):
    """What acts on the node under the cursor of the tree."""

    AFTER_RESUME = "x shows its log"

    _awaited: Node | None = None
    """Where the cursor goes once it is on screen."""

    def go(self, node: Node) -> None:
        raise NotImplementedError

    def arrive(self) -> None:
        """Put the cursor on the node that a verb made, as soon as the state has it."""
        if self._awaited is not None and self.view.rows.index(self._awaited) is not None:
            node, self._awaited = self._awaited, None
            self.go(node)

    @property
    def source(self) -> Node | None:
        return self.view.node

    def made(self, node: Node) -> None:
        self._awaited = node
        self.arrive()

    # -- snapshot

    def do_snapshot(self) -> None:
        node = self.view.node
        if node is not None:
            self._do(
                f"taking a snapshot of {shown(node.bucket)}",
                lambda w: w.snapshot(node.bucket),
                lambda made: self._made(made, f"snapshot {self._label(made)} taken"),
            )

    # -- take away

    def do_delete(self) -> None:
        """A fork with snapshots of its own must be named: nothing brings those back."""
        bucket = self.situation().bucket
        if bucket is None:
            return
        name, own = bucket.name, len(bucket.snapshots)
        if own:
            self._confirm_by_name(
                name, f"It has {own} snapshot{'s' * (own > 1)} of its own. This cannot be undone."
            )
            return

        def answered(yes: bool | None) -> None:
            if yes:
                self._delete(name, force=False)

        self.app.push_screen(
            Confirm(f"Delete the fork {shown(name)}?", "It has no snapshots of its own.", "delete"), answered
        )

    def _confirm_by_name(self, name: str, why: str) -> None:
        def answered(yes: bool | None) -> None:
            if yes:
                self._delete(name, force=True)

        self.app.push_screen(Confirm(f"Delete the fork {shown(name)}?", why, "delete", typed=name), answered)

    def _delete(self, name: str, *, force: bool) -> None:
        def done(_: None) -> None:
            self.pull()
            self.say(Said(f"{shown(name)} deleted", "good", "" if force else "z undoes it"))

        def refused(error: ExplorerError) -> None:
            self.hush()
            if isinstance(error, Conflict) and not force:
                self._confirm_by_name(name, shown(str(error)))
            else:
                self.complain(error)

        self._do(f"deleting {shown(name)}", lambda w: w.delete_bucket(name, force=force), done, refused)

    def do_stop(self) -> None:
        run = self.situation().run
        if run is None:
            return

        def answered(yes: bool | None) -> None:
            if yes:
                self._do(
                    f"stopping the run in {shown(run.bucket)}",
                    lambda w: w.stop(run.id),
                    lambda _: self.say(
                        Said(f"the run in {shown(run.bucket)} was told to save and end", "good")
                    ),
                )

        question = f"Stop the run in {shown(run.bucket)}?"
        self.app.push_screen(
            Confirm(question, "It saves a checkpoint first, and can be resumed.", "stop"), answered
        )

    # -- prefetch, refresh, copy

    def do_prefetch(self) -> None:
        node = self.view.node
        if node is not None:
            said = f"{self._label(node)} is being prefetched"
            self._do(said, lambda w: w.prefetch(node), lambda _: self.say(said))

    def do_cancel_prefetch(self) -> None:
        node = self.view.node
        if node is not None:
            said = f"prefetch of {self._label(node)} stopped"
            self._do(said, lambda w: w.cancel_prefetch(node), lambda _: self.say(said))

    def do_refresh(self) -> None:
        workspace = self.session.workspace
        if workspace is None:
            self.say(Said("trying again …", "busy"))
            self.post_message(Retry())
            return

        def done(_: None) -> None:
            self.pull()
            self.paint_status()
            self.say(Said("refreshed", "good"))

        self.say(Said("refreshing …", "busy"))
        self.session.run(self, workspace.refresh, done, self.complain, group="refresh", exclusive=True)

    def do_copy(self) -> None:
        """By OSC 52: it reaches the clipboard of the terminal, over ssh too."""
        node = self.view.node
        if node is not None:
            self.app.copy_to_clipboard(node.address)
            self.say(Said(f"{shown(node.address)} copied", "good"))

    def do_quit(self) -> None:
        live = [run for run in self.session.state.runs.values() if run.is_live]
        message = None
        if live:
            many = (
                f"{len(live)} runs go on" if len(live) > 1 else f"The run in {shown(live[0].bucket)} goes on"
            )
            message = f"{many}; `explorer runs` shows them, `explorer` opens this screen again."
        self.app.exit(0, message=message)
