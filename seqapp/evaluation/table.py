"""Format evaluate's results as text."""

from __future__ import annotations

from typing import Any


def as_text(document: dict[str, Any]) -> str:
    """Title, model beside its baselines, of a backtest errors by steps ahead, and the verdict."""
    import pandas as pd

    rows = pd.DataFrame.from_dict({document["model"]: document["metrics"]} | document["baselines"], orient="index")
    parts = [_title(document), _table(rows.T)]
    if "by_horizon" in document:
        ahead = {name: [row["mae"] for row in rows] for name, rows in document["by_horizon"].items()}
        steps = pd.DataFrame(ahead, index=[f"+{step}" for step in range(1, len(next(iter(ahead.values()))) + 1)])
        for name in document["by_horizon"][document["model"]][0].keys() - {"mae"}:
            steps[name] = [row[name] for row in document["by_horizon"][document["model"]]]
        parts.append(f"Mean absolute error by rows ahead\n{_table(steps)}")
    return "\n\n".join([*parts, document["verdict"].replace(". ", ".\n")])


def _table(rows: Any) -> str:
    return str(rows.to_string(float_format=lambda value: f"{value:.4g}", na_rep="–"))


def _title(document: dict[str, Any]) -> str:
    test = document["split"].get("test", {})
    which = f"rows {test['rows'][0]}–{test['rows'][1]}" if "rows" in test else str(test)
    which = f"{test['series']} series, {test['values']} rows" if "series" in test else which
    dates = f", {test['first']} to {test['last']}" if "first" in test else ""
    title = f"{document['dataset']} with {document['model']}, {test.get('source', 'test split')}: {which}{dates}"
    if "origins" in document:
        refit = ", trained again before each" if document["refit"] else ""
        title += f"\n{document['origins']} origins, {document['stride']} rows apart{refit}"
    return title
