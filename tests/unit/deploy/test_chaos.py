"""What `deploy/chaos` brings before it hands over."""

import pytest

from deploy.ground import chaos, handover, prepare


@pytest.mark.parametrize(
    ("typed", "brought"),
    [(["--help"], "python"), (["random", "-h"], "python"), ([], "python"), (["random"], "all")],
)
def test_what_is_brought(typed: list[str], brought: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Help needs Python's packages, also in a checkout in which nothing has ever run."""
    order: list[str] = []
    monkeypatch.setattr(prepare, "python", lambda _: order.append("python"))
    monkeypatch.setattr(prepare, "everything", lambda _: order.append("all"))
    monkeypatch.setattr(handover, "run", lambda *_: order.append("handed over"))
    chaos.main(typed)
    assert order == [brought, "handed over"]
