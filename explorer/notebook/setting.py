"""A field of a look as an attribute of what is looked at: `view.smoothing = 0.9`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Generic, TypeVar, overload

if TYPE_CHECKING:
    from explorer.notebook.comparison import ComparisonView

T = TypeVar("T")


class Setting(Generic[T]):
    """A part of a view's look: setting it moves the figure, the table and the controls."""

    def __set_name__(self, owner: type, name: str) -> None:
        self._name = name

    @overload
    def __get__(self, view: None, owner: type) -> Setting[T]: ...
    @overload
    def __get__(self, view: ComparisonView, owner: type) -> T: ...
    def __get__(self, view: ComparisonView | None, owner: type) -> Setting[T] | T:
        if view is None:
            return self
        found: T = getattr(view.look, self._name)
        return found

    def __set__(self, view: ComparisonView, value: T) -> None:
        view.set(**{self._name: value})
