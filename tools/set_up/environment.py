"""The file that puts a shell into the virtual environment."""

from __future__ import annotations

import shlex

from tools.set_up.distribution import Distribution
from tools.set_up.layout import Layout

_TEMPLATE = """\
# Made by set-up; for sh, bash and zsh:  . {path}
_prepend() {{ # VARIABLE FOLDER: the folder first, once
  eval "_old=\\${{$1-}}"
  case ":$_old:" in *":$2:"*) ;; *) export "$1=$2${{_old:+:$_old}}" ;; esac
}}
{lines}
unset -f _prepend
unset _old
"""


def write_environment_file(layout: Layout, *, distribution: Distribution | None) -> None:
    """Write `env.sh`: commands, the ament prefix, and logs inside the project instead of in the user's home.

    The ROS 2 wheels find their libraries themselves. A distribution's rclpy finds those of the interface packages in
    LD_LIBRARY_PATH only.
    """
    venv = shlex.quote(str(layout.venv))
    cache = shlex.quote(str(layout.cache))
    lines = [
        f"_prepend PATH {venv}/bin",
        f"_prepend AMENT_PREFIX_PATH {venv}",
        f"_prepend CMAKE_PREFIX_PATH {venv}",
        *([f"_prepend LD_LIBRARY_PATH {venv}/lib"] if distribution else []),
        f"export ROS_LOG_DIR={cache}/ros_log",
        f"export COLCON_HOME={cache}/colcon",
        f"export PYTEST_DEBUG_TEMPROOT={cache}/tmp",
    ]
    (layout.cache / "tmp").mkdir(parents=True, exist_ok=True)
    text = _TEMPLATE.format(path=layout.environment_file, lines="\n".join(lines))
    if not layout.environment_file.is_file() or layout.environment_file.read_text(encoding="utf-8") != text:
        layout.environment_file.write_text(text, encoding="utf-8")
