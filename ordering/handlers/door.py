"""The door for POST, the same for guests and staff: a form or JSON becomes a typed command."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from functools import cache
from typing import Any, get_args

import msgspec

from ordering import metrics
from ordering.commands import Command
from ordering.handlers.base import Page, said
from ordering.refused import Refused


def command_from(sent: Mapping[str, Any], union: Any, form: bool) -> Any:
    """The typed command.

    A form's fields are text, and may hold more than the command's; JSON must be exactly it.

    Raises:
        Refused: `malformed`, with what is wrong.
    """
    values = _form_values(sent, union) if form else sent
    try:
        return decoder(union, strict=not form).decode(msgspec.json.encode(values))
    except (msgspec.MsgspecError, UnicodeError, RecursionError) as error:
        raise Refused("malformed", why=str(error)) from error


@cache
def decoder(union: Any, strict: bool = True) -> msgspec.json.Decoder[Any]:
    """What reads the JSON of these commands. Made once: to look at twenty types takes longer than to read a command
    (34 µs and 3)."""
    return msgspec.json.Decoder(union, strict=strict)


def _form_values(sent: Mapping[str, Any], union: Any) -> dict[str, Any]:
    """What of a form belongs to its command; radio groups are named `modifiers:{group}`."""
    types: dict[Any, type[Command]] = {each.__struct_config__.tag: each for each in get_args(union)}
    chosen = types.get(last(sent.get("do", "")))
    if chosen is None:
        raise Refused("malformed", why="do")
    fields = set(chosen.__struct_encode_fields__)
    values = {name: last(value) for name, value in sent.items() if name in fields or name == "do"}
    for several in fields & SEVERAL:
        picked = [value for name, value in sent.items() if name.partition(":")[0] == several]
        values[several] = [each for value in picked for each in (value if isinstance(value, list) else [value]) if each]
    return values


SEVERAL = {"modifiers", "tags", "lines", "guests", "stations"}  # fields that may come more than once


def last(value: Any) -> Any:
    """A form's field; where its name comes more than once, the last one counts."""
    return value[-1] if isinstance(value, list) else value


class Do(Page, ABC):
    """The door for POST. Subclasses say which commands there are, who asks, and where a form goes back to."""

    union: Any

    @abstractmethod
    async def carry_out(self, sent: dict[str, Any]) -> dict[str, Any]:
        """The answer of the desk; raises `Refused`."""

    @abstractmethod
    def back(self, sent: Mapping[str, Any]) -> str:
        """Where a form's answer leads."""

    async def post(self, *_: str) -> None:
        """Called by Tornado."""
        sent: dict[str, Any] = {}
        try:
            sent = self.fields()
            answer = await self.carry_out(sent)
        except Refused as refused:
            metrics.commands.labels(door="post", outcome=refused.word).inc()
            if self.wants_json or refused.status != 409:
                self.refuse(refused, sent.get("op"), back=self.back(sent), v=self.standing())
                return
            self.set_signed_cookie(
                "flash", said(refused, self.t, self.services.shelf), httponly=True, expires_days=None
            )
        else:
            metrics.commands.labels(door="post", outcome="ok").inc()
            if self.wants_json:
                self.reply(answer)
                return
        self.redirect(self.back(sent), status=303)

    @abstractmethod
    def standing(self) -> int:
        """The version at which a refused command found things."""

    def command(self, sent: Mapping[str, Any]) -> Any:
        """The typed command in what was sent."""
        return command_from(sent, self.union, form=not self.sends_json)
