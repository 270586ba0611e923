"""Who else may write a file that is about to be trusted."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable, Iterator
from pathlib import Path


def others_may_write(paths: Iterable[Path]) -> Iterator[str]:
    """A sentence for each file, and each folder of such a file, that others than this user and root may write.

    Looks at owner and mode; access control lists are not seen. Others may write into a sticky folder (such as /tmp),
    but not replace the files of others in it. What is absent is passed over.
    """
    files = list(dict.fromkeys(paths))
    for path in (*files, *dict.fromkeys(path.parent for path in files)):
        try:
            found = path.stat()
        except OSError:
            continue
        mode = stat.filemode(found.st_mode)
        is_sticky_folder = bool(stat.S_ISDIR(found.st_mode) and found.st_mode & stat.S_ISVTX)
        if found.st_uid not in (0, os.geteuid()):
            yield f"{path} belongs to user {found.st_uid}: chown it"
        elif found.st_mode & stat.S_IWOTH and not is_sticky_folder:
            yield f"{path} may be written by everybody ({mode}): chmod o-w {path}"
        elif found.st_mode & stat.S_IWGRP and not is_sticky_folder:
            yield f"{path} may be written by group {found.st_gid} ({mode}): chmod g-w {path}"
