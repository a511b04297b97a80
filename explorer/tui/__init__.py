"""The terminal screens. Nothing else imports Textual; boto3, pandas and numpy come after the first paint."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from explorer.settings import Settings


def run(settings: Settings) -> int:
    """Open the screens on the store that `settings` name; blocks until the user leaves. Returns 0 or 1."""
    from explorer.tui.app import ExplorerApp
    from explorer.workspace.seen import read_seen

    first_state = read_seen(settings)

    def connect() -> Workspace:
        from explorer.workspace.opener import open_workspace

        return open_workspace(settings, first_state)

    app = ExplorerApp(connect, first_state)
    result = app.run()
    return result if result is not None else app.return_code or 0


if TYPE_CHECKING:
    from explorer.workspace.workspace import Workspace
