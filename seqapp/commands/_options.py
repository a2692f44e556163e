"""The command line's form of options that are declared without click (seqapp/system/options.py)."""

from __future__ import annotations

from typing import Any

import click

from seqapp.system.options import Option


def click_option(option: Option) -> click.Option:
    """Return an option as click declares it."""
    settings: dict[str, Any] = {"default": option.default, "help": option.help, "metavar": option.metavar}
    if option.kind is bool:
        return click.Option([option.flag], is_flag=True, **settings)
    default_shown = option.default_text or (option.default is not None and option.default != ())
    return click.Option(
        [option.flag], type=_click_type(option), multiple=option.multiple, show_default=default_shown, **settings
    )


def _click_type(option: Option) -> Any:
    if option.is_path:
        return click.Path(resolve_path=True)
    if option.choices:
        return click.Choice(option.choices)
    limits, low, high = option.range, option.range.minimum, option.range.maximum
    if not str(limits):
        return click.types.convert_type(option.kind)
    bounds: dict[str, Any] = {
        "min": limits.above if low is None else low,
        "max": limits.below if high is None else high,
        "min_open": limits.above is not None,
        "max_open": limits.below is not None,
    }
    return (click.IntRange if option.kind is int else click.FloatRange)(**bounds)
