"""Text tables that fit: columns as wide as they need to be, the least needed left out when there is no room."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from gregaria.report.cells import fit, padded, paint, width

__all__ = ["Cell", "Column", "Table"]

#: characters of a name that are worth leaving out padding, and columns
_WELCOME_NAME = 40
_NARROWEST_NAME = 16


@dataclass(frozen=True, slots=True)
class Cell:
    """One field of a table; ``style`` as in ``cells.paint``."""

    text: str
    style: str = ""


@dataclass(frozen=True, slots=True)
class Column:
    """How one column looks.

    Attributes:
        comfortable: width it has where there is room, even if its cells need less.
        left: text starts at the left.
        opens_group: a bar stands before it.
        flexible: takes what the others leave; its cells are shortened in the middle. One per table.
        spare: the higher, the sooner it is left out for want of room; 0 stays.
    """

    heading: str
    comfortable: int = 0
    left: bool = False
    opens_group: bool = False
    flexible: bool = False
    spare: int = 0


@dataclass(frozen=True, slots=True)
class Table:
    """Rows between a heading and a total.

    Attributes:
        columns: what the cells of each row are, in order.
        rows: the rows; the last ``footer_rows`` of them stand below a rule.
        max_width: characters a line may have, None for no limit.
        max_flexible: characters that the flexible column may have at most.
        colour: write styles.
    """

    columns: Sequence[Column]
    rows: Sequence[Sequence[Cell]]
    footer_rows: int = 1
    max_width: int | None = None
    max_flexible: int | None = None
    colour: bool = False
    _needed: list[int] = field(init=False, repr=False, compare=False, default_factory=list)

    def __post_init__(self) -> None:
        for index, column in enumerate(self.columns):
            cells = [width(row[index].text) for row in self.rows]
            self._needed.append(max([len(column.heading), *cells]))

    def lines(self) -> list[str]:
        """The table's lines, without line ends and without spaces at their ends."""
        shown, widths = self._fitted()
        heading = self._line(shown, widths, [Cell(column.heading, "strong") for column in self.columns])
        rule = self._rule(shown, widths)
        written = [self._line(shown, widths, row) for row in self.rows]
        body = len(written) - self.footer_rows
        return [heading, rule, *written[:body], *([rule] if self.footer_rows else []), *written[body:]]

    def left_out(self) -> list[str]:
        """Headings of the columns there is no room for."""
        shown, _ = self._fitted()
        return [column.heading for index, column in enumerate(self.columns) if index not in shown]

    def _fitted(self) -> tuple[list[int], dict[int, int]]:
        """The columns to show and their widths: first comfort is given up, then the end of names, then columns."""
        flexible = next(index for index, column in enumerate(self.columns) if column.flexible)
        needed = self._needed[flexible]
        if self.max_flexible is not None:
            needed = max(min(needed, self.max_flexible), 1)
        shown = list(range(len(self.columns)))
        while True:
            widths = {index: max(self._needed[index], self.columns[index].comfortable) for index in shown}
            widths[flexible] = needed
            self._tighten(widths, shown, self._excess(shown, widths) - max(needed - _WELCOME_NAME, 0))
            room = needed - self._excess(shown, widths)
            spare = [index for index in shown if self.columns[index].spare]
            if room >= min(needed, _NARROWEST_NAME) or not spare:
                widths[flexible] = max(min(needed, room), 1)
                return shown, widths
            shown.remove(max(spare, key=lambda index: self.columns[index].spare))

    def _excess(self, shown: list[int], widths: dict[int, int]) -> int:
        """Characters by which a line is longer than it may be."""
        if self.max_width is None:
            return 0
        gaps = sum(2 if self.columns[index].opens_group else 1 for index in shown[1:])
        return max(sum(widths[index] for index in shown) + gaps - self.max_width, 0)

    def _tighten(self, widths: dict[int, int], shown: list[int], characters: int) -> None:
        """Take that many characters from columns that are wider than they need to be, the widest gaps first."""
        for _ in range(characters):
            roomiest = max(shown, key=lambda index: widths[index] - self._needed[index])
            if widths[roomiest] <= self._needed[roomiest]:
                return
            widths[roomiest] -= 1

    def _line(self, shown: list[int], widths: dict[int, int], cells: Sequence[Cell]) -> str:
        parts = []
        for index in shown:
            column, cell = self.columns[index], cells[index]
            text = padded(fit(cell.text, widths[index]), widths[index], left=column.left)
            if index != shown[0]:
                parts.append(" |" if column.opens_group else " ")
            parts.append(paint(text, cell.style) if self.colour and text.strip() else text)
        return "".join(parts).rstrip()

    def _rule(self, shown: list[int], widths: dict[int, int]) -> str:
        parts = []
        for index in shown:
            if index != shown[0]:
                parts.append("-|" if self.columns[index].opens_group else "|")
            parts.append("-" * widths[index])
        return paint("".join(parts), "faint" if self.colour else "")
