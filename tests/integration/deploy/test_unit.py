"""The service as it is installed, judged by systemd's own programs."""

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from daemon import config
from daemon.cli.exits import Exit

DEPLOY = Path(__file__).parents[3] / "deploy"
UNIT = DEPLOY / "deliveryd.service"
SYSTEM = Path("usr/lib/systemd/system")
EXPOSED_AT_MOST = 1.5
"""Of ten; what nobody has hardened has 9.6."""


def ran(*command: str | Path) -> str:
    """What a program says, which must be content."""
    done = subprocess.run(
        command,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        env={**os.environ, "SYSTEMD_COLORS": "0"},
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


def setting(name: str) -> list[str]:
    """What the unit says of something, each time it does."""
    return re.findall(rf"^{name}=(.*)$", UNIT.read_text(), re.MULTILINE)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A machine with the unit and what it needs, as a folder."""
    shutil.copytree(Path("/") / SYSTEM, tmp_path / SYSTEM, symlinks=True)
    shutil.copy(UNIT, tmp_path / SYSTEM)
    for name in ("ExecStart", "ExecReload"):
        program = tmp_path / setting(name)[0].split()[0].lstrip("/")
        program.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy("/bin/true", program)
    (tmp_path / "etc").mkdir()
    return tmp_path


def test_verified(root: Path) -> None:
    """`systemd-analyze verify` has nothing to say; and would have, were a word wrong."""
    verify = ("systemd-analyze", "verify", "--man=no", f"--root={root}", UNIT.name)
    assert ran(*verify) == ""
    unit = root / SYSTEM / UNIT.name
    unit.write_text(unit.read_text().replace("=on-failure", "=sometimes"))
    assert "sometimes" in ran(*verify)


def test_hardened() -> None:
    """`systemd-analyze security` finds little that the daemon could reach beside its work."""
    told = ran("systemd-analyze", "security", "--offline=yes", "--no-pager", UNIT)
    found = re.search(r"exposure level for deliveryd.service: ([\d.]+)", told)
    assert found, told
    assert float(found[1]) <= EXPOSED_AT_MOST, told


def test_user_and_folders(root: Path) -> None:
    """The user that the unit runs as is made, and nobody else reads its configuration."""
    ran("systemd-sysusers", f"--root={root}", DEPLOY / "deliveryd.sysusers")
    users = (root / "etc/passwd").read_text()
    assert setting("User") == ["deliveryd"]
    assert re.search(r"^deliveryd:.*:/usr/sbin/nologin$", users, re.MULTILINE)
    ran("systemd-tmpfiles", f"--root={root}", "--create", DEPLOY / "deliveryd.tmpfiles")
    modes = {
        path: (root / "etc/deliveryd" / path).stat().st_mode & 0o777
        for path in (".", "conf.d", "credentials")
    }
    assert modes == {".": 0o750, "conf.d": 0o750, "credentials": 0o700}


def test_it_fits_the_daemon() -> None:
    """What the unit promises, the daemon keeps: exit codes, signals, places, credentials."""
    assert setting("Type") == ["notify"]
    assert setting("RestartPreventExitStatus") == [str(int(Exit.CONFIG))]
    assert setting("KillMode") == ["mixed"]  # a second SIGTERM would mean "at once"
    assert setting("LogRateLimitIntervalSec") == ["0"]
    state = config.Config().instance.state_dir
    assert setting("StateDirectory") == [state.name]
    assert str(state.parent) == "/var/lib"
    folders = {Path(one.partition(":")[2]).parent for one in setting("LoadCredential")}
    assert folders == {Path("/etc/deliveryd/credentials")}


def test_the_page_s_configuration(tmp_path: Path) -> None:
    """What operations.md shows can be used: its configuration, with its secrets by the unit."""
    page = (DEPLOY / "docs/operations.md").read_text()
    [shown] = re.findall(r"^```toml\n(.*?)^```$", page, re.DOTALL | re.MULTILINE)
    file = tmp_path / "config.toml"
    file.write_text(shown)
    secrets = {
        name: text for text, name in re.findall(r"^echo '(.*)' > (\w+)$", page, re.MULTILINE)
    }
    for one in setting("LoadCredential"):
        name = one.partition(":")[0]
        (tmp_path / name).write_text(f"{secrets[name]}\n")
    loaded = config.load(file, environ={"CREDENTIALS_DIRECTORY": str(tmp_path)}).config
    assert loaded.postgres.dsn.reveal() == secrets["postgres"]
    assert loaded.rabbitmq.url.reveal() == secrets["rabbitmq"]
    assert loaded.transport[0].is_default
