"""Lines that scroll. Their number changes with each letter of a filter, and the screen stays as it is."""

from __future__ import annotations

from rich.style import Style
from textual.geometry import Region, Size
from textual.reactive import Reactive
from textual.scroll_view import ScrollView
from textual.strip import Strip


class Rolling(ScrollView):
    """Paints lines by itself, and says with `hold` how many there are.

    Textual's lays out the whole screen whenever that number changes, three times where the scroll bar comes
    or goes: two frames' worth of a letter typed into a filter.
    """

    virtual_size = Reactive(Size(0, 0), repaint=False)
    _ground: Style | None = None
    _blank: Strip | None = None

    def hold(self, lines: int) -> None:
        """There are so many lines. The screen is laid out only where the place of something depends on it."""
        fits = self.styles.auto_dimensions
        # a page is never shorter than the screen: the bar that always has its column stays blank then
        size = Size(self.size.width, lines if fits else max(lines, self.size.height))
        if size == self.virtual_size:
            return
        self.virtual_size = size
        self._scroll_update(size)
        if fits:
            self.refresh(layout=True)

    @property
    def ground(self) -> Style:
        """What lines are painted on; looked up once, it costs as much as a short line."""
        if self._ground is None:
            self._ground = self.rich_style
        return self._ground

    @property
    def blank(self) -> Strip:
        """A line below the last; the same strip again, for what was made of it is kept with it."""
        if self._blank is None or self._blank.cell_length != self.size.width:
            self._blank = Strip.blank(self.size.width, self.ground)
        return self._blank

    def notify_style_update(self) -> None:
        self._ground = self._blank = None
        super().notify_style_update()

    def render_lines(self, crop: Region) -> list[Strip]:
        """As they are: Textual's cache of styled lines costs as much a line as writing it, for no border."""
        if self.styles.gutter.totals != (0, 0):
            return super().render_lines(crop)
        strips = [self.render_line(y) for y in crop.line_range]
        _, ground = self.background_colors
        for line_filter in self.get_line_filters():
            strips = [strip.apply_filter(line_filter, ground) for strip in strips]
        if crop.column_span != (0, self.size.width):
            strips = [strip.crop(*crop.column_span) for strip in strips]
        return strips
