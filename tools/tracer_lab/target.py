"""The system that the module is installed on, and what is there of it already."""

from __future__ import annotations

from pathlib import Path

from tracer_lab.errors import LabError
from tracer_tools.check.dkms import TREE as DKMS_TREE
from tracer_tools.check.dkms import Entry, parse_status
from tracer_tools.check.engine import Status
from tracer_tools.check.module import loaded_is_installed
from tracer_tools.errors import TracerError
from tracer_tools.module import MODULE, is_loaded, module_state
from tracer_tools.system import System

UDEV = "/run/udev/control"
SOURCES = "/usr/src"
NAMES_IT = 'PACKAGE_NAME="tracer"'


class Target(System):
    """The running system, or a folder that files are laid out below; and a kernel of it."""

    def __init__(self, root: Path = Path("/"), kernel: str = "") -> None:
        super().__init__(root)
        self._kernel = kernel
        self.staging = root != Path("/")

    def release(self) -> str:
        """The release of the kernel that the module is for: the running one unless it was named."""
        return self._kernel or super().release()

    def is_live(self) -> bool:
        """Whether devices come and go here: neither staging, nor a chroot, nor without udev."""
        if self.staging or not self.path(UDEV).is_socket():
            return False
        try:
            return self.path("/proc/1/root").samefile("/")
        except OSError:  # a user may not ask
            return True

    def kernel_runs(self) -> bool:
        """Whether the kernel that the module is for is the running one."""
        return self.release() == super().release()

    def kernels(self) -> list[str]:
        """The releases of the kernels that are installed."""
        folder = self.path("/lib/modules")
        return sorted(path.name for path in folder.iterdir()) if folder.is_dir() else []

    def has(self, command: str) -> bool:
        """Whether a command is installed."""
        return self.run(command, "--version") is not None

    def versions_added(self) -> list[str]:
        """The versions of the module that dkms has, if it is for no kernel."""
        tree = self.path(DKMS_TREE)
        # A link that leads nowhere, too: what it led to may be gone.
        links = [path / "source" for path in tree.iterdir()] if tree.is_dir() else []
        return sorted(link.parent.name for link in links if link.is_symlink() or link.exists())

    def built_by_dkms(self) -> list[Entry]:
        """What dkms has built and installed. Raises LabError if that is not understood."""
        ran = self.run("dkms", "status", "-m", "tracer")
        try:
            return parse_status(ran.output) if ran is not None else []
        except TracerError as error:
            raise LabError(error.message, error.hint) from error

    def source_folders(self) -> list[str]:
        """The versions of the module whose source is there for dkms."""
        confs = self.path(SOURCES).glob("tracer-*/dkms.conf")
        ours = [conf for conf in confs if NAMES_IT in conf.read_text(errors="replace")]
        return sorted(conf.parent.name.partition("-")[2] for conf in ours)

    def module_loaded(self) -> bool:
        """Whether the module is loaded, and it is for us to unload it."""
        return self.is_live() and is_loaded(self)

    def loaded_is_outdated(self) -> bool:
        """Whether another module is loaded than the installed one."""
        return self.module_loaded() and loaded_is_installed(self).status is Status.WARN

    def monitored(self) -> int:
        """How many processes the loaded module monitors."""
        try:
            return module_state(self).processes
        except TracerError as error:
            raise LabError(error.message, error.hint) from error

    def is_held_open(self) -> bool:
        """Whether a program has the device open, so that the kernel does not unload the module."""
        return self.read(f"{MODULE}/refcnt").strip() != "0"
