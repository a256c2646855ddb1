"""The JSON API held to its own description by schemathesis: whatever is sent, the answer is one that the description has."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, seed, settings
from schemathesis.checks import not_a_server_error
from schemathesis.core.failures import FailureGroup
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from registry.fetch import FetchError
from tests.conftest import ROOT

DESCRIPTION = json.loads((ROOT / "registry" / "static" / "openapi.json").read_text())
HELD_TO = [not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance]


class Nobody:
    """In the fetcher's place: nobody answers, so that no made-up address is asked for."""

    def __getattr__(self, name: str) -> Callable[..., Any]:
        def refuse(*_given: Any, **_named: Any) -> Any:
            raise FetchError("Nobody answers there.")

        return refuse


@pytest.fixture()
def schema(app: Any, founded: Any) -> Iterator[Any]:
    fetcher = founded.fetcher
    object.__setattr__(founded, "fetcher", Nobody())
    yield schemathesis.openapi.from_wsgi("/api/openapi.json", app)
    object.__setattr__(founded, "fetcher", fetcher)


def ask(operation: Any, header: dict[str, str], examples: int) -> str:
    """Send what the description allows, so often; gives what is wrong with an answer, '' for nothing."""

    @seed(8)
    @settings(max_examples=examples, deadline=None, database=None, phases=[Phase.explicit, Phase.generate],
              suppress_health_check=list(HealthCheck))
    @given(case=operation.as_strategy())
    def one(case: Any) -> None:
        case.validate_response(case.call(headers=header), checks=HELD_TO)

    try:
        one()
    except FailureGroup as failed:
        return "\n".join(f"{operation.label}: {one.title}: {one.message}" for one in failed.exceptions)
    return ""


def hold(schema: Any, bearer: Any, examples: int) -> int:
    """Ask each operation so often; gives how many operations there are."""
    operations = [found.ok() for found in schema.get_all_operations()]
    # a token for each: an example may revoke the last one
    wrong = [ask(operation, bearer("administrator"), examples) for operation in operations]
    assert not any(wrong), "\n".join(filter(None, wrong))
    return len(operations)


def test_every_answer_is_one_of_the_description(schema: Any, bearer: Any) -> None:
    verbs = ("get", "post", "put", "delete", "patch")
    assert hold(schema, bearer, 3) == sum(verb in verbs for path in DESCRIPTION["paths"].values() for verb in path)


@pytest.mark.soak
def test_every_answer_is_one_of_the_description_for_long(schema: Any, bearer: Any) -> None:
    hold(schema, bearer, 60)
